//! The journal from outside: what survives, what is noticed, what is refused.
#![expect(clippy::unwrap_used, reason = "helpers outside of test functions; a panic is a failed test")]

mod append;
mod common;
mod crash;
mod disk_faults;
mod front;
mod full;
mod golden;
mod queries;
mod reading;
mod refusals;
mod roundtrip;
mod salvage;
mod sinks;
mod tamper;
mod torn;
