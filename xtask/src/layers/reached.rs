//! What is linked: foreign crates that a member reaches through normal and build dependencies.
//!
//! Asked of `cargo tree` one member at a time, with all its features: a question about the whole
//! workspace would mix in features that only some other member switches on.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::Result;

use super::declared::Member;
use super::rules::{ABSENCES, CONTROLS, PREFIX};
use crate::command::{cargo, read};

/// Crates that each member reaches, by the member's short name.
type Reach = BTreeMap<String, BTreeSet<String>>;

/// Every forbidden crate that is reached, and every sign that the search does not work.
pub(crate) fn breaches(root: &Path, members: &[Member]) -> Result<Vec<String>> {
    let mut reach = Reach::new();
    for member in members.iter().filter(|member| member.name != "xtask") {
        reach.insert(member.name.clone(), reached_by(root, &member.name)?);
    }
    Ok(judge(&reach))
}

fn reached_by(root: &Path, member: &str) -> Result<BTreeSet<String>> {
    let package = format!("{PREFIX}{member}");
    let words = ["tree", "--locked", "--all-features", "--edges", "normal,build", "--prefix", "none"];
    let tree = read(cargo(root).args(words).args(["--format", "{p}", "--package", &package]))?;
    Ok(first_words(&tree))
}

/// Lines look like `tokio v1.54.1 (*)`.
fn first_words(tree: &str) -> BTreeSet<String> {
    tree.lines().filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect()
}

fn judge(reach: &Reach) -> Vec<String> {
    let mut found = Vec::new();
    for (member, foreign) in CONTROLS {
        if !reach.get(*member).is_some_and(|set| set.contains(*foreign)) {
            found.push(format!(
                "control: {member} should reach {foreign}; the search is broken or the rule is old"
            ));
        }
    }
    for absence in ABSENCES {
        for foreign in absence.never {
            if reach.get(absence.from).is_some_and(|set| set.contains(*foreign)) {
                found.push(format!("{} reaches {foreign}: {}", absence.from, absence.because));
            }
            // A name that nobody reaches is misspelt, and a misspelt name forbids nothing.
            if !reach.values().any(|set| set.contains(*foreign)) {
                found.push(format!(
                    "{foreign} is forbidden to {}, but no member reaches it: a typo?",
                    absence.from
                ));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A house in which every forbidden name is somewhere, and nowhere that it must not be.
    fn sound() -> Reach {
        let set = |names: &[&str]| names.iter().map(ToString::to_string).collect::<BTreeSet<_>>();
        let all: Vec<&str> = ABSENCES.iter().flat_map(|absence| absence.never).copied().collect();
        Reach::from([
            ("model".to_owned(), set(&["serde"])),
            ("core".to_owned(), set(&["serde"])),
            ("journal".to_owned(), set(&["rusqlite"])),
            ("ibkr".to_owned(), set(&["ibapi", "tokio"])),
            ("twsim".to_owned(), set(&["tokio", "rand"])),
            ("engine".to_owned(), set(&["tokio", "rusqlite"])),
            ("cli".to_owned(), set(&all)),
        ])
    }

    fn with(member: &str, foreign: &str) -> Reach {
        let mut reach = sound();
        reach.get_mut(member).unwrap().insert(foreign.to_owned());
        reach
    }

    #[test]
    fn a_sound_house_has_no_breach() {
        assert_eq!(judge(&sound()), Vec::<String>::new());
    }

    #[test]
    fn a_forbidden_crate_is_named_with_the_reason() {
        for absence in ABSENCES {
            for foreign in absence.never {
                let found = judge(&with(absence.from, foreign));
                assert_eq!(found, [format!("{} reaches {foreign}: {}", absence.from, absence.because)]);
            }
        }
    }

    #[test]
    fn a_search_that_finds_nothing_does_not_pass() {
        let mut blind = sound();
        blind.get_mut("engine").unwrap().clear();
        assert!(judge(&blind)[0].contains("control: engine"));
        assert!(judge(&Reach::new()).len() >= CONTROLS.len());
    }

    #[test]
    fn a_forbidden_name_that_nobody_reaches_is_a_typo() {
        let mut reach = sound();
        reach.get_mut("cli").unwrap().remove("getrandom");
        assert!(judge(&reach).iter().all(|breach| breach.contains("typo")));
        assert!(!judge(&reach).is_empty());
    }

    #[test]
    fn the_tree_is_read_by_its_first_words() {
        let tree = "alphec-core v0.1.0 (folder)\nserde v1.0.229\nserde v1.0.229 (*)\n\n";
        assert_eq!(first_words(tree).into_iter().collect::<Vec<_>>(), ["alphec-core", "serde"]);
    }
}
