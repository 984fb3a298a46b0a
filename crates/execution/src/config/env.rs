//! Environment variables as a layer: `ALPHEC_EXEC_` and the key in capitals, `__` between levels.

use std::collections::BTreeMap;

use super::arming;
use super::de::nearest;
use super::error::ConfigError;
use super::tree::{Node, Origin, Value, parse_value};

const PREFIX: &str = "ALPHEC_EXEC_";
/// Names the file.
pub(super) const CONFIG: &str = "ALPHEC_EXEC_CONFIG";
/// Names the profile.
pub(super) const PROFILE: &str = "ALPHEC_EXEC_PROFILE";
/// The most levels a key has: instruments, name, limits, limit.
const LEVELS_MAX: usize = 4;
/// Tables of a profile, to explain a lone underscore.
const TABLES: [&str; 7] = ["limits", "reconnect", "heartbeat", "timeouts", "stop", "alerts", "instruments"];

/// Where environment variables are taken from.
#[derive(Debug, Clone, Default)]
pub enum Env {
    /// This process. The default.
    #[default]
    Process,
    /// These and no others.
    Given(BTreeMap<String, String>),
}

impl FromIterator<(String, String)> for Env {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(variables: I) -> Self {
        Self::Given(variables.into_iter().collect())
    }
}

impl Env {
    /// The variables that matter here. The one place that reads the process's environment, besides
    /// `env:` references.
    pub(super) fn variables(self) -> Result<BTreeMap<String, String>, ConfigError> {
        let all = match self {
            Self::Given(variables) => return Ok(variables),
            Self::Process => std::env::vars_os(),
        };
        let mut variables = BTreeMap::new();
        for (name, value) in all {
            let Some(name) = name.to_str().filter(|name| matters(name)) else { continue };
            let Some(value) = value.to_str() else {
                return Err(unknown(name, "its value is not UTF-8 text"));
            };
            variables.insert(name.to_owned(), value.to_owned());
        }
        Ok(variables)
    }
}

fn matters(name: &str) -> bool {
    name.starts_with(PREFIX) || matches!(name, "HOME" | "XDG_CONFIG_HOME")
}

fn unknown(name: &str, why: impl Into<String>) -> ConfigError {
    ConfigError::UnknownVariable { name: name.to_owned(), why: why.into() }
}

/// Lays the variables over the profile.
pub(super) fn overlay(tree: &mut Node, variables: &BTreeMap<String, String>) -> Result<(), ConfigError> {
    for (name, text) in variables {
        let Some(key) = name.strip_prefix(PREFIX) else { continue };
        if [CONFIG, PROFILE, arming::VARIABLE].contains(&name.as_str()) {
            continue;
        }
        let path = path(tree, name, key)?;
        let origin = Origin::Env { name: name.clone() };
        let value = match text.trim_start().starts_with(['[', '{']) {
            true => parse_value(text, &origin).map_err(|_| unknown(name, "its value is not a TOML value"))?,
            false => Value::Untyped(text.clone()),
        };
        tree.put(&path, Node::new(value, origin));
    }
    Ok(())
}

/// The keys that a variable's name stands for.
fn path(tree: &Node, name: &str, key: &str) -> Result<Vec<String>, ConfigError> {
    let words: Vec<&str> = key.split("__").collect();
    let spelled = |word: &&str| {
        !word.is_empty()
            && word.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
    };
    if words.len() > LEVELS_MAX || !words.iter().all(spelled) {
        return Err(unknown(name, "write the key in capitals, with two underscores between levels"));
    }
    let mut path: Vec<String> = words.iter().map(|word| word.to_ascii_lowercase()).collect();
    if let [top, id, ..] = path.as_mut_slice()
        && top == "instruments"
    {
        *id = instrument(tree, name, words.get(1).copied().unwrap_or_default())?;
    }
    Ok(path)
}

/// The instrument of the file whose name, in capitals and with `_` for all else, is this one.
fn instrument(tree: &Node, name: &str, word: &str) -> Result<String, ConfigError> {
    let in_capitals = |id: &str| -> String {
        id.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' }).collect()
    };
    let ids: Vec<&String> =
        tree.child("instruments").and_then(Node::table).into_iter().flatten().map(|(id, _)| id).collect();
    let mut matching = ids.iter().filter(|id| in_capitals(id) == word);
    match (matching.next(), matching.next()) {
        (Some(id), None) => Ok((*id).clone()),
        (Some(_), Some(_)) => {
            Err(unknown(name, format!("several instruments are called {word} in capitals")))
        }
        (None, _) => {
            let ids: Vec<String> = ids.iter().map(|id| in_capitals(id)).collect();
            Err(unknown(name, format!("the profile has no instrument {word}; it has {}", ids.join(", "))))
        }
    }
}

/// A variable whose key means nothing: why, and what was probably meant.
pub(super) fn unknown_key(name: &str, path: &[String], known: &[&'static str]) -> ConfigError {
    let key = path.last().map_or("", String::as_str);
    let parents: String = path
        .iter()
        .take(path.len().saturating_sub(1))
        .map(|key| format!("{}__", key.to_uppercase()))
        .collect();
    let spell = |key: &str| format!("{PREFIX}{parents}{}", key.to_uppercase());
    let split = TABLES.iter().find_map(|table| Some((*table, key.strip_prefix(table)?.strip_prefix('_')?)));
    let why = match (split, nearest(key, known.iter().copied())) {
        (Some((table, rest)), _) => {
            format!(
                "levels are parted by two underscores; did you mean {}?",
                spell(&format!("{table}__{rest}"))
            )
        }
        (None, Some(meant)) => format!("there is no key `{key}`; did you mean {}?", spell(meant)),
        (None, None) => format!("there is no key `{key}`; there are {}", known.join(", ")),
    };
    unknown(name, why)
}
