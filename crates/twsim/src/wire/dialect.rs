//! Which dialect a message is in. A session has a server version; [`catalog`](super::catalog) says from which
//! version a message is protobuf.

use bytes::{Bytes, BytesMut};

use super::catalog::{self, BINARY_ID};
use super::frame::{FrameError, PROTOBUF_OFFSET, split_id};
use super::{Reply, Request, proto, text};

/// Longest text message id that is looked at: nobody has sent a number with more digits.
const TEXT_ID_DIGITS: usize = 10;

/// Reads one payload of a session with this server version. `Err` means the bytes are no message: the
/// connection cannot be trusted any more.
pub fn decode(version: i32, payload: &Bytes) -> Result<Request, FrameError> {
    if version < BINARY_ID {
        let (id, body) = split_text_id(payload)?;
        return text::decode(version, id, body);
    }
    let (raw_id, body) = split_id(payload.clone())?;
    let id = raw_id.saturating_sub(PROTOBUF_OFFSET);
    let (id, is_protobuf) = if id > 0 { (id, true) } else { (raw_id, false) };
    let Some(known) = catalog::request(id) else { return Ok(Request::Unknown { message_id: raw_id }) };
    match (is_protobuf, version >= known.protobuf_from) {
        (true, true) => proto::decode(id, &body),
        (false, false) => text::decode(version, id, &body),
        // The right message in the wrong dialect for this version.
        (true, false) | (false, true) => Ok(Request::Unknown { message_id: raw_id }),
    }
}

/// Appends one reply as a frame for a session with this server version.
pub fn encode(version: i32, reply: &Reply<'_>, out: &mut BytesMut) {
    if catalog::reply_is_protobuf(reply.message_id(), version) {
        proto::encode(reply, out);
    } else {
        text::encode(version, reply, out);
    }
}

fn split_text_id(payload: &[u8]) -> Result<(i32, &[u8]), FrameError> {
    let end = payload.iter().take(TEXT_ID_DIGITS + 1).position(|byte| *byte == 0);
    let end = end.ok_or(FrameError::BadMessageId)?;
    let (digits, body) = payload.split_at(end);
    let id = std::str::from_utf8(digits).ok().and_then(|digits| digits.parse().ok());
    Ok((id.ok_or(FrameError::BadMessageId)?, body.get(1..).unwrap_or_default()))
}
