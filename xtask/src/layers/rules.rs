//! The house as a table: who may see whom, and what must not be linked where.
//!
//! A change here is a change of the architecture: it belongs in a commit that says why.

/// What every member's package name starts with.
pub(crate) const PREFIX: &str = "alphec-";

/// A crate and the members it may name in `[dependencies]` or `[build-dependencies]`.
#[derive(Debug)]
pub(crate) struct Floor {
    pub(crate) name: &'static str,
    pub(crate) may_see: &'static [&'static str],
}

/// From the ground up. A member that is not listed has no place in the house yet, which is a breach.
pub(crate) const FLOORS: &[Floor] = &[
    Floor { name: "model", may_see: &[] },
    Floor { name: "core", may_see: &["model"] },
    Floor { name: "journal", may_see: &["model"] },
    Floor { name: "ibkr", may_see: &["model"] },
    Floor { name: "twsim", may_see: &["model"] },
    Floor { name: "engine", may_see: &["model", "core", "journal"] },
    Floor { name: "execution", may_see: &["model", "engine", "ibkr"] },
    Floor { name: "cli", may_see: &["model", "execution", "journal", "twsim"] },
    Floor { name: "python", may_see: &["execution", "journal", "twsim"] },
    Floor { name: "simulation", may_see: &["model", "core", "journal", "ibkr", "twsim", "engine"] },
    Floor { name: "xtask", may_see: &[] },
];

/// Foreign crates that must not be reachable through normal or build dependencies.
#[derive(Debug)]
pub(crate) struct Absence {
    pub(crate) from: &'static str,
    pub(crate) never: &'static [&'static str],
    pub(crate) because: &'static str,
}

const DECIDES: &str = "decisions do no I/O, read no clock and draw no random number";

pub(crate) const ABSENCES: &[Absence] = &[
    Absence { from: "model", never: IO_AND_CHANCE, because: DECIDES },
    Absence { from: "core", never: IO_AND_CHANCE, because: DECIDES },
    Absence {
        from: "journal",
        never: &["tokio", "mio", "ibapi", "rand"],
        because: "the record is blocking files and nothing else",
    },
    Absence { from: "ibkr", never: &["rusqlite"], because: "an adapter keeps no record of its own" },
    Absence {
        from: "twsim",
        never: &["ibapi", "rusqlite"],
        because: "a simulated TWS that shares code with a client would share its mistakes",
    },
    Absence { from: "engine", never: &["ibapi"], because: "the broker is a port made of data" },
];

const IO_AND_CHANCE: &[&str] =
    &["tokio", "mio", "rusqlite", "libsqlite3-sys", "ibapi", "rand", "getrandom", "tracing"];

/// Foreign crates that must be reachable: were one of these not found, the search itself would be broken.
pub(crate) const CONTROLS: &[(&str, &str)] =
    &[("engine", "tokio"), ("journal", "rusqlite"), ("ibkr", "ibapi"), ("ibkr", "tokio"), ("twsim", "tokio")];

/// Foreign crates that only one member may name at all (tests of others are free to).
pub(crate) const OWNED: &[(&str, &str)] = &[("ibapi", "ibkr"), ("rusqlite", "journal")];

/// Foreign crates that a member may not name even for its tests.
pub(crate) const NOT_EVEN_IN_TESTS: &[(&str, &str)] = &[("core", "tokio")];
