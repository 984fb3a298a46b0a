//! `docs`: rustdoc over the workspace; a broken link is an error.

use anyhow::Result;

use crate::command::{cargo, run};
use crate::step::{Context, Outcome, Step};

pub(crate) const STEP: Step =
    Step { name: "docs", about: "rustdoc over the workspace, warnings as errors", run: document };

fn document(context: &Context) -> Result<Outcome> {
    let words = ["doc", "--locked", "--workspace", "--no-deps"];
    run(cargo(&context.root).args(words).env("RUSTDOCFLAGS", "-D warnings"))?;
    Ok(Outcome::passed())
}
