//! The real program, run as a user runs it: against a simulated gateway that is a process of its own.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a panic is a failed test")]

mod audit;
mod bad_input;
mod config;
mod conformance;
mod demo;
mod doctor;
mod exits;
mod full;
mod house;
mod kill;
mod orders;
mod salvage;
mod secrets;
mod side_by_side;
mod sim;
