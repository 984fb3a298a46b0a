//! Which steps exist, and which of them `quick` and `ci` are made of.
//!
//! Cheap checks go first so that a slip is seen within seconds.

use crate::step::{Flags, Step};
use crate::{
    bench, clients, clippy, compare, demo, docs, fmt, hooks, layers, python, sim, soak, test, tidy, torture,
};

/// Steps that can be asked for by name.
pub(crate) const ALL: &[Step] = &[
    test::STEP,
    fmt::STEP,
    clippy::STEP,
    tidy::STEP,
    layers::STEP,
    docs::STEP,
    demo::STEP,
    python::STEP,
    clients::STEP,
    bench::STEP,
    soak::STEP,
    sim::STEP,
    torture::STEP,
    compare::STEP,
    hooks::STEP,
];

/// Everything that a submission must pass, in this order.
pub(crate) const CI: &[Step] = &[
    fmt::STEP,
    tidy::STEP,
    layers::STEP,
    clippy::STEP,
    test::STEP,
    sim::STEP,
    docs::STEP,
    demo::STEP,
    clients::STEP,
    torture::STEP,
];

/// What is worth running before every push.
pub(crate) const QUICK: &[Step] = &[fmt::STEP, tidy::STEP, layers::STEP, clippy::STEP, test::STEP];

/// A name that stands for several steps.
#[derive(Debug)]
pub(crate) struct Group {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    pub(crate) steps: &'static [Step],
    pub(crate) flags: Flags,
}

pub(crate) const GROUPS: &[Group] = &[
    Group {
        name: "quick",
        about: "before a push: fmt, tidy, layers, clippy, unit tests",
        steps: QUICK,
        flags: Flags { unit: true, ..Flags::NONE },
    },
    Group {
        name: "ci",
        about: "what CI runs: fmt, tidy, layers, clippy, test, sim, docs, demo, clients, torture",
        steps: CI,
        flags: Flags::NONE,
    },
];
