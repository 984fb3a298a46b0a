//! Configuration as one tree of values, each knowing where it came from, so that layers can be laid
//! over each other and every complaint can point at its cause.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::de::Fault;

/// Where a setting came from.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Origin {
    /// Built in.
    Default,
    /// The configuration file.
    File {
        /// Which.
        path: PathBuf,
        /// Its line, counted from 1.
        line: usize,
    },
    /// An environment variable.
    Env {
        /// Its name.
        name: String,
    },
    /// The caller: a command-line option, or code.
    Override,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { path, line } => write!(f, "{}:{line}", path.display()),
            Self::Env { name } => write!(f, "env {name}"),
            Self::Override => f.write_str("flag"),
        }
    }
}

/// A value as one layer gave it.
#[derive(Debug, Clone)]
pub(super) enum Value {
    Table(BTreeMap<String, Node>),
    Array(Vec<Node>),
    Text(String),
    /// Text without a type: what it is depends on what is wanted. From the environment.
    Untyped(String),
    Integer(i64),
    /// As written, to be repeated in complaints.
    Float(String),
    Bool(bool),
    Date(String),
}

/// A value, where it came from, and where in the file its key and itself are.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub(super) value: Value,
    pub(super) origin: Origin,
    pub(super) key_at: Option<Range<usize>>,
    pub(super) at: Option<Range<usize>>,
}

impl Node {
    pub(super) const fn new(value: Value, origin: Origin) -> Self {
        Self { value, origin, key_at: None, at: None }
    }

    pub(super) fn empty() -> Self {
        Self::new(Value::Table(BTreeMap::new()), Origin::Default)
    }

    pub(super) const fn table(&self) -> Option<&BTreeMap<String, Self>> {
        match &self.value {
            Value::Table(entries) => Some(entries),
            _ => None,
        }
    }

    pub(super) fn child(&self, key: &str) -> Option<&Self> {
        self.table()?.get(key)
    }

    /// The node at the path, or the last one on the way there that somebody wrote.
    pub(super) fn nearest(&self, path: &[String]) -> &Self {
        let (mut node, mut written) = (self, self);
        for key in path {
            let below = match &node.value {
                Value::Table(entries) => entries.get(key),
                Value::Array(items) => key.parse().ok().and_then(|index: usize| items.get(index)),
                _ => None,
            };
            match below {
                Some(below) => node = below,
                None => break,
            }
            if node.origin != Origin::Default {
                written = node;
            }
        }
        written
    }

    /// Lays another layer over this one: tables merge, anything else is replaced.
    pub(super) fn overlay(&mut self, over: Self) {
        match (&mut self.value, over) {
            (Value::Table(entries), Self { value: Value::Table(above), origin, key_at, at }) => {
                if origin != Origin::Default {
                    (self.origin, self.key_at, self.at) = (origin, key_at, at);
                }
                for (key, node) in above {
                    match entries.get_mut(&key) {
                        Some(entry) => entry.overlay(node),
                        None => drop(entries.insert(key, node)),
                    }
                }
            }
            (_, over) => *self = over,
        }
    }

    /// Puts a value at the path, making the tables on the way.
    pub(super) fn put(&mut self, path: &[String], node: Self) {
        let Some((key, rest)) = path.split_first() else {
            return self.overlay(node);
        };
        if !matches!(self.value, Value::Table(_)) {
            *self = Self::new(Value::Table(BTreeMap::new()), node.origin.clone());
        }
        if let Value::Table(entries) = &mut self.value {
            entries.entry(key.clone()).or_insert_with(Self::empty).put(rest, node);
        }
    }

    /// Puts a value at the path unless there is one.
    pub(super) fn put_default(&mut self, path: &[&str], value: Value) {
        let path: Vec<String> = path.iter().map(|key| (*key).to_owned()).collect();
        let mut node = &*self;
        for key in &path {
            match node.child(key) {
                Some(below) => node = below,
                None => return self.put(&path, Self::new(value, Origin::Default)),
            }
        }
    }

    /// Every leaf with its dotted key, in order.
    pub(super) fn leaves(&self, prefix: &str, visit: &mut impl FnMut(String, &Self)) {
        match &self.value {
            Value::Table(entries) => {
                for (key, node) in entries {
                    node.leaves(&dotted(prefix, key), visit);
                }
            }
            _ => visit(prefix.to_owned(), self),
        }
    }
}

