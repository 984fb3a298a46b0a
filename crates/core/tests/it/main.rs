//! The machine from outside: inputs in, steps out, every step checked.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a panic is a failed test")]

mod cancel;
mod doubt;
mod fills;
mod foreign;
mod gap;
mod gate;
mod golden;
mod group;
mod inputs;
mod kill;
mod late;
mod lifecycle;
mod link;
mod lost_change;
mod modify;
mod operator;
mod pacing;
mod positions;
mod properties;
mod recovery;
mod refusals;
mod rules;
mod submit;
mod support;
mod twice;
