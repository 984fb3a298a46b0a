//! The gateway under the real client crate and under raw bytes, and the venue under random input.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a failed step is a failed test")]

mod accounts;
mod attributes;
mod bars;
mod behaviours;
mod bench;
mod blocking;
mod books;
mod bounds;
mod combinations;
mod control;
mod corrections;
mod depth;
mod desk;
mod echo;
mod families;
mod faults;
mod frames;
mod groups;
mod kit;
mod knobs;
mod latency;
mod listings;
mod lists;
mod load;
mod many;
mod margins;
mod market;
mod orders;
mod previews;
mod random;
mod raw;
mod record;
mod scenario;
mod seeds;
mod session;
mod sessions;
mod soak;
mod text;
mod touched;
mod trail;
mod transport;
mod venue;
mod wire;
mod zones;
