//! Protobuf without a schema: fields by number, read and written. Deliberately nothing of `ibapi` or of the
//! simulator, so that neither's mistakes can hide behind the other's.

use serde_json::{Map, Value as Json, json};

/// A message being written.
#[derive(Debug, Clone, Default)]
pub(super) struct Body(Vec<u8>);

impl Body {
    pub(super) fn int(mut self, tag: u32, value: i32) -> Self {
        self.key(tag, VARINT);
        // Negative numbers take ten bytes on this wire.
        self.varint(i64::from(value).cast_unsigned());
        self
    }

    pub(super) fn flag(self, tag: u32, value: bool) -> Self {
        self.int(tag, i32::from(value))
    }

    pub(super) fn double(mut self, tag: u32, value: f64) -> Self {
        self.key(tag, FIXED64);
        self.0.extend(value.to_le_bytes());
        self
    }

    pub(super) fn text(self, tag: u32, value: &str) -> Self {
        self.bytes(tag, value.as_bytes())
    }

    pub(super) fn nested(self, tag: u32, value: &Self) -> Self {
        self.bytes(tag, &value.0)
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    fn bytes(mut self, tag: u32, value: &[u8]) -> Self {
        self.key(tag, BYTES);
        self.varint(value.len() as u64);
        self.0.extend_from_slice(value);
        self
    }

    fn key(&mut self, tag: u32, kind: u8) {
        self.varint(u64::from(tag) << 3 | u64::from(kind));
    }

    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(value.to_le_bytes()[0] | 0x80);
            value >>= 7;
        }
        self.0.push(value.to_le_bytes()[0]);
    }
}

/// The fields of a message in the order they came.
#[derive(Debug, Clone, Default)]
pub(super) struct Fields(Vec<(u64, Value)>);

#[derive(Debug, Clone)]
enum Value {
    Number(u64),
    Double(f64),
    Bytes(Vec<u8>),
}

impl Fields {
    /// `None` when the bytes are no protobuf message.
    pub(super) fn read(mut bytes: &[u8]) -> Option<Self> {
        let mut fields = Vec::new();
        while !bytes.is_empty() {
            let key = take_varint(&mut bytes)?;
            let value = match (key & 7).to_le_bytes()[0] {
                VARINT => Value::Number(take_varint(&mut bytes)?),
                FIXED64 => Value::Double(f64::from_le_bytes(take(&mut bytes, 8)?.try_into().ok()?)),
                BYTES => {
                    let length = usize::try_from(take_varint(&mut bytes)?).ok()?;
                    Value::Bytes(take(&mut bytes, length)?.to_vec())
                }
                FIXED32 => {
                    let four = take(&mut bytes, 4)?.try_into().ok()?;
                    Value::Double(f64::from(f32::from_le_bytes(four)))
                }
                _ => return None,
            };
            fields.push((key >> 3, value));
        }
        Some(Self(fields))
    }

    pub(super) fn int(&self, tag: u64) -> Option<i64> {
        match self.get(tag)? {
            Value::Number(number) => Some(number.cast_signed()),
            Value::Double(_) | Value::Bytes(_) => None,
        }
    }

    pub(super) fn double(&self, tag: u64) -> Option<f64> {
        match self.get(tag)? {
            Value::Double(double) => Some(*double),
            Value::Number(_) | Value::Bytes(_) => None,
        }
    }

    pub(super) fn text(&self, tag: u64) -> Option<&str> {
        std::str::from_utf8(self.bytes(tag)?).ok()
    }

    pub(super) fn nested(&self, tag: u64) -> Option<Self> {
        Self::read(self.bytes(tag)?)
    }

    /// How often a field came.
    pub(super) fn count(&self, tag: u64) -> usize {
        self.0.iter().filter(|(known, _)| *known == tag).count()
    }

    /// By field number; what reads as text is taken for text, then what reads as a message for one.
    pub(super) fn json(&self) -> Json {
        let mut object = Map::new();
        for (tag, value) in &self.0 {
            let value = match value {
                Value::Number(number) => json!(number.cast_signed()),
                Value::Double(double) => json!(double),
                Value::Bytes(bytes) => described(bytes),
            };
            match object.entry(tag.to_string()).or_insert(Json::Null) {
                empty @ Json::Null => *empty = value,
                Json::Array(several) => several.push(value),
                one => *one = json!([one.take(), value]),
            }
        }
        Json::Object(object)
    }

    fn bytes(&self, tag: u64) -> Option<&[u8]> {
        match self.get(tag)? {
            Value::Bytes(bytes) => Some(bytes),
            Value::Number(_) | Value::Double(_) => None,
        }
    }

    fn get(&self, tag: u64) -> Option<&Value> {
        // The last one counts, as the encoding has it.
        self.0.iter().rev().find(|(known, _)| *known == tag).map(|(_, value)| value)
    }
}

fn described(bytes: &[u8]) -> Json {
    match std::str::from_utf8(bytes) {
        Ok(text) if !text.chars().any(char::is_control) => json!(text),
        _ => Fields::read(bytes).map_or_else(|| json!(hex(bytes)), |fields| fields.json()),
    }
}

/// Two digits a byte.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn take<'a>(bytes: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (taken, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    Some(taken)
}

fn take_varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let byte = take(bytes, 1)?[0];
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

const VARINT: u8 = 0;
const FIXED64: u8 = 1;
const BYTES: u8 = 2;
const FIXED32: u8 = 5;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_reads_back() {
        let inner = Body::default().text(2, "AAPL").int(1, 265_598);
        let body = Body::default().int(1, -1).flag(4, true).double(9, 229.5).nested(3, &inner).text(5, "");
        let fields = Fields::read(body.as_bytes()).unwrap();
        assert_eq!((fields.int(1), fields.int(4), fields.double(9)), (Some(-1), Some(1), Some(229.5)));
        assert_eq!(fields.nested(3).unwrap().text(2), Some("AAPL"));
        assert_eq!((fields.text(5), fields.text(6), fields.count(3)), (Some(""), None, 1));
    }

    #[test]
    fn bytes_that_are_no_message_are_none() {
        for bytes in [&[0x08][..], &[0x0a, 5, 1], &[0x0f, 1], &[0xff; 12], &[0x09, 1, 2]] {
            assert!(Fields::read(bytes).is_none(), "{bytes:?}");
        }
    }

    #[test]
    fn a_record_shows_texts_messages_and_repeats() {
        let body = Body::default().text(1, "a").text(1, "b").nested(2, &Body::default().int(7, 3));
        let fields = Fields::read(body.as_bytes()).unwrap();
        assert_eq!(fields.json(), json!({ "1": ["a", "b"], "2": { "7": 3 } }));
    }
}
