//! The gateway under the real client crate, and the venue under random input.

mod kit;
mod orders;
