//! The loop: collect inputs, step, make durable, release.
