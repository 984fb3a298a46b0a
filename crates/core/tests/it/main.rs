//! The machine from outside: inputs in, steps out, every step checked.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a panic is a failed test")]

mod gate;
mod inputs;
mod rules;
mod support;
