//! `clippy`: the workspace's lints over every target, warnings as errors.

use anyhow::Result;

use crate::command::{cargo, run};
use crate::step::{Context, Outcome, Step};

pub(crate) const STEP: Step =
    Step { name: "clippy", about: "lints over all targets, warnings as errors", run: lint };

fn lint(context: &Context) -> Result<Outcome> {
    let words = ["clippy", "--locked", "--workspace", "--all-targets", "--", "-D", "warnings"];
    run(cargo(&context.root).args(words))?;
    Ok(Outcome::passed())
}
