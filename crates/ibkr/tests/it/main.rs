//! The adapter against the simulated gateway: real sockets, the real ibapi client.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a helper that cannot go on fails its test"
)]

mod harness;

mod books;
mod connection;
mod hostile;
mod orders;
mod probe;
mod reference;
mod tap;
