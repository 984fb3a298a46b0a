//! `sim`: the simulation. With words after it they go to the program as they are; without any, as in `ci`, a
//! budget of seeds.

use anyhow::Result;

use crate::command::{cargo, run};
use crate::step::{Context, Outcome, Step};

pub(crate) const STEP: Step = Step {
    name: "sim",
    about: "simulated trading days under faults: --seeds N --seed S --minutes M --json",
    run: sim,
};

/// What a change's run may cost, whichever ends first; `--minutes` by hand has no such end.
const BUDGET: [&str; 4] = ["--seeds", "20000", "--seconds", "600"];

/// The tester tested: seeds for each planted bug, on small days.
const HUNT: [&str; 5] = ["--planted", "--seeds", "800", "--orders", "60"];

fn sim(context: &Context) -> Result<Outcome> {
    if !context.words.is_empty() {
        simulate(context, context.words.iter().map(String::as_str))?;
        return Ok(Outcome::passed());
    }
    simulate(context, BUDGET.into_iter())?;
    simulate(context, HUNT.into_iter())?;
    canary(context)?;
    Ok(Outcome::Passed("no violation, and every planted bug found".to_owned()))
}

/// The tests that need a bug: a day that must fail, and the page that names them all.
fn canary(context: &Context) -> Result<()> {
    let mut program = cargo(&context.root);
    program.args([
        "test",
        "--locked",
        "--quiet",
        "--profile",
        "simulation",
        "--package",
        "alphec-simulation",
    ]);
    run(program.args(["--features", "planted"]))
}

fn simulate<'a>(context: &Context, words: impl Iterator<Item = &'a str>) -> Result<()> {
    let mut program = cargo(&context.root);
    // One build for both: with the feature, a bug is planted only where the program plants it.
    program.args(["run", "--locked", "--profile", "simulation", "--package", "alphec-simulation"]);
    run(program.args(["--features", "planted", "--"]).args(words))
}
