//! `fmt`: every file as rustfmt would write it.

use anyhow::Result;

use crate::command::{cargo, run};
use crate::step::{Context, Outcome, Step};

pub(crate) const STEP: Step =
    Step { name: "fmt", about: "rustfmt over the workspace; --write changes the files", run: format };

fn format(context: &Context) -> Result<Outcome> {
    let mut command = cargo(&context.root);
    command.args(["fmt", "--all"]);
    if !context.flags.write {
        command.arg("--check");
    }
    run(&mut command)?;
    Ok(Outcome::passed())
}
