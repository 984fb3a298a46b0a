//! The 40 behaviours of the broker that hurt clients most (tws-behaviour 7), each injected through the simulated
//! gateway, and what this library does about it. The line above a test names the behaviour and the reaction; the
//! table in `docs/dangers.md` is made from those lines.

mod cancels;
mod fills;
mod groups;
mod links;
mod lists;
mod matrix;
mod orders;
mod rates;
mod terms;
mod units;
mod world;
