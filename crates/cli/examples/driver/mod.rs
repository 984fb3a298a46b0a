//! What the drivers of `cargo xtask compare` have in common: commands as lines on stdin, JSON objects as lines on stdout.

use std::fmt::Display;
use std::io::BufRead;

use serde_json::{Value, json};
use tokio::sync::mpsc;

/// The lines of stdin, read by a thread of their own. They end when stdin does.
pub(crate) fn commands() -> mpsc::Receiver<String> {
    let (lines, commands) = mpsc::channel::<String>(1_000);
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            if lines.blocking_send(line).is_err() {
                return;
            }
        }
    });
    commands
}

pub(crate) fn say(what: &Value) {
    println!("{what}");
}

/// Says whether what was asked for an order was taken.
pub(crate) fn answer<E: Display>(key: &str, outcome: Result<(), E>) {
    match outcome {
        Ok(()) => say(&json!({ "say": "placed", "key": key })),
        Err(error) => say(&json!({ "say": "refused", "key": key, "why": error.to_string() })),
    }
}
