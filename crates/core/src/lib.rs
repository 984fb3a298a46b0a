//! The decisions: one deterministic machine, handle(now, input) -> step.
