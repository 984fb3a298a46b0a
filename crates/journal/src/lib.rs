//! The record: append-only SQLite store with a hash chain, verify and replay.
