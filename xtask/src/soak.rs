//! `soak`: the long proofs of the simulated gateway, in release: a million orders with the memory flat, and a
//! million random frames. Minutes, so not part of `ci`, which runs small versions of both as tests.

use anyhow::Result;

use crate::command::{cargo, run};
use crate::step::{Context, Outcome, Step};

pub(crate) const STEP: Step = Step {
    name: "soak",
    about: "the simulator's long runs: 1 000 000 orders, 1 000 000 random frames",
    run: soak,
};

fn soak(context: &Context) -> Result<Outcome> {
    let mut orders = cargo(&context.root);
    orders.args(["run", "--locked", "--release", "--package", "alphec-twsim", "--example", "soak"]);
    run(orders.args(["--", "--orders", "1000000"]))?;
    let mut frames = cargo(&context.root);
    frames.args(["test", "--locked", "--release", "--package", "alphec-twsim", "--test", "it"]);
    run(frames.args(["--", "random::"]).env("TWSIM_FRAMES", "1000000"))?;
    Ok(Outcome::passed())
}
