//! TOML with its lines: every error names the file, the line, the key and what would do.

use rust_decimal::Decimal;
use serde_json::{Map, Value};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::ScenarioError;
use crate::action::ActionError;
use crate::faults::{nearest, parse_span};

/// A file as it was read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Source<'a> {
    pub(super) name: &'a str,
    pub(super) text: &'a str,
}

impl Source<'_> {
    fn line(self, at: usize) -> usize {
        self.text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1
    }

    pub(super) fn error(
        self,
        line: usize,
        what: impl Into<String>,
        hint: impl Into<String>,
    ) -> ScenarioError {
        ScenarioError { file: self.name.to_owned(), line, what: what.into(), hint: hint.into() }
    }

    pub(super) fn unreadable(self, error: &toml::de::Error) -> ScenarioError {
        let line = error.span().map_or(1, |span| self.line(span.start));
        self.error(
            line,
            format!("this is no TOML: {}", error.message()),
            "see https://toml.io for the format",
        )
    }
}

/// A table, and what it is called in messages.
#[derive(Debug, Clone, Copy)]
pub(super) struct Table<'a> {
    pub(super) source: Source<'a>,
    pub(super) line: usize,
    name: &'a str,
    inner: &'a DeTable<'a>,
}

/// One key with its value.
#[derive(Debug, Clone, Copy)]
pub(super) struct Item<'a> {
    pub(super) source: Source<'a>,
    pub(super) line: usize,
    pub(super) key: &'a str,
    value: &'a Spanned<DeValue<'a>>,
}

impl<'a> Table<'a> {
    pub(super) fn root(source: Source<'a>, table: &'a Spanned<DeTable<'a>>) -> Self {
        Self { source, line: 1, name: "a scenario", inner: table.get_ref() }
    }

    pub(super) fn error(self, what: impl Into<String>, hint: impl Into<String>) -> ScenarioError {
        self.source.error(self.line, what, hint)
    }

    /// What is wrong with an action in it, at the line of the key that it is about.
    pub(super) fn refuse(self, error: ActionError) -> ScenarioError {
        let line = error.key.as_deref().and_then(|key| self.get(key)).map_or(self.line, |item| item.line);
        self.source.error(line, error.what, error.hint)
    }

    pub(super) fn items(self) -> impl Iterator<Item = Item<'a>> {
        self.inner.iter().map(move |(key, value)| Item {
            source: self.source,
            line: self.source.line(key.span().start),
            key: key.get_ref(),
            value,
        })
    }

    pub(super) fn get(self, key: &str) -> Option<Item<'a>> {
        self.items().find(|item| item.key == key)
    }

    pub(super) fn need(self, key: &str) -> Result<Item<'a>, ScenarioError> {
        self.get(key)
            .ok_or_else(|| self.error(format!("{} needs {key:?}", self.name), format!("write {key} = …")))
    }

    /// Refuses every other key.
    pub(super) fn only(self, known: &[&str]) -> Result<Self, ScenarioError> {
        match self.items().find(|item| !known.contains(&item.key)) {
            Some(item) => {
                let hint = match nearest(item.key, known.iter().copied()) {
                    Some(name) => format!("did you mean {name:?}?"),
                    None => format!("it takes {}", known.join(", ")),
                };
                Err(item.error(format!("{} has no key {:?}", self.name, item.key), hint))
            }
            None => Ok(self),
        }
    }

    /// All of it as JSON.
    pub(super) fn json(self) -> Result<Map<String, Value>, ScenarioError> {
        self.items().map(|item| Ok((item.key.to_owned(), item.json()?))).collect()
    }
}

impl<'a> Item<'a> {
    pub(super) fn error(self, what: impl Into<String>, hint: impl Into<String>) -> ScenarioError {
        self.source.error(self.line, what, hint)
    }

    fn wrong(self, wanted: &str) -> ScenarioError {
        let found = self.source.text.get(self.value.span()).unwrap_or_default();
        self.error(format!("{:?} is {found}", self.key), format!("write {wanted}"))
    }

    pub(super) fn text(self) -> Result<&'a str, ScenarioError> {
        match self.value.get_ref() {
            DeValue::String(text) if !text.is_empty() => Ok(text),
            _ => Err(self.wrong("a text in quotes")),
        }
    }

    /// The text as something that can be read from one.
    pub(super) fn parse<T>(self, hint: &str) -> Result<T, ScenarioError>
    where
        T: std::str::FromStr,
        T::Err: std::fmt::Display,
    {
        self.text()?.parse().map_err(|error: T::Err| self.error(format!("{:?}: {error}", self.key), hint))
    }

    /// A number that is exact: in quotes, or whole.
    pub(super) fn decimal(self) -> Result<Decimal, ScenarioError> {
        let read = match self.value.get_ref() {
            DeValue::String(text) => Decimal::from_str_exact(text).ok(),
            DeValue::Integer(_) => self.integer().map(Decimal::from),
            _ => None,
        };
        read.ok_or_else(|| self.wrong("a number in quotes, such as \"230.01\""))
    }

    pub(super) fn whole<T: TryFrom<i64>>(self) -> Result<T, ScenarioError> {
        let read = self.integer().and_then(|number| T::try_from(number).ok());
        read.ok_or_else(|| self.wrong("a whole number, without quotes"))
    }

    pub(super) fn flag(self) -> Result<bool, ScenarioError> {
        self.value.get_ref().as_bool().ok_or_else(|| self.wrong("true or false"))
    }

    /// Nanoseconds.
    pub(super) fn span(self) -> Result<i64, ScenarioError> {
        parse_span(self.text()?).ok_or_else(|| self.wrong("a time: \"250ms\", \"30s\", \"5m\" or \"2h\""))
    }

    pub(super) fn list(self) -> Result<Vec<Self>, ScenarioError> {
        let DeValue::Array(values) = self.value.get_ref() else {
            return Err(self.wrong("a list: [\"…\", \"…\"]"));
        };
        let line = |value: &Spanned<DeValue<'_>>| self.source.line(value.span().start);
        Ok(values.iter().map(|value| Self { line: line(value), value, ..self }).collect())
    }

    pub(super) fn table(self, name: &'a str) -> Result<Table<'a>, ScenarioError> {
        match self.value.get_ref() {
            DeValue::Table(inner) => Ok(Table { source: self.source, line: self.line, name, inner }),
            _ => Err(self.wrong("a table: { … = … }")),
        }
    }

    pub(super) fn is_table(self) -> bool {
        matches!(self.value.get_ref(), DeValue::Table(_))
    }

    pub(super) fn is_list(self) -> bool {
        matches!(self.value.get_ref(), DeValue::Array(_))
    }

    fn integer(self) -> Option<i64> {
        let DeValue::Integer(number) = self.value.get_ref() else { return None };
        i64::from_str_radix(number.as_str(), number.radix()).ok()
    }

    fn json(self) -> Result<Value, ScenarioError> {
        Ok(match self.value.get_ref() {
            DeValue::String(text) => Value::from(text.as_ref()),
            DeValue::Boolean(flag) => Value::from(*flag),
            DeValue::Integer(_) => Value::from(self.whole::<i64>()?),
            DeValue::Float(_) => return Err(self.wrong("the number in quotes, which is exact")),
            DeValue::Datetime(at) => Value::from(at.to_string()),
            DeValue::Array(_) => {
                self.list()?.into_iter().map(Self::json).collect::<Result<Vec<_>, _>>()?.into()
            }
            DeValue::Table(_) => Value::Object(self.table(self.key)?.json()?),
        })
    }
}
