//! Frames: four bytes of big-endian length, then the payload. From the handshake on, the payload starts with
//! a four-byte message id. A length that cannot be true ends the connection: there is no resynchronising.

use bytes::{Buf, BufMut, Bytes, BytesMut};
use prost::Message;

use super::text::FieldProblem;

/// Longest payload the protocol allows.
pub const MAX_PAYLOAD: usize = 0x00ff_ffff;

/// What the client sends before anything else.
pub const API_PREFIX: &[u8] = b"API\0";

/// Room for most frames.
const FRAME_USUAL: usize = 512;

/// Added to a message id when the body is protobuf.
pub const PROTOBUF_OFFSET: i32 = 200;

/// Bytes that are not a conversation with a TWS client.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FrameError {
    /// The stream does not start with `API\0`.
    #[error("the stream does not start with the API prefix")]
    NotAnApiClient,
    /// A length of zero, below the size of a message id, or above the protocol's maximum.
    #[error("frame length {length} is not possible")]
    BadLength {
        /// The length read.
        length: usize,
    },
    /// The version line is not `vMIN..MAX`.
    #[error("version line {line:?} cannot be read")]
    BadVersion {
        /// The line read.
        line: String,
    },
    /// The client's newest version is below our oldest, or its oldest above our newest.
    #[error("client offers versions {min}..{max}, outside what this gateway speaks")]
    UnsupportedVersion {
        /// Client's oldest.
        min: i32,
        /// Client's newest.
        max: i32,
    },
    /// The body of a message does not decode.
    #[error("message {message_id} does not decode: {source}")]
    BadBody {
        /// Message id, without the protobuf offset.
        message_id: i32,
        /// What the decoder met.
        source: prost::DecodeError,
    },
    /// The message id is not a number.
    #[error("the message id is not a number")]
    BadMessageId,
    /// A text field of a message cannot be read.
    #[error("message {message_id}: field {field} {problem}")]
    BadField {
        /// Message id.
        message_id: i32,
        /// Counted from 0, after the message id.
        field: usize,
        /// What is wrong.
        problem: FieldProblem,
    },
}

/// Takes one complete payload of at most `longest` bytes off the front of `inbox`; `None` while it is
/// incomplete.
pub fn take_payload(inbox: &mut BytesMut, longest: usize) -> Result<Option<Bytes>, FrameError> {
    let Some(prefix) = inbox.first_chunk::<4>() else { return Ok(None) };
    let length = u32::from_be_bytes(*prefix) as usize;
    if length == 0 || length > longest {
        return Err(FrameError::BadLength { length });
    }
    if inbox.len() < 4 + length {
        return Ok(None);
    }
    inbox.advance(4);
    Ok(Some(inbox.split_to(length).freeze()))
}

/// Splits a payload into message id and body.
pub fn split_id(mut payload: Bytes) -> Result<(i32, Bytes), FrameError> {
    if payload.len() < 4 {
        return Err(FrameError::BadLength { length: payload.len() });
    }
    let id = payload.get_i32();
    Ok((id, payload))
}

/// Appends one protobuf message as a frame.
pub fn put_message(out: &mut BytesMut, message_id: i32, message: &impl Message) {
    put_frame(out, message_id, |out| message.encode_raw(out));
}

/// Appends one protobuf message, written by `write`, as a frame. The length is filled in afterwards: measuring a
/// message before writing it would go through all its fields twice.
pub(super) fn put_frame(out: &mut BytesMut, message_id: i32, write: impl FnOnce(&mut BytesMut)) {
    let at = out.len();
    // Growing once is cheaper than growing by doubling from nothing.
    out.reserve(FRAME_USUAL);
    out.put_u32(0);
    out.put_i32(message_id + PROTOBUF_OFFSET);
    write(out);
    let length = u32::try_from(out.len() - at - 4).unwrap_or(u32::MAX);
    if let Some(prefix) = out.get_mut(at..at + 4) {
        prefix.copy_from_slice(&length.to_be_bytes());
    }
}

/// Appends NUL-terminated text fields as a frame, as the handshake's answer has it.
pub fn put_text(out: &mut BytesMut, fields: &[&str]) {
    let length: usize = fields.iter().map(|field| field.len() + 1).sum();
    out.put_u32(u32::try_from(length).unwrap_or(u32::MAX));
    for field in fields {
        out.put_slice(field.as_bytes());
        out.put_u8(0);
    }
}

/// Reads `vMIN..MAX`, with optional connect options after a blank.
pub fn parse_version_line(payload: &[u8]) -> Result<(i32, i32), FrameError> {
    let bad = || FrameError::BadVersion { line: String::from_utf8_lossy(payload).chars().take(60).collect() };
    let line = std::str::from_utf8(payload).map_err(|_| bad())?;
    let range = line.split([' ', '\0']).next().unwrap_or_default();
    let range = range.strip_prefix('v').ok_or_else(bad)?;
    let (min, max) = range.split_once("..").unwrap_or((range, range));
    Ok((min.parse().map_err(|_| bad())?, max.parse().map_err(|_| bad())?))
}
