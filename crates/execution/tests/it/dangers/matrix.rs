//! The table in the docs: which behaviour of the broker meets which reaction, by which switch and test. It is made
//! here from the lines above the tests, and compared with the page.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use alphec_twsim::faults::{BEHAVIOURS, TABLE};

const TESTS: &str = "crates/execution/tests/it/dangers";
const MODULES: [&str; 9] =
    ["cancels", "fills", "groups", "links", "lists", "orders", "rates", "terms", "units"];

/// Set to write the page instead of comparing it.
const BLESS: &str = "DANGERS_BLESS";

const INTRODUCTION: &str = "\
# What the broker does, and what this library does about it

Generated from the tests of crate `alphec-execution`, which inject each behaviour through the simulated gateway and
look at the engine, the venue and the journal afterwards; a test fails when it is stale
(`DANGERS_BLESS=1 cargo nextest run -p alphec-execution the_table_of_dangers` writes it again).
Every test also counts the orders that the venue ever saw, and verifies the journal. It asks the gateway's log for each
switch: that it did what it does, or, of a state of the whole gateway, that it was on when something met it; where the
library keeps a switch from being met, that it was on and never did. What the log does not mention (`sentinels`,
`missing-remaining`, `unknown-status` and the queue of `pacing`) must have left its trace in the journal. What the
switches do is in [simulator-behaviours.md](simulator-behaviours.md).

| # | what the broker does | what this library does | switch | test |
|---|---|---|---|---|
";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap().to_owned()
}

#[derive(Debug, Default)]
struct Row {
    reactions: Vec<String>,
    switches: Vec<&'static str>,
    tests: Vec<String>,
}

/// Names of the simulator's faults among the texts of a line.
fn switches(line: &str) -> impl Iterator<Item = &'static str> {
    let texts: Vec<String> = line.split('"').skip(1).step_by(2).map(str::to_owned).collect();
    TABLE.iter().map(|row| row.name).filter(move |name| {
        texts.iter().any(|text| {
            text.strip_prefix(name)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with(['=', '(', '@', '%', '{']))
        })
    })
}

fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
}

fn add<T: PartialEq>(list: &mut Vec<T>, item: T) {
    if !list.contains(&item) {
        list.push(item);
    }
}

/// From a line `/// Danger N: reaction` (which may go on), over the name of the test, to its last line.
fn rows() -> BTreeMap<u8, Row> {
    let mut rows: BTreeMap<u8, Row> = BTreeMap::new();
    for module in MODULES {
        let source = std::fs::read_to_string(root().join(TESTS).join(format!("{module}.rs"))).unwrap();
        let mut claimed: Option<(u8, String)> = None;
        let mut within: Option<u8> = None;
        for line in source.lines() {
            if let Some(rest) = line.strip_prefix("/// Danger ") {
                let (number, reaction) = rest.split_once(": ").unwrap();
                claimed = Some((number.parse().unwrap(), reaction.to_owned()));
            } else if let Some(rest) = line.strip_prefix("/// ")
                && let Some((_, reaction)) = &mut claimed
            {
                *reaction = format!("{reaction} {rest}");
            } else if let Some(rest) = line.strip_prefix("async fn ")
                && let Some((number, reaction)) = claimed.take()
            {
                let (name, _) = rest.split_once('(').unwrap();
                let row = rows.entry(number).or_default();
                add(&mut row.reactions, reaction);
                row.tests.push(format!("`{module}::{name}`"));
                within = Some(number);
            } else if line == "}" {
                within = None;
            } else if let Some(row) = within.and_then(|number| rows.get_mut(&number)) {
                for switch in switches(line) {
                    add(&mut row.switches, switch);
                }
            }
        }
    }
    rows
}

fn page() -> String {
    let rows = rows();
    let mut page = INTRODUCTION.to_owned();
    for behaviour in BEHAVIOURS {
        let Some(row) = rows.get(&behaviour.number) else { continue };
        let switches: Vec<String> = row.switches.iter().map(|name| format!("`{name}`")).collect();
        writeln!(
            page,
            "| {} | {} | {} | {} | {} |",
            behaviour.number,
            behaviour.what,
            row.reactions.iter().map(|it| sentence(it)).collect::<Vec<_>>().join(" "),
            switches.join(", "),
            row.tests.join("<br>")
        )
        .unwrap();
    }
    page
}

#[test]
fn the_table_of_dangers_is_up_to_date() {
    let path = root().join("docs/dangers.md");
    let page = page();
    if std::env::var_os(BLESS).is_some() {
        std::fs::write(&path, &page).unwrap();
    }
    assert_eq!(std::fs::read_to_string(&path).unwrap_or_default(), page, "{BLESS}=1 writes it again");
}

#[test]
fn each_of_the_forty_behaviours_is_injected_by_a_switch_of_its_own() {
    let rows = rows();
    for behaviour in BEHAVIOURS {
        let row = rows.get(&behaviour.number).unwrap_or_else(|| panic!("no test of {}", behaviour.number));
        let own = |name: &&str| {
            TABLE.iter().any(|it| it.name == *name && it.behaviours.contains(&behaviour.number))
        };
        assert!(row.switches.iter().any(own), "{}: {:?}", behaviour.number, row.switches);
    }
}
