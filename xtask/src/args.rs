//! The command line: a step or a group, and a few flags.
//!
//! Parsed by hand, because a parser crate would be the largest part of this program.

use std::fmt::Write as _;

use crate::ci::{ALL, GROUPS};
use crate::sim;
use crate::step::{Flags, Step};

/// What was asked for.
#[derive(Debug)]
pub(crate) enum Request {
    Help,
    Run { steps: Vec<Step>, flags: Flags, words: Vec<String> },
}

/// Reads the arguments after the program's name; the error is one sentence for the user.
pub(crate) fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Request, String> {
    let mut names = Vec::new();
    let mut flags = Flags::default();
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            // What comes after it is its program's own.
            name if name == sim::STEP.name && names.is_empty() => {
                let words = arguments.collect();
                return Ok(Request::Run { steps: vec![sim::STEP], flags, words });
            }
            "-h" | "--help" | "help" => return Ok(Request::Help),
            "--write" => flags.write = true,
            "--smoke" => flags.smoke = true,
            "--unit" => flags.unit = true,
            "--json" => flags.json = true,
            "--kills" => flags.kills = Some(number(&argument, arguments.next())?),
            "--seed" => flags.seed = Some(number(&argument, arguments.next())?),
            flag if flag.starts_with('-') => return Err(format!("unknown flag `{flag}`")),
            _ => names.push(argument),
        }
    }
    match names.as_slice() {
        [] => Ok(Request::Help),
        [name] => select(name, flags),
        [_, second, ..] => Err(format!("one step at a time; what is `{second}` for?")),
    }
}

fn number(flag: &str, value: Option<String>) -> Result<u64, String> {
    let value = value.ok_or_else(|| format!("{flag} needs a number"))?;
    value.parse().map_err(|_| format!("{flag} needs a number, not `{value}`"))
}

fn select(name: &str, flags: Flags) -> Result<Request, String> {
    if let Some(group) = GROUPS.iter().find(|group| group.name == name) {
        let flags = Flags { unit: flags.unit || group.flags.unit, ..flags };
        return Ok(Request::Run { steps: group.steps.to_vec(), flags, words: Vec::new() });
    }
    let step = ALL.iter().find(|step| step.name == name).ok_or_else(|| format!("unknown step `{name}`"))?;
    Ok(Request::Run { steps: vec![*step], flags, words: Vec::new() })
}

/// The page that `--help` prints.
pub(crate) fn help() -> String {
    let mut page = String::from("cargo xtask STEP [FLAGS]\n\nSeveral steps in one:\n");
    for group in GROUPS {
        line(&mut page, group.name, group.about);
    }
    page.push_str("\nSteps:\n");
    for step in ALL {
        line(&mut page, step.name, step.about);
    }
    page.push_str("\nFlags:\n");
    line(&mut page, "--write", "fmt, layers, compare: bring the files up to date instead of checking them");
    line(&mut page, "--unit", "test: only the tests inside the crates");
    line(&mut page, "--smoke", "bench: run each benchmark once, to see that it works");
    line(&mut page, "--kills N", "torture: how many kills, 200 unless given");
    line(&mut page, "--seed S", "torture: what its choices are drawn from");
    line(&mut page, "--json", "torture: one JSON document on stdout");
    page.push_str("\nExit code: 0 passed, 1 a step failed, 2 wrong usage. NO_COLOR turns colour off.");
    page
}

fn line(page: &mut String, name: &str, about: &str) {
    // Writing to a String cannot fail.
    let _ = writeln!(page, "  {name:<9} {about}");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(words: &[&str]) -> Result<Request, String> {
        parse(words.iter().map(ToString::to_string))
    }

    fn names(request: Request) -> Vec<&'static str> {
        match request {
            Request::Help => vec!["help"],
            Request::Run { steps, .. } => steps.iter().map(|step| step.name).collect(),
        }
    }

    #[test]
    fn no_argument_shows_the_help() {
        assert_eq!(names(ask(&[]).unwrap()), ["help"]);
        assert_eq!(names(ask(&["ci", "--help"]).unwrap()), ["help"]);
    }

    #[test]
    fn every_step_and_group_is_reachable_and_described() {
        let page = help();
        for name in ALL.iter().map(|s| s.name).chain(GROUPS.iter().map(|g| g.name)) {
            assert!(ask(&[name]).is_ok(), "{name}");
            assert!(page.contains(&format!("  {name} ")), "{name}");
        }
    }

    #[test]
    fn ci_runs_the_test_step_in_full() {
        match ask(&["ci"]).unwrap() {
            Request::Run { steps, flags, .. } => {
                assert!(steps.iter().any(|step| step.name == "test"));
                assert!(!flags.unit);
            }
            Request::Help => panic!("asked for ci"),
        }
    }

    #[test]
    fn numbers_follow_their_flags() {
        match ask(&["torture", "--kills", "2000", "--seed", "7", "--json"]).unwrap() {
            Request::Run { flags, .. } => {
                assert_eq!((flags.kills, flags.seed, flags.json), (Some(2_000), Some(7), true));
            }
            Request::Help => panic!("asked for torture"),
        }
    }

    #[test]
    fn the_simulation_gets_its_words_as_they_are() {
        match ask(&["sim", "--seed", "7", "--json"]).unwrap() {
            Request::Run { words, .. } => assert_eq!(words, ["--seed", "7", "--json"]),
            Request::Help => panic!("asked for sim"),
        }
    }

    #[test]
    fn nonsense_is_refused_by_name() {
        assert!(ask(&["tset"]).unwrap_err().contains("tset"));
        assert!(ask(&["test", "--fast"]).unwrap_err().contains("--fast"));
        assert!(ask(&["torture", "--kills", "many"]).unwrap_err().contains("many"));
        assert!(ask(&["torture", "--seed"]).unwrap_err().contains("--seed"));
        assert!(ask(&["test", "docs"]).unwrap_err().contains("docs"));
    }
}
