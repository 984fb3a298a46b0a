//! The library as its users meet it.

#![expect(clippy::unwrap_used, reason = "a panic is a failed test")]

mod arming;
mod bad_input;
mod groups;
mod layers;
mod secrets;
mod support;
mod trading;
mod webhook;
