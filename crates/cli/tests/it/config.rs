//! `config`: what is in force, whether it works, and one that does.

use std::fs;

use crate::house::{House, Sim, run};

#[test]
fn the_sample_passes_the_check() {
    let house = House::with("");
    let sample = house.run(&["config", "sample"]).exits(0).out;
    fs::write(house.path("alphec-exec.toml"), &sample).unwrap();
    let said = house.run(&["config", "check"]).exits(0);
    assert_eq!(said.out, "profile paper: ok, paper, 1 account(s), 3 instrument(s)\n");
    assert_eq!(house.run(&["config", "sample", "--json"]).exits(0).json()["toml"], sample.as_str());
}

#[test]
fn show_says_where_each_setting_came_from() {
    let sim = Sim::start(&[]);
    let house = House::of(&sim);
    let mut command = house.program(&["config", "show", "--json", "--client-id", "9"]);
    let document = run(command.env("ALPHEC_EXEC_PORT", "4002")).exits(0).json();
    let settings = &document["settings"];
    assert_eq!(settings["port"]["origin"], "env ALPHEC_EXEC_PORT");
    assert_eq!(settings["client_id"]["origin"], "flag");
    assert_eq!(settings["client_id"]["value"], "9");
    assert_eq!(settings["stop.policy"]["origin"], "default");
    assert!(settings["mode"]["origin"].as_str().unwrap().contains("alphec-exec.toml:3"));
    let plain = house.run(&["config", "show"]).exits(0).out;
    let origin = house.run(&["config", "show", "--origin"]).exits(0).out;
    assert!(!plain.contains("default") && origin.contains("default"), "{plain}\n{origin}");
}

#[test]
fn a_secret_is_shown_as_its_reference_only() {
    let sim = Sim::start(&[]);
    let config = format!("{}alerts.webhook = \"env:ALERTS_URL\"\n", crate::house::profile(sim.addr));
    let house = House::with(&config);
    let mut command = house.program(&["config", "show", "--origin"]);
    let said = run(command.env("ALERTS_URL", "https://hooks.example/very-secret")).exits(0);
    assert!(said.out.contains("env:ALERTS_URL") && !said.out.contains("very-secret"), "{said:?}");
}

#[test]
fn no_configuration_shows_one() {
    let house = House::with("");
    fs::remove_file(house.path("alphec-exec.toml")).unwrap();
    let mut command = house.program(&["config", "check"]);
    command.env("HOME", house.path("home")).env_remove("XDG_CONFIG_HOME");
    run(&mut command).exits(2).complains(&["no configuration found", "[profiles.paper]"]);
}

#[test]
fn every_profile_is_checked_and_each_fault_names_its_own() {
    let sim = Sim::start(&[]);
    let good = crate::house::profile(sim.addr);
    let other = |name: &str, from: &str, to: &str| {
        good.replace("[profiles.paper]", &format!("[profiles.{name}]")).replace(from, to)
    };
    let house = House::with(&format!("{good}{}", other("night", "client_id = 7", "client_id = 8")));
    let said = house.run(&["config", "check"]).exits(0);
    assert_eq!(said.out.lines().count(), 2, "no choice is needed: {said:?}");
    assert_eq!(house.run(&["config", "check", "--json"]).exits(0).json()["profiles"][1]["profile"], "paper");

    let (no_limits, no_mode) =
        (other("night", "limits =", "# limits ="), other("swing", "mode =", "# mode ="));
    let config = format!("default_profile = \"paper\"\n{good}{no_limits}{no_mode}");
    fs::write(house.path("alphec-exec.toml"), config).unwrap();
    let wanted = ["profile night: ", "lacks limits", "profile swing: ", "`mode` is missing"];
    let said = house.run(&["config", "check", "--json"]).exits(2).complains(&wanted);
    assert_eq!(said.json()["error"]["kind"], "configuration");
    assert!(!said.err.contains("profile paper"), "{said:?}");
    house.run(&["config", "check", "--profile", "paper"]).exits(0);
    house.run(&["config", "check", "--profile", "swing"]).exits(2);
    // Variables are meant for the profile in use.
    let mut command = house.program(&["config", "check"]);
    let said = run(command.env("ALPHEC_EXEC_CLIENT_ID", "x")).exits(2);
    assert!(
        said.err.contains("profile paper: ") && said.err.matches("ALPHEC_EXEC_CLIENT_ID").count() == 1,
        "{said:?}"
    );
}
