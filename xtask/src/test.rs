//! `test`: the whole suite, by nextest where it is installed and by `cargo test` where it is not; then the Python
//! package's own.

use std::path::Path;

use anyhow::Result;

use crate::command::{cargo, read, run};
use crate::python;
use crate::step::{Context, Outcome, Step};

pub(crate) const STEP: Step = Step {
    name: "test",
    about: "all tests and documentation examples; --unit for the inner ones",
    run: test,
};

fn test(context: &Context) -> Result<Outcome> {
    let nextest = has_nextest(&context.root);
    let unit = context.flags.unit;
    // Documentation examples first, so that the suite's own summary comes last.
    let examples = if unit { Ok(()) } else { run(cargo(&context.root).args(EXAMPLES)) };
    let suite = run(cargo(&context.root).args(suite(nextest, unit)));
    examples.and(suite)?;
    let runner = if nextest { "nextest" } else { "cargo test" };
    if unit {
        return Ok(Outcome::Passed(runner.to_owned()));
    }
    Ok(Outcome::Passed(match python::package(context)? {
        Outcome::Passed(_) => format!("{runner}, pytest"),
        Outcome::Skipped(why) => format!("{runner}; without the Python package: {why}"),
    }))
}

const EXAMPLES: [&str; 4] = ["test", "--locked", "--workspace", "--doc"];

fn suite(nextest: bool, unit: bool) -> Vec<&'static str> {
    let mut words = if nextest { vec!["nextest", "run"] } else { vec!["test"] };
    words.extend(["--locked", "--workspace", "--no-fail-fast"]);
    match (unit, nextest) {
        (true, _) => words.extend(["--lib", "--bins"]),
        // Plain `cargo test` would run the documentation examples a second time.
        (false, false) => words.extend(["--tests", "--examples"]),
        (false, true) => {}
    }
    words
}

fn has_nextest(root: &Path) -> bool {
    read(cargo(root).args(["nextest", "--version"])).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_runners_cover_the_workspace_with_the_lock_file() {
        for (nextest, unit) in [(true, true), (true, false), (false, true), (false, false)] {
            let words = suite(nextest, unit);
            assert!(words.contains(&"--workspace") && words.contains(&"--locked"), "{words:?}");
            assert_eq!(words.contains(&"nextest"), nextest);
        }
    }

    #[test]
    fn only_the_unit_run_leaves_out_integration_tests() {
        assert!(suite(false, false).contains(&"--tests"));
        assert!(!suite(false, true).contains(&"--tests"));
        assert!(!suite(true, false).contains(&"--lib"));
        assert!(suite(true, true).contains(&"--lib"));
    }
}