/// One more level of a key, as TOML spells it; places in a list in brackets.
pub(super) fn dotted(prefix: &str, key: &str) -> String {
    let is_place = !prefix.is_empty() && key.bytes().all(|byte| byte.is_ascii_digit());
    let is_bare = key.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
    match (prefix, is_bare && !key.is_empty()) {
        (prefix, true) if is_place => format!("{prefix}[{key}]"),
        ("", true) => key.to_owned(),
        ("", false) => format!("\"{key}\""),
        (prefix, true) => format!("{prefix}.{key}"),
        (prefix, false) => format!("{prefix}.\"{key}\""),
    }
}

/// The value as TOML spells it.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Table(entries) => {
                f.write_str("{ ")?;
                for (index, (key, node)) in entries.iter().enumerate() {
                    let comma = if index == 0 { "" } else { ", " };
                    write!(f, "{comma}{key} = {}", node.value)?;
                }
                f.write_str(" }")
            }
            Self::Array(items) => {
                f.write_str("[")?;
                for (index, node) in items.iter().enumerate() {
                    let comma = if index == 0 { "" } else { ", " };
                    write!(f, "{comma}{}", node.value)?;
                }
                f.write_str("]")
            }
            Self::Text(text) | Self::Untyped(text) => write!(f, "{text:?}"),
            Self::Integer(number) => write!(f, "{number}"),
            Self::Float(text) | Self::Date(text) => f.write_str(text),
            Self::Bool(yes) => write!(f, "{yes}"),
        }
    }
}

/// Reads TOML text into a tree; `origin` says where its line is.
pub(super) fn parse_toml(text: &str, path: Option<&Path>) -> Result<Node, Fault> {
    let lines = Lines::new(text, path);
    let document = DeTable::parse(text).map_err(|error| Fault::syntax(error.message(), error.span()))?;
    let at = document.span();
    Ok(Node {
        value: table(document.get_ref(), &lines)?,
        origin: lines.origin(&at),
        key_at: None,
        at: Some(at),
    })
}

/// Reads one TOML value, as in an environment variable.
pub(super) fn parse_value(text: &str, origin: &Origin) -> Result<Value, Fault> {
    let plain = |node: Node| node.with_origin(origin).value;
    let lines = Lines::new(text, None);
    let parsed = DeValue::parse(text).map_err(|error| Fault::bad(error.message()))?;
    node(&parsed, None, &lines).map(plain)
}

impl Node {
    /// The same value, of one other origin throughout.
    fn with_origin(self, origin: &Origin) -> Self {
        let value = match self.value {
            Value::Table(entries) => {
                Value::Table(entries.into_iter().map(|(key, node)| (key, node.with_origin(origin))).collect())
            }
            Value::Array(items) => {
                Value::Array(items.into_iter().map(|node| node.with_origin(origin)).collect())
            }
            value => value,
        };
        Self::new(value, origin.clone())
    }
}

/// Finds lines by byte offset.
struct Lines<'a> {
    path: Option<&'a Path>,
    starts: Vec<usize>,
}

impl<'a> Lines<'a> {
    fn new(text: &str, path: Option<&'a Path>) -> Self {
        let ends = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        Self { path, starts: ends.map(|(index, _)| index.saturating_add(1)).collect() }
    }

    fn origin(&self, at: &Range<usize>) -> Origin {
        let line = self.starts.partition_point(|start| *start <= at.start).saturating_add(1);
        match self.path {
            Some(path) => Origin::File { path: path.to_owned(), line },
            None => Origin::Default,
        }
    }
}

fn table(entries: &DeTable<'_>, lines: &Lines<'_>) -> Result<Value, Fault> {
    let nodes = entries
        .iter()
        .map(|(key, value)| Ok((key.get_ref().to_string(), node(value, Some(key.span()), lines)?)));
    Ok(Value::Table(nodes.collect::<Result<_, Fault>>()?))
}

fn node(
    value: &Spanned<DeValue<'_>>,
    key_at: Option<Range<usize>>,
    lines: &Lines<'_>,
) -> Result<Node, Fault> {
    let at = value.span();
    let read = match value.get_ref() {
        DeValue::String(text) => Value::Text(text.to_string()),
        DeValue::Integer(number) => match i64::from_str_radix(number.as_str(), number.radix()) {
            Ok(number) => Value::Integer(number),
            Err(_) => return Err(Fault::syntax("the number is too large", Some(at))),
        },
        DeValue::Float(number) => Value::Float(number.as_str().to_owned()),
        DeValue::Boolean(yes) => Value::Bool(*yes),
        DeValue::Datetime(date) => Value::Date(date.to_string()),
        DeValue::Array(items) => {
            Value::Array(items.iter().map(|item| node(item, None, lines)).collect::<Result<_, _>>()?)
        }
        DeValue::Table(entries) => table(entries, lines)?,
    };
    Ok(Node { value: read, origin: lines.origin(&at), key_at, at: Some(at) })
}
