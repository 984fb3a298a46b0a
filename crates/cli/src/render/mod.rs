//! What is printed. Stdout is for results, stderr for errors.

mod order;
mod position;
mod record;
mod story;
mod table;

use std::io::{IsTerminal, Write};

use serde::Serialize;
use serde_json::json;

use crate::exit::Failure;

pub(crate) use self::order::{OrderDocument, order_details, order_table};
pub(crate) use self::position::position_table;
pub(crate) use self::record::{record_table, short_time};
pub(crate) use self::table::{Paint, Sheet};

/// Whether the user has not asked for plain text: <https://no-color.org>.
pub(crate) fn colour_is_welcome() -> bool {
    std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// A line that may be lost when nobody reads any more.
pub(crate) fn line(text: &str) {
    let mut out = std::io::stdout().lock();
    drop(writeln!(out, "{text}").and_then(|()| out.flush()));
}

/// Text as it is, with a line end.
pub(crate) fn text(text: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{text}")?;
    Ok(out.flush()?)
}

/// One JSON document on a line of its own.
pub(crate) fn json(document: &impl Serialize) -> anyhow::Result<()> {
    text(&serde_json::to_string(document)?)
}

/// An error, for people.
pub(crate) fn error(message: &str) {
    say("error", "31", message);
}

/// Something to look at that is no failure of what was asked for.
pub(crate) fn warning(message: &str) {
    say("warning", "33", message);
}

fn say(word: &str, colour: &str, message: &str) {
    let mut out = std::io::stderr().lock();
    let coloured = out.is_terminal() && colour_is_welcome();
    let word = if coloured { format!("\u{1b}[1;{colour}m{word}\u{1b}[0m") } else { word.to_owned() };
    // Nothing sensible is left to do when even this cannot be written.
    drop(writeln!(out, "{word}: {message}"));
}

/// An error, for scripts.
pub(crate) fn failure(failure: &Failure) {
    let mut document = json!({ "error": { "kind": failure.kind, "message": failure.message } });
    if let (Some(order), Some(fields)) = (&failure.order, document.as_object_mut()) {
        fields.insert("order".to_owned(), json!(OrderDocument::new(order)));
    }
    line(&document.to_string());
}
