//! One connection as the wire has it: bytes in, frames in words out. It stands outside the gateway, so that the
//! record shows what was said and not what was meant.

use bytes::{Bytes, BytesMut};
use serde_json::{Map, Value, json};

use crate::wire::frame::{API_PREFIX, MAX_PAYLOAD, take_payload};
use crate::wire::{Described, describe_reply, describe_request, text_fields};

/// Direction of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// From the client.
    In,
    /// To the client.
    Out,
}

impl Way {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::In => "in",
            Self::Out => "out",
        }
    }
}

/// One direction of a connection.
#[derive(Debug, Default)]
struct Stream {
    pending: BytesMut,
    is_greeted: bool,
    /// The lengths cannot be trusted any more: what follows is bytes.
    is_lost: bool,
}

/// Both directions of a connection, and what they have agreed on.
#[derive(Debug, Default)]
pub(super) struct Tap {
    from_client: Stream,
    to_client: Stream,
    version: i32,
    client_id: Option<i32>,
}

impl Tap {
    /// The client that the connection belongs to, once it has said so.
    pub(super) fn client_id(&self) -> Option<i32> {
        self.client_id
    }

    /// What these bytes complete, as entries of the record.
    pub(super) fn feed(&mut self, way: Way, bytes: &[u8]) -> Vec<(Way, Map<String, Value>)> {
        self.stream(way).pending.extend_from_slice(bytes);
        let mut entries = Vec::new();
        // The answer to the version line is what makes a hasty client's next words readable.
        for way in [way, Way::In] {
            while let Some(entry) = self.next(way) {
                entries.push((way, entry));
            }
        }
        entries
    }

    /// What is left of an unfinished frame when the connection ends.
    pub(super) fn rest(&mut self, way: Way) -> Option<Map<String, Value>> {
        let rest = self.stream(way).pending.split();
        (!rest.is_empty()).then(|| raw_entry(&rest, "the connection ended inside a frame"))
    }

    fn stream(&mut self, way: Way) -> &mut Stream {
        match way {
            Way::In => &mut self.from_client,
            Way::Out => &mut self.to_client,
        }
    }

    fn next(&mut self, way: Way) -> Option<Map<String, Value>> {
        let is_agreed = self.version > 0;
        let stream = self.stream(way);
        let waits = way == Way::In && stream.is_greeted && !is_agreed && !stream.is_lost;
        if stream.pending.is_empty() || waits {
            return None;
        }
        if way == Way::In && !stream.is_greeted && !stream.is_lost {
            let known = stream.pending.len().min(API_PREFIX.len());
            stream.is_lost = stream.pending[..known] != API_PREFIX[..known];
            if !stream.is_lost && stream.pending.len() < API_PREFIX.len() + 4 {
                return None;
            }
        }
        if stream.is_lost {
            let bytes = stream.pending.split();
            return Some(raw_entry(&bytes, "no frame"));
        }
        let skip = if way == Way::In && !stream.is_greeted { API_PREFIX.len() } else { 0 };
        let mut frames = stream.pending.split_off(skip);
        match take_payload(&mut frames, MAX_PAYLOAD) {
            Ok(Some(payload)) => {
                stream.pending = frames;
                Some(self.frame(way, &payload))
            }
            Ok(None) => {
                stream.pending.unsplit(frames);
                None
            }
            Err(error) => {
                stream.is_lost = true;
                stream.pending.clear();
                Some(raw_entry(&frames, &error.to_string()))
            }
        }
    }

    fn frame(&mut self, way: Way, payload: &Bytes) -> Map<String, Value> {
        if !std::mem::replace(&mut self.stream(way).is_greeted, true) {
            return self.handshake(way, payload);
        }
        let described = match way {
            Way::In => describe_request(self.version, payload),
            Way::Out => describe_reply(self.version, payload),
        };
        if self.client_id.is_none() {
            self.client_id = described.client_id;
        }
        self.entry(described, payload)
    }

    fn handshake(&mut self, way: Way, payload: &Bytes) -> Map<String, Value> {
        let text = text_fields(payload);
        if way == Way::Out {
            let agreed = text.as_ref().and_then(|fields| fields.first()?.parse().ok());
            self.version = agreed.unwrap_or_default();
        }
        let is_partial = text.is_none();
        let words =
            Described { name: "handshake", dialect: "text", text, is_partial, ..Described::default() };
        self.entry(words, payload)
    }

    fn entry(&self, described: Described, payload: &Bytes) -> Map<String, Value> {
        let mut entry = Map::new();
        let mut put = |name: &str, value: Value| entry.insert(name.to_owned(), value);
        if self.version > 0 {
            put("version", json!(self.version));
        }
        put("dialect", json!(described.dialect));
        if let Some(id) = described.id {
            put("id", json!(id));
        }
        put("message", json!(described.name));
        if let Some(fields) = described.fields {
            put("fields", fields);
        }
        if let Some(text) = described.text {
            put("text", json!(text));
        }
        if let Some(problem) = described.problem {
            put("problem", json!(problem));
        }
        if described.is_partial {
            put("hex", json!(hex(payload)));
        }
        entry
    }
}

fn raw_entry(bytes: &[u8], problem: &str) -> Map<String, Value> {
    let mut entry = Map::new();
    entry.insert("problem".to_owned(), json!(problem));
    entry.insert("hex".to_owned(), json!(hex(bytes)));
    entry
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |nibble: u8| char::from(DIGITS[usize::from(nibble & 15)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(*byte)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(entries: &[(Way, Map<String, Value>)]) -> Vec<String> {
        let word = |(way, entry): &(Way, Map<String, Value>)| {
            format!("{} {}", way.as_str(), entry["message"].as_str().unwrap())
        };
        entries.iter().map(word).collect()
    }

    #[test]
    fn frames_are_recognised_however_the_bytes_are_cut_and_in_the_version_that_is_agreed_on_later() {
        let said = b"API\0\0\0\0\x09v157..178\0\0\0\x0871\x002\x003\0\0";
        for size in [1, 3, said.len()] {
            let mut tap = Tap::default();
            let mut entries = Vec::new();
            for piece in said.chunks(size) {
                entries.extend(tap.feed(Way::In, piece));
            }
            entries.extend(tap.feed(Way::Out, b"\0\0\0\x08178\0now\0"));
            assert_eq!(words(&entries), ["in handshake", "out handshake", "in startApi"], "{size}");
            assert_eq!(tap.client_id(), Some(3));
            assert_eq!(entries[2].1["version"], json!(178));
        }
    }

    #[test]
    fn bytes_that_are_no_frame_are_kept_as_bytes() {
        let mut tap = Tap::default();
        let entries = tap.feed(Way::In, b"GET / HTTP/1.1");
        assert_eq!(entries[0].1["hex"], json!("474554202f20485454502f312e31"));
        let entries = tap.feed(Way::In, b"\r\n");
        assert_eq!(entries[0].1["hex"], json!("0d0a"));
        let mut tap = Tap::default();
        tap.feed(Way::In, b"API\0\0\0\0\x09v157..178");
        tap.feed(Way::Out, b"\0\0\0\x08178\0now\0");
        let entries = tap.feed(Way::In, &[0x7f, 0xff, 0xff, 0xff, 1]);
        assert!(entries[0].1["problem"].as_str().unwrap().contains("length"), "{entries:?}");
        assert_eq!(entries[0].1["hex"], json!("7fffffff01"));
    }
}
