//! Serde over the tree: exact complaints, with the path of keys that leads to the cause.

use std::fmt;
use std::ops::Range;

use serde::de::value::StrDeserializer;
use serde::de::{self, DeserializeSeed, Deserializer, Expected, IntoDeserializer, Unexpected, Visitor};

use super::tree::{Node, Value};

/// What is wrong, and where.
#[derive(Debug, Clone)]
pub(super) struct Fault {
    pub(super) what: What,
    /// Keys from the root, the culprit's last.
    pub(super) path: Vec<String>,
    /// Where in the file, when no path leads there.
    pub(super) at: Option<Range<usize>>,
}

#[derive(Debug, Clone)]
pub(super) enum What {
    /// Not TOML.
    Syntax(String),
    /// A key that means nothing here.
    UnknownKey { known: Vec<&'static str> },
    /// A key that must be there.
    Missing,
    /// A value that cannot be.
    Bad(String),
    /// Limits that must be there.
    MissingLimits(Vec<&'static str>),
}

impl Fault {
    pub(super) fn syntax(why: &str, at: Option<Range<usize>>) -> Self {
        Self { what: What::Syntax(why.to_owned()), path: Vec::new(), at }
    }

    pub(super) fn bad(why: impl Into<String>) -> Self {
        Self { what: What::Bad(why.into()), path: Vec::new(), at: None }
    }

    /// At one dotted key; dots inside a key need [`Self::below`].
    pub(super) fn at(key: &str, why: impl Into<String>) -> Self {
        key.rsplit('.').fold(Self::bad(why), |fault, key| fault.below(key))
    }

    pub(super) fn missing(key: &str) -> Self {
        Self { what: What::Missing, path: vec![key.to_owned()], at: None }
    }

    pub(super) const fn missing_limits(keys: Vec<&'static str>) -> Self {
        Self { what: What::MissingLimits(keys), path: Vec::new(), at: None }
    }

    pub(super) fn unknown_key(key: &str, known: &[&'static str]) -> Self {
        Self { what: What::UnknownKey { known: known.to_vec() }, path: vec![key.to_owned()], at: None }
    }

    /// The same, one level further from the root.
    pub(super) fn below(mut self, key: &str) -> Self {
        self.path.insert(0, key.to_owned());
        self
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {:?}", self.path.join("."), self.what)
    }
}

impl std::error::Error for Fault {}

impl de::Error for Fault {
    fn custom<T: fmt::Display>(why: T) -> Self {
        Self::bad(why.to_string())
    }

    // Kinds, not contents: what stands where it should not may be a secret.
    fn invalid_type(given: Unexpected<'_>, wanted: &dyn Expected) -> Self {
        let kind = match given {
            Unexpected::Bool(_) => "true or false",
            Unexpected::Unsigned(_) | Unexpected::Signed(_) => "a whole number",
            Unexpected::Float(_) => "a float",
            Unexpected::Str(_) => "text",
            Unexpected::Seq => "a list",
            Unexpected::Map => "a table",
            _ => "something else",
        };
        Self::bad(format!("{kind} stands where {} belongs", spell(wanted)))
    }

    fn invalid_value(given: Unexpected<'_>, wanted: &dyn Expected) -> Self {
        match given {
            Unexpected::Signed(number) => {
                Self::bad(format!("{number} stands where {} belongs", spell(wanted)))
            }
            Unexpected::Unsigned(number) => {
                Self::bad(format!("{number} stands where {} belongs", spell(wanted)))
            }
            other => Self::invalid_type(other, wanted),
        }
    }

    fn unknown_variant(given: &str, known: &'static [&'static str]) -> Self {
        let nearest = nearest(given, known.iter().copied());
        let hint = nearest.map(|known| format!("; did you mean \"{known}\"?")).unwrap_or_default();
        Self::bad(format!("{given:?} is none of {}{hint}", known.join(", ")))
    }

    fn unknown_field(key: &str, known: &'static [&'static str]) -> Self {
        Self::unknown_key(key, known)
    }

    fn missing_field(key: &'static str) -> Self {
        Self::missing(key)
    }
}

/// What was wanted, in words.
fn spell(wanted: &dyn Expected) -> String {
    match wanted.to_string().as_str() {
        "u16" => "a whole number from 1 to 65535".to_owned(),
        "u32" | "i32" => "a whole number below 2147483648".to_owned(),
        "u64" | "i64" => "a whole number".to_owned(),
        "a boolean" => "true or false".to_owned(),
        "a string" => "text in quotes".to_owned(),
        "a sequence" => "a list".to_owned(),
        "a map" => "a table".to_owned(),
        other if other.starts_with("struct ") => "a table".to_owned(),
        other => other.to_owned(),
    }
}

/// The known word that was probably meant.
pub(super) fn nearest<'a>(given: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let given = given.to_ascii_lowercase();
    let scored = known.into_iter().map(|word| (strsim::damerau_levenshtein(&given, word), word));
    let (distance, word) = scored.min_by_key(|(distance, _)| *distance)?;
    (distance <= word.len().div_ceil(3).max(1)).then_some(word)
}

