//! The library as its users meet it.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a panic is a failed test")]

mod arming;
mod bad_input;
mod dangers;
mod groups;
mod layers;
mod pacing;
mod secrets;
mod support;
mod trading;
mod webhook;
