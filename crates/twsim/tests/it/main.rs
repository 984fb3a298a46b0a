//! The gateway under the real client crate and under raw bytes, and the venue under random input.

mod accounts;
mod faults;
mod kit;
mod lists;
mod market;
mod orders;
mod raw;
mod session;
mod venue;
