//! Parameters of faults: what the table declares, and what a text gave.

use std::fmt;

use rust_decimal::Decimal;

use super::text::parse_span;
use super::when::Span;

/// What a parameter holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ParamKind {
    /// A length of time: `250ms`, `2s`, `5m`, or `never`.
    Span,
    /// The same, or `open`: until the order's market opens.
    Wait,
    /// A whole number between two bounds.
    Int(i64, i64),
    /// A price or size.
    Number,
    /// One of these words.
    Word(&'static [&'static str]),
    /// Any text; in quotes when it has a comma, a bracket or one of `@%`.
    Text,
}

/// A parameter as the table declares it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Param {
    /// Its name.
    pub name: &'static str,
    /// What it holds.
    pub kind: ParamKind,
    /// What it is when not given; empty for nothing.
    pub default: &'static str,
}

impl Param {
    pub(super) const fn new(name: &'static str, kind: ParamKind, default: &'static str) -> Self {
        Self { name, kind, default }
    }

    pub(super) fn read(&self, text: &str) -> Option<Arg> {
        match self.kind {
            ParamKind::Wait if text == "open" => Some(Arg::Span(OPENING)),
            ParamKind::Span | ParamKind::Wait if text == "never" => Some(Arg::Span(NEVER)),
            ParamKind::Span | ParamKind::Wait => parse_span(text).map(Arg::Span),
            ParamKind::Int(low, high) => {
                text.parse().ok().filter(|number| (low..=high).contains(number)).map(Arg::Int)
            }
            ParamKind::Number => Decimal::from_str_exact(text).ok().map(Arg::Number),
            ParamKind::Word(words) => words.contains(&text).then(|| Arg::Text(text.to_owned())),
            ParamKind::Text => Some(Arg::Text(text.to_owned())),
        }
    }

    /// What would do, for error messages and help.
    pub fn wanted(&self) -> String {
        match self.kind {
            ParamKind::Span => "a time such as 250ms, 2s or 5m, or never".to_owned(),
            ParamKind::Wait => "a time such as 250ms, 2s or 5m, open, or never".to_owned(),
            ParamKind::Int(i64::MIN, i64::MAX) => "a whole number".to_owned(),
            ParamKind::Int(low, high) => format!("a whole number from {low} to {high}"),
            ParamKind::Number => "a number".to_owned(),
            ParamKind::Word(words) => format!("one of {}", words.join(", ")),
            ParamKind::Text => "a text".to_owned(),
        }
    }
}

/// As good as never, and still safe to add to any instant.
pub(crate) const NEVER: i64 = i64::MAX / 4;

/// Until the order's market opens; no time at all where it is open.
pub(crate) const OPENING: i64 = NEVER - 1;

/// A parameter's value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Arg {
    /// Nanoseconds.
    Span(i64),
    /// A whole number.
    Int(i64),
    /// A price or size.
    Number(Decimal),
    /// A word or text.
    Text(String),
}

impl fmt::Display for Arg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Span(NEVER) => f.write_str("never"),
            Self::Span(OPENING) => f.write_str("open"),
            Self::Span(span) => Span(*span).fmt(f),
            Self::Int(number) => number.fmt(f),
            Self::Number(number) => number.fmt(f),
            Self::Text(text) if text.is_empty() || text.contains([',', '(', ')', '@', '%', '=', ' ']) => {
                write!(f, "\"{text}\"")
            }
            Self::Text(text) => f.write_str(text),
        }
    }
}

/// The parameters that a text gave, in its order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Args(pub(super) Vec<(&'static str, Arg)>);

impl Args {
    pub(super) fn get(&self, name: &str) -> Option<&Arg> {
        self.0.iter().find(|(known, _)| *known == name).map(|(_, arg)| arg)
    }
}
