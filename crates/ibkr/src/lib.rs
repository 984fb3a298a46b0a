//! The TWS adapter over crate ibapi; converts at the edge and nowhere else.
