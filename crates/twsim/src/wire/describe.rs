//! Frames in words, for the record: which message it is, and what its fields say.
//!
//! A request is named field by field in both dialects, because the gateway reads it. A reply is named in
//! protobuf; in the text dialect its fields stand by position, as they do on the wire.

use bytes::Bytes;
use serde_json::{Map, Value};

use super::catalog::{self, BINARY_ID};
use super::frame::{PROTOBUF_OFFSET, split_id};
use super::{Request, decode, proto};

/// One frame in words. What cannot be put into words is left to the bytes.
#[derive(Debug, Default)]
pub(crate) struct Described {
    pub(crate) dialect: &'static str,
    pub(crate) id: Option<i32>,
    pub(crate) name: &'static str,
    /// Named fields.
    pub(crate) fields: Option<Value>,
    /// Fields by position, of the text dialect.
    pub(crate) text: Option<Vec<String>>,
    /// True when the words say less than the bytes.
    pub(crate) is_partial: bool,
    pub(crate) problem: Option<String>,
    /// The client id that this frame gives its session.
    pub(crate) client_id: Option<i32>,
}

/// A frame from a client.
pub(crate) fn describe_request(version: i32, payload: &Bytes) -> Described {
    let mut described = split(version, payload);
    described.name = described.id.and_then(catalog::request).map_or("", |known| known.name);
    match decode(version, payload) {
        Ok(request) => {
            described.client_id = match request {
                Request::StartApi { client_id } => Some(client_id),
                _ => None,
            };
            described.fields = Some(fields_of(&request));
            // Of some protobuf messages only the fields are read that have a meaning here.
            described.is_partial = described.text.is_none();
        }
        Err(error) => {
            described.problem = Some(error.to_string());
            described.is_partial = true;
        }
    }
    described
}

/// A frame to a client.
pub(crate) fn describe_reply(version: i32, payload: &Bytes) -> Described {
    let mut described = split(version, payload);
    described.name = described.id.map_or("", catalog::reply_name);
    if described.text.is_some() {
        return described;
    }
    match described.id.and_then(|id| proto::describe(id, &payload.slice(payload.len().min(4)..))) {
        Some(Ok((fields, is_whole))) => {
            described.fields = Some(without_nulls(fields));
            described.is_partial = !is_whole;
        }
        Some(Err(error)) => {
            described.problem = Some(error.to_string());
            described.is_partial = true;
        }
        None => described.is_partial = true,
    }
    described
}

/// NUL-terminated fields; `None` when the bytes are no text.
pub(crate) fn text_fields(body: &[u8]) -> Option<Vec<String>> {
    let text = std::str::from_utf8(body).ok()?;
    Some(text.split_terminator('\0').map(str::to_owned).collect())
}

fn split(version: i32, payload: &Bytes) -> Described {
    if version < BINARY_ID {
        let fields = text_fields(payload);
        let id = fields.as_ref().and_then(|fields| fields.first()?.parse().ok());
        let text = fields.map(|fields| fields.into_iter().skip(1).collect());
        return Described { dialect: "text", id, is_partial: text.is_none(), text, ..Described::default() };
    }
    match split_id(payload.clone()) {
        Ok((id, _)) if id > PROTOBUF_OFFSET => {
            Described { dialect: "protobuf", id: Some(id - PROTOBUF_OFFSET), ..Described::default() }
        }
        Ok((id, body)) => {
            let text = text_fields(&body);
            Described {
                dialect: "text",
                id: Some(id),
                is_partial: text.is_none(),
                text,
                ..Described::default()
            }
        }
        Err(error) => {
            Described { problem: Some(error.to_string()), is_partial: true, ..Described::default() }
        }
    }
}

/// The fields of a request, without its name.
fn fields_of(request: &Request) -> Value {
    // Maps have text keys and numbers are finite or null: this cannot fail.
    match serde_json::to_value(request).map(without_nulls) {
        Ok(Value::Object(named)) => named.into_iter().next().map_or(Value::Null, |(_, fields)| fields),
        Ok(_) | Err(_) => Value::Object(Map::new()),
    }
}

/// A field that is not set is not there.
fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(fields) => Value::Object(
            fields
                .into_iter()
                .filter(|(_, value)| !value.is_null())
                .map(|(name, value)| (name, without_nulls(value)))
                .collect(),
        ),
        Value::Array(values) => Value::Array(values.into_iter().map(without_nulls).collect()),
        other => other,
    }
}