impl<'de> IntoDeserializer<'de, Fault> for &'de Node {
    type Deserializer = Self;
    fn into_deserializer(self) -> Self {
        self
    }
}

/// Numbers and flags: text from the environment is read as what is wanted.
macro_rules! parsed {
    ($($method:ident $visit:ident $what:literal),* $(,)?) => { $(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
            match &self.value {
                Value::Untyped(text) => match text.parse() {
                    Ok(value) => visitor.$visit(value),
                    Err(_) => Err(Fault::bad(concat!("this is not ", $what))),
                },
                _ => self.deserialize_any(visitor),
            }
        }
    )* };
}

impl<'de> Deserializer<'de> for &'de Node {
    type Error = Fault;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match &self.value {
            Value::Table(entries) => visitor.visit_map(Entries { rest: entries.iter(), entry: None }),
            Value::Array(items) => visitor.visit_seq(Items { rest: items.iter().enumerate() }),
            Value::Text(text) | Value::Untyped(text) => visitor.visit_borrowed_str(text),
            Value::Integer(number) => visitor.visit_i64(*number),
            Value::Float(text) => match text.parse() {
                Ok(number) => visitor.visit_f64(number),
                Err(_) => Err(Fault::bad("this is not a number")),
            },
            Value::Bool(yes) => visitor.visit_bool(*yes),
            Value::Date(_) => Err(Fault::bad("a date stands here; put it in quotes if it is meant as text")),
        }
    }

    parsed! {
        deserialize_bool visit_bool "true or false",
        deserialize_u16 visit_u16 "a whole number from 1 to 65535",
        deserialize_u32 visit_u32 "a whole number, zero or more",
        deserialize_u64 visit_u64 "a whole number, zero or more",
        deserialize_i32 visit_i32 "a whole number below 2147483648",
        deserialize_i64 visit_i64 "a whole number",
        deserialize_f64 visit_f64 "a number",
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match &self.value {
            Value::Untyped(text) => {
                let items: Vec<&str> = text.split(',').map(str::trim).collect();
                visitor.visit_seq(de::value::SeqDeserializer::new(items.into_iter()))
            }
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        match &self.value {
            Value::Text(text) | Value::Untyped(text) => visitor.visit_enum(text.as_str().into_deserializer()),
            _ => Err(Fault::bad("text in quotes belongs here")),
        }
    }

    serde::forward_to_deserialize_any! {
        i8 i16 i128 u8 u128 f32 char str string bytes byte_buf unit unit_struct tuple tuple_struct map
        struct identifier ignored_any
    }
}

struct Entries<'de> {
    rest: std::collections::btree_map::Iter<'de, String, Node>,
    entry: Option<(&'de str, &'de Node)>,
}

impl<'de> de::MapAccess<'de> for Entries<'de> {
    type Error = Fault;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Fault> {
        let Some((key, node)) = self.rest.next() else { return Ok(None) };
        self.entry = Some((key, node));
        let read: Result<_, Fault> = seed.deserialize(StrDeserializer::new(key));
        // A key that the type refuses, such as an instrument's name with a space, has no path yet.
        read.map(Some).map_err(|fault| if fault.path.is_empty() { fault.below(key) } else { fault })
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Fault> {
        match self.entry.take() {
            Some((key, node)) => seed.deserialize(node).map_err(|fault| fault.below(key)),
            None => Err(Fault::bad("a value without a key")),
        }
    }
}

struct Items<'de> {
    rest: std::iter::Enumerate<std::slice::Iter<'de, Node>>,
}

impl<'de> de::SeqAccess<'de> for Items<'de> {
    type Error = Fault;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Fault> {
        let Some((index, node)) = self.rest.next() else { return Ok(None) };
        seed.deserialize(node).map(Some).map_err(|fault| fault.below(&index.to_string()))
    }
}
