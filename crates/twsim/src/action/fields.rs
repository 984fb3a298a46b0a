//! Keys and values of one request or one step, read strictly: an unknown key, a missing one, a value of another
//! kind or a float is an error that says what would do.

use rust_decimal::Decimal;
use serde_json::{Map, Value};

use super::verbs::{Key, Use, VERBS, Verb};
use crate::faults::{nearest, parse_span};

/// What is wrong with a request or a step, and what would be right.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}; {hint}")]
pub struct ActionError {
    /// The key that it is about, if it is about one.
    pub key: Option<String>,
    /// What is wrong.
    pub what: String,
    /// What to do.
    pub hint: String,
}

impl ActionError {
    pub(crate) fn new(what: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { key: None, what: what.into(), hint: hint.into() }
    }

    pub(crate) fn at(mut self, key: &str) -> Self {
        self.key = Some(key.to_owned());
        self
    }
}

/// One verb with its keys.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fields<'a> {
    pub(crate) verb: &'static Verb,
    map: &'a Map<String, Value>,
}

/// Keys that stand beside those of a verb and are somebody else's.
pub(crate) type Beside = &'static [&'static str];

impl<'a> Fields<'a> {
    /// Finds the verb, and holds the keys against it.
    pub(crate) fn of(
        map: &'a Map<String, Value>,
        beside: Beside,
        wanted: impl Fn(Use) -> bool,
    ) -> Result<Self, ActionError> {
        let all = || VERBS.iter().filter(|verb| wanted(verb.kind)).map(|verb| verb.name);
        let known = || format!("`do` is one of {}", all().collect::<Vec<_>>().join(", "));
        let named = match map.get("do") {
            Some(Value::String(name)) => name,
            Some(_) => return Err(ActionError::new("`do` is no text", known()).at("do")),
            None => return Err(ActionError::new("`do` is missing", known())),
        };
        let Some(verb) = VERBS.iter().find(|verb| verb.name == named) else {
            let hint = nearest(named, all()).map_or_else(known, |name| format!("did you mean {name:?}?"));
            return Err(ActionError::new(format!("unknown verb {named:?}"), hint).at("do"));
        };
        if !wanted(verb.kind) {
            return Err(ActionError::new(format!("{named:?} cannot be done here"), known()).at("do"));
        }
        let fields = Self { verb, map };
        fields.check_keys(beside)?;
        Ok(fields)
    }

    fn check_keys(&self, beside: Beside) -> Result<(), ActionError> {
        let keys = || self.verb.keys.iter().map(|key: &Key| key.name);
        let known = |name: &str| name == "do" || beside.contains(&name) || keys().any(|key| key == name);
        if let Some(other) = self.map.keys().find(|name| !known(name)) {
            let all = || keys().chain(beside.iter().copied());
            let listed = all().collect::<Vec<_>>().join(", ");
            let hint = match nearest(other, all()) {
                Some(name) => format!("did you mean {name:?}?"),
                None if listed.is_empty() => "it takes none".to_owned(),
                None => format!("it takes {listed}"),
            };
            return Err(
                ActionError::new(format!("{:?} has no key {other:?}", self.verb.name), hint).at(other)
            );
        }
        let missing = self.verb.keys.iter().find(|key| key.is_required && !self.map.contains_key(key.name));
        match missing {
            Some(key) => {
                let what = format!("{:?} needs {:?}", self.verb.name, key.name);
                Err(ActionError::new(what, self.verb.what))
            }
            None => Ok(()),
        }
    }

    fn wrong(self, name: &str, value: &Value, wanted: &str) -> ActionError {
        ActionError::new(format!("{name:?} is {value}"), format!("write {wanted}")).at(name)
    }

    pub(crate) fn text(self, name: &str) -> Result<Option<&'a str>, ActionError> {
        match self.map.get(name) {
            None => Ok(None),
            Some(Value::String(text)) if !text.is_empty() => Ok(Some(text)),
            Some(other) => Err(self.wrong(name, other, "a text that is not empty")),
        }
    }

    /// A text that the table says is there.
    pub(crate) fn needed(self, name: &str) -> Result<&'a str, ActionError> {
        self.text(name)?.ok_or_else(|| ActionError::new(format!("{name:?} is missing"), self.verb.what))
    }

    /// A number that is exact: a text, or a whole number.
    pub(crate) fn decimal(self, name: &str) -> Result<Option<Decimal>, ActionError> {
        let wanted = "a number in quotes, such as \"230.01\"";
        match self.map.get(name) {
            None => Ok(None),
            Some(value @ Value::String(text)) => {
                Decimal::from_str_exact(text).map(Some).map_err(|_| self.wrong(name, value, wanted))
            }
            Some(value) => match value.as_i64() {
                Some(whole) => Ok(Some(Decimal::from(whole))),
                None => Err(self.wrong(name, value, wanted)),
            },
        }
    }

    pub(crate) fn above_zero(self, name: &str) -> Result<Option<Decimal>, ActionError> {
        let number = self.decimal(name)?;
        match number.filter(|number| *number <= Decimal::ZERO) {
            Some(number) => {
                let what = format!("{name:?} is {number}");
                Err(ActionError::new(what, "write a number above zero").at(name))
            }
            None => Ok(number),
        }
    }

    pub(crate) fn whole<T: TryFrom<i64>>(self, name: &str) -> Result<Option<T>, ActionError> {
        let Some(value) = self.map.get(name) else { return Ok(None) };
        let read = value.as_i64().and_then(|number| T::try_from(number).ok());
        read.map(Some).ok_or_else(|| self.wrong(name, value, "a whole number, without quotes"))
    }

    pub(crate) fn flag(self, name: &str) -> Result<Option<bool>, ActionError> {
        match self.map.get(name) {
            None => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(*flag)),
            Some(other) => Err(self.wrong(name, other, "true or false")),
        }
    }

    /// Nanoseconds above zero.
    pub(crate) fn span(self, name: &str) -> Result<i64, ActionError> {
        let text = self.needed(name)?;
        parse_span(text).filter(|span| *span > 0).ok_or_else(|| {
            self.wrong(name, &Value::from(text), "a time above zero: \"250ms\", \"30s\", \"5m\" or \"2h\"")
        })
    }

    pub(crate) fn word(
        self,
        name: &str,
        words: &[&'static str],
    ) -> Result<Option<&'static str>, ActionError> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        let found = words.iter().copied().find(|word| word.eq_ignore_ascii_case(text));
        found.map(Some).ok_or_else(|| {
            let wanted = format!("one of {}", words.join(", "));
            self.wrong(name, &Value::from(text), &wanted)
        })
    }
}
