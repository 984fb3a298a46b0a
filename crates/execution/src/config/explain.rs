//! From a fault to an error that a person can act on: where it is, the line, a caret, a remedy.

use std::ops::Range;
use std::path::Path;

use super::de::{Fault, What, nearest};
use super::env;
use super::error::{ConfigError, Place};
use super::tree::{self, Node, Origin};

/// Words whose lines are not repeated: they may hold a secret that should not be there.
const HUSHED: [&str; 3] = ["webhook", "arming", "://"];

/// The file being read.
pub(super) struct File<'a> {
    pub(super) path: &'a Path,
    pub(super) text: &'a str,
}

impl File<'_> {
    /// Text that is not TOML.
    pub(super) fn explain_syntax(&self, fault: Fault) -> ConfigError {
        let place = Box::new(self.place_at(fault.at.clone().unwrap_or_default(), false));
        let why = match fault.what {
            What::Syntax(why) | What::Bad(why) => why,
            other => format!("{other:?}"),
        };
        ConfigError::Syntax { place, why }
    }

    /// A fault in the tree of profile `name`.
    pub(super) fn explain(&self, tree: &Node, name: &str, fault: Fault) -> ConfigError {
        let node = tree.nearest(&fault.path);
        let key = fault.path.iter().fold(String::new(), |dotted, key| tree::dotted(&dotted, key));
        match fault.what {
            What::UnknownKey { known } => match &node.origin {
                Origin::Env { name } => env::unknown_key(name, &fault.path, &known),
                _ => {
                    let place = Box::new(self.place(node, true));
                    ConfigError::UnknownKey { place, key, hint: unknown_hint(&fault.path, &known) }
                }
            },
            What::Missing => {
                let place = Box::new(self.place(node, false));
                ConfigError::MissingKey { place, hint: missing_hint(&fault.path), key }
            }
            What::MissingLimits(missing) => {
                let limits = tree.nearest(&["limits".to_owned()]);
                let place = Box::new(self.place(limits, false));
                ConfigError::MissingLimits { place, profile: name.to_owned(), missing }
            }
            What::Bad(why) | What::Syntax(why) => {
                ConfigError::Value { place: Box::new(self.place(node, false)), key, why }
            }
        }
    }

    fn place(&self, node: &Node, key: bool) -> Place {
        let at = if key { node.key_at.as_ref().or(node.at.as_ref()) } else { node.at.as_ref() };
        match (&node.origin, at) {
            (Origin::File { .. }, Some(at)) => self.place_at(at.clone(), key),
            (origin, _) => Place { origin: origin.clone(), column: None, excerpt: None },
        }
    }

    /// What follows a key that means nothing is left out: it could be a secret under a wrong name.
    fn place_at(&self, at: Range<usize>, is_key: bool) -> Place {
        let start = at.start.min(self.text.len());
        let before = self.text.get(..start).unwrap_or_default();
        let line = before.bytes().filter(|byte| *byte == b'\n').count().saturating_add(1);
        let line_start = before.rfind('\n').map_or(0, |index| index.saturating_add(1));
        let content = self.text.get(line_start..).and_then(|rest| rest.lines().next()).unwrap_or_default();
        let column = before.get(line_start..).unwrap_or_default().chars().count();
        let wide = self.text.get(start..at.end).and_then(|marked| marked.lines().next()).unwrap_or_default();
        let is_cut = is_key && at.end < line_start.saturating_add(content.len());
        let content = match self.text.get(line_start..at.end).filter(|_| is_cut) {
            Some(kept) => format!("{kept} …"),
            None => content.to_owned(),
        };
        let gutter = " ".repeat(line.to_string().len());
        let carets = "^".repeat(wide.chars().count().max(1));
        let excerpt = format!("{gutter} |\n{line} | {content}\n{gutter} | {}{carets}", " ".repeat(column));
        let lower = content.to_lowercase();
        let is_hushed = HUSHED.iter().any(|word| lower.contains(word));
        Place {
            origin: Origin::File { path: self.path.to_owned(), line },
            column: Some(column.saturating_add(1)),
            excerpt: (!is_hushed).then_some(excerpt),
        }
    }
}

fn unknown_hint(path: &[String], known: &[&'static str]) -> String {
    if let [top, id, key] = path
        && top == "instruments"
        && key.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
    {
        return format!("; if it is part of the instrument's name, quote that: instruments.\"{id}.{key}\"");
    }
    let key = path.last().map_or("", String::as_str);
    match nearest(key, known.iter().copied()) {
        Some(meant) => format!("; did you mean `{meant}`?"),
        None => format!("; known here: {}", known.join(", ")),
    }
}

fn missing_hint(path: &[String]) -> &'static str {
    match path.last().map_or("", String::as_str) {
        "mode" => "; write mode = \"paper\" (or \"live\")",
        "accounts" => "; write the account that may trade, like accounts = [\"DU1234567\"]",
        "instruments" => {
            "; name what may trade, like instruments.AAPL = \
             { kind = \"stock\", exchange = \"SMART\", currency = \"USD\", tick = \"0.01\" }"
        }
        "kind" => "; write kind = \"stock\", \"future\", \"option\" or \"forex\"",
        "exchange" => "; write where orders are routed, like exchange = \"SMART\"",
        "currency" => "; write the currency that prices are in, like currency = \"USD\"",
        "tick" => "; write the price step, like tick = \"0.01\"",
        "multiplier" => "; futures and options need it: money per point and contract, like multiplier = 50",
        "expiry" => "; write it like expiry = \"20261218\"",
        "strike" => "; write it like strike = \"230\"",
        "right" => "; write right = \"call\" or \"put\"",
        _ => "",
    }
}
