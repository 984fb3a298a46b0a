//! `demo`: the README's own profile must carry it, and it must leave the account flat.

use crate::house::{House, Sim};

/// The README's configuration, pointed at a simulated gateway.
fn readme_profile(sim: &Sim) -> String {
    let readme = include_str!("../../../../README.md");
    let from = readme.split("```toml").nth(1).unwrap();
    let toml = from.split("```").next().unwrap();
    toml.replace("mode = \"paper\"", &format!("mode = \"paper\"\nport = {}", sim.addr.port()))
}

#[test]
fn it_plays_on_the_readmes_own_profile_and_leaves_the_account_flat() {
    let sim = Sim::start(&[]);
    let house = House::with(&readme_profile(&sim));
    let document = house.run(&["demo", "--profile", "paper", "--json"]).exits(0).json();
    assert_eq!(document["ok"], true);
    assert_eq!(document["left_working"].as_array().map(Vec::len), Some(0));
    assert_eq!(document["journal"]["verified"], true);
    let positions = house.run(&["positions", "--json"]).exits(0).json();
    assert_eq!(positions["positions"].as_array().map(Vec::len), Some(0), "{positions}");
}
