//! The engine from outside: a scripted broker on one side, callers on the other, faults in the journal.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a panic is a failed test")]

mod disk;
mod durability;
mod lifecycle;
mod rules;
mod support;
