//! The library as its users meet it.

mod arming;
mod bad_input;
mod layers;
mod secrets;
mod support;
mod trading;
mod webhook;
