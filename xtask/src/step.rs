//! What a step is: a name, a line of help, and a function that passes, is skipped, or fails.

use std::path::PathBuf;

use anyhow::Result;

/// What every step is given.
#[derive(Debug)]
pub(crate) struct Context {
    /// The folder that holds the workspace's `Cargo.toml`.
    pub(crate) root: PathBuf,
    pub(crate) flags: Flags,
    /// What came after a step that takes words of its own.
    pub(crate) words: Vec<String>,
}

/// Flags of the command line; a step reads those that concern it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Flags {
    /// Bring the checked files up to date instead of only checking them.
    pub(crate) write: bool,
    /// Run benchmarks once, to see that they work.
    pub(crate) smoke: bool,
    /// Only unit tests: those inside the crates.
    pub(crate) unit: bool,
    /// One JSON document on stdout, and what is for people on stderr.
    pub(crate) json: bool,
    /// How many kills.
    pub(crate) kills: Option<u64>,
    /// What random choices are drawn from.
    pub(crate) seed: Option<u64>,
}

impl Flags {
    /// Nothing asked for.
    pub(crate) const NONE: Self =
        Self { write: false, smoke: false, unit: false, json: false, kills: None, seed: None };
}

/// How a step ended when it did not fail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// With a note for the closing table, which may be empty.
    Passed(String),
    /// With the reason: a step is never left out without saying why.
    Skipped(String),
}

impl Outcome {
    pub(crate) fn passed() -> Self {
        Self::Passed(String::new())
    }
}

/// One named task.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Step {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    pub(crate) run: fn(&Context) -> Result<Outcome>,
}
