//! Requests that are part of the API but not served here, so that the refusal can say which.

use bytes::Bytes;
use prost::Message;

use super::ReqId;
use crate::wire::Request;
use crate::wire::catalog::{self, ReqIdAt};
use crate::wire::frame::FrameError;

/// A request nobody else claimed: named when the API has it, and refused under its own request id if it
/// carries one.
pub(super) fn unsupported(id: i32, body: &Bytes) -> Result<Request, FrameError> {
    let Some(known) = catalog::request(id) else { return Ok(Request::Unknown { message_id: id }) };
    let req_id = match known.req_id {
        ReqIdAt::Nowhere => None,
        ReqIdAt::Field(_) => {
            ReqId::decode(body.clone())
                .map_err(|source| FrameError::BadBody { message_id: id, source })?
                .req_id
        }
    };
    Ok(Request::Unsupported { name: known.name, req_id })
}
