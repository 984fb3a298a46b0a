//! The matrix in the docs: which behaviour has which switch and which test. It is made here, from the table of
//! faults and from the lines above the tests, and compared with the page.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use alphec_twsim::faults::{BEHAVIOURS, TABLE, Unit};

use super::knobs::{KNOBS, exists, shown};

const TESTS: &str = "crates/twsim/tests/it/behaviours";

/// Behaviours that nothing brings about.
const MISSING: &[u8] = &[];

/// Set to write the page instead of comparing it.
const BLESS: &str = "TWSIM_BLESS";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap().to_owned()
}

#[derive(Debug)]
struct Proof {
    sections: String,
    test: String,
}

/// The tests by behaviour, read from their sources: a line `/// Behaviour N (§…)`, then the test.
fn proofs() -> BTreeMap<u8, Vec<Proof>> {
    let mut proofs: BTreeMap<u8, Vec<Proof>> = BTreeMap::new();
    for module in ["callbacks", "combinations", "lists", "requests", "sessions"] {
        let source = std::fs::read_to_string(root().join(TESTS).join(format!("{module}.rs"))).unwrap();
        let mut claimed: Option<(u8, String)> = None;
        for line in source.lines() {
            if let Some(rest) = line.strip_prefix("/// Behaviour ") {
                let (number, sections) = rest.split_once(" (").unwrap();
                claimed = Some((number.parse().unwrap(), sections.trim_end_matches(')').to_owned()));
            } else if let Some(rest) = line.strip_prefix("fn ")
                && let Some((number, sections)) = claimed.take()
            {
                let (name, _) = rest.split_once('(').unwrap();
                proofs.entry(number).or_default().push(Proof { sections, test: format!("{module}::{name}") });
            }
        }
    }
    proofs
}

fn page() -> String {
    let proofs = proofs();
    let mut page = String::from(INTRODUCTION);
    page.push_str(
        "| # | behaviour | implemented | switch | test | described in |\n|---|---|---|---|---|---|\n",
    );
    for behaviour in BEHAVIOURS {
        let switches: Vec<String> = TABLE
            .iter()
            .filter(|row| row.behaviours.contains(&behaviour.number))
            .map(|row| format!("`{}`", row.name))
            .collect();
        let found = proofs.get(&behaviour.number).map_or(&[][..], Vec::as_slice);
        let tests: Vec<String> = found.iter().map(|proof| format!("`{}`", proof.test)).collect();
        let mut sections: Vec<&str> = found.iter().flat_map(|proof| proof.sections.split(", ")).collect();
        sections.sort_unstable();
        sections.dedup();
        writeln!(
            page,
            "| {} | {} | {} | {} | {} | {} |",
            behaviour.number,
            behaviour.what,
            if found.is_empty() { "**no**" } else { "yes" },
            switches.join(", "),
            tests.join("<br>"),
            sections.join(", ")
        )
        .unwrap();
    }
    push_knobs(&mut page);
    page.push_str(ALL_NAMES);
    page.push_str("| name | parameters | counts | behaviours | what it does | described in |\n|---|---|---|---|---|---|\n");
    for row in TABLE {
        let usage = row.usage();
        let parameters = usage.strip_prefix(row.name).unwrap().trim_start_matches('(').trim_end_matches(')');
        let numbers: Vec<String> = row.behaviours.iter().map(ToString::to_string).collect();
        writeln!(
            page,
            "| `{}` | {} | {} | {} | {} | {} |",
            row.name,
            parameters,
            row.unit.counted(),
            numbers.join(", "),
            row.what,
            row.section.split(", ").map(|section| format!("§{section}")).collect::<Vec<_>>().join(", ")
        )
        .unwrap();
    }
    page
}

fn push_knobs(page: &mut String) {
    page.push_str(ALL_KNOBS);
    for (group, knobs) in KNOBS {
        for (what, switches, test) in *knobs {
            let switches: Vec<String> = switches.iter().map(|switch| shown(switch)).collect();
            let switches = if switches.is_empty() { "always so".to_owned() } else { switches.join(", ") };
            writeln!(page, "| {group} | {what} | {switches} | `{test}` |").unwrap();
        }
    }
}

/// Sources below a folder, one after the other.
fn sources(folder: &Path) -> String {
    let mut all = String::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.push_str(&sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            all.push_str(&std::fs::read_to_string(path).unwrap());
        }
    }
    all
}

#[test]
fn every_knob_has_switches_and_a_test_that_exist() {
    let command = std::fs::read_to_string(root().join("crates/cli/src/commands/sim.rs")).unwrap();
    let sources = sources(&root().join("crates/twsim"));
    for (what, switches, test) in KNOBS.iter().flat_map(|(_, knobs)| knobs.iter()) {
        for switch in *switches {
            assert!(exists(switch, &command), "{what}: no switch {switch}");
        }
        assert!(sources.contains(&format!("fn {test}(")), "{what}: no test {test}");
    }
}

#[test]
fn every_behaviour_but_the_missing_has_a_switch_and_a_test_that_exists() {
    let proofs = proofs();
    for behaviour in BEHAVIOURS.iter().filter(|behaviour| !MISSING.contains(&behaviour.number)) {
        assert!(proofs.contains_key(&behaviour.number), "no test for {behaviour:?}");
        let has_switch = TABLE.iter().any(|row| row.behaviours.contains(&behaviour.number));
        assert!(has_switch, "no switch for {behaviour:?}");
    }
    assert!(MISSING.iter().all(|number| !proofs.contains_key(number)), "no longer missing");
    assert!(proofs.keys().all(|number| (1..=40).contains(number)));
    assert!(TABLE.iter().any(|row| row.unit == Unit::Life));
}

#[test]
fn the_page_of_behaviours_is_up_to_date() {
    let path = root().join("docs/simulator-behaviours.md");
    let page = page();
    if std::env::var_os(BLESS).is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, &page).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(written == page, "docs/simulator-behaviours.md is stale; write it again with {BLESS}=1");
}

const INTRODUCTION: &str = "\
# What the simulated gateway can do to its clients

Generated from the table of faults and the tests of crate `alphec-twsim`; a test fails when it is stale
(`TWSIM_BLESS=1 cargo nextest run -p alphec-twsim the_page_of_behaviours` writes it again).

Any of these is switched on with `--fault`, or in Rust with `GatewayBuilder::fault`. The text form is `NAME[=VALUE | (KEY=VALUE, …)][@WHEN][%PROBABILITY]`:

| part | examples | means |
|---|---|---|
| value | `reject=201`, `delay=50ms` | the first parameter |
| parameters | `reject(code=201, client=7)` | any of them; `client`, `order` and `symbol` narrow faults that have a subject |
| when | `@3`, `@3..`, `@3..5`, `@30s`, `@30s..40s` | the n-th event, some of them, a time after it was armed, a span |
| probability | `%30`, `%0.5` | per cent of the events, drawn from a seeded stream of the fault's own |

Faults that count new orders, modifications, cancels or executions happen once, unless they have a range or a
probability. The others last until they are cleared. Sections are those of our notes on the broker's
behaviour, which are no part of this repository; their numbers are kept so that facts can be traced.

## The 40 behaviours

";

const ALL_KNOBS: &str = "
## The knobs of a faithful simulator

Knob by knob: the fault, setting of `GatewayConfig` or flag of `alphec-exec sim` that turns it.

| part | knob | switch | test |
|---|---|---|---|
";

const ALL_NAMES: &str = "
## All names

";
