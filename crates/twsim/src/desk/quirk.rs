//! What faults change in the frames themselves: unset numbers, missing fields, unknown words. Works on encoded
//! frames, so that the encoders know nothing of it.

use bytes::{BufMut, Bytes, BytesMut};
use prost::Message;

use crate::wire::BINARY_ID;
use crate::wire::frame::{PROTOBUF_OFFSET, put_message};
use crate::wire::layout::{OpenOrder, OrderStatus};

/// The largest decimal that the broker's clients take for "unset": 2^127 - 1.
const UNSET_DECIMAL: &str = "170141183460469231731687303715884105727";

const ORDER_STATUS: i32 = 3;
const OPEN_ORDER: i32 = 5;

/// Place of the fields of a text order status, after the message id.
const STATUS_AT: usize = 1;
const FILLED_AT: usize = 2;
const REMAINING_AT: usize = 3;
const AVERAGE_AT: usize = 4;

/// What is changed in every frame that has it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Quirks {
    pub(super) sentinels: bool,
    pub(super) no_remaining: bool,
    pub(super) status: Option<String>,
}

impl Quirks {
    pub(super) fn is_none(&self) -> bool {
        !self.sentinels && !self.no_remaining && self.status.is_none()
    }

    /// Changes the frame that begins at `start`.
    pub(super) fn apply(&self, version: i32, out: &mut BytesMut, start: usize) {
        let payload = out.split_off(start).freeze().slice(4..);
        match self.changed(version, &payload) {
            Some(frame) => out.extend_from_slice(&frame),
            None => {
                out.put_u32(u32::try_from(payload.len()).unwrap_or(u32::MAX));
                out.extend_from_slice(&payload);
            }
        }
    }

    fn changed(&self, version: i32, payload: &Bytes) -> Option<BytesMut> {
        let mut frame = BytesMut::new();
        if version >= BINARY_ID {
            let id = i32::from_be_bytes(*payload.first_chunk::<4>()?);
            match id - PROTOBUF_OFFSET {
                ORDER_STATUS => {
                    let mut message = OrderStatus::decode(payload.slice(4..)).ok()?;
                    self.change_status(&mut message);
                    put_message(&mut frame, ORDER_STATUS, &message);
                    return Some(frame);
                }
                OPEN_ORDER => {
                    let mut message = OpenOrder::decode(payload.slice(4..)).ok()?;
                    self.change_order(&mut message);
                    put_message(&mut frame, OPEN_ORDER, &message);
                    return Some(frame);
                }
                _ => {}
            }
        }
        self.change_text(version, payload, &mut frame)?;
        Some(frame)
    }

    fn change_status(&self, message: &mut OrderStatus) {
        if self.sentinels {
            message.filled = Some(UNSET_DECIMAL.to_owned());
            message.remaining = Some(UNSET_DECIMAL.to_owned());
            message.avg_fill_price = Some(f64::MAX);
            message.last_fill_price = Some(f64::MAX);
            message.mkt_cap_price = Some(f64::MAX);
            message.parent_id = Some(i32::MAX);
        }
        if self.no_remaining {
            message.remaining = None;
        }
        if let Some(status) = self.status.as_ref().filter(|_| is_working(message.status.as_deref())) {
            message.status = Some(status.clone());
        }
    }

    fn change_order(&self, message: &mut OpenOrder) {
        if self.sentinels
            && let Some(order) = &mut message.order
        {
            order.lmt_price.get_or_insert(f64::MAX);
            order.aux_price.get_or_insert(f64::MAX);
            order.filled_quantity = Some(UNSET_DECIMAL.to_owned());
        }
        let Some(state) = &mut message.order_state else { return };
        if self.sentinels {
            state.commission_and_fees.get_or_insert(f64::MAX);
            state.min_commission_and_fees.get_or_insert(f64::MAX);
            state.max_commission_and_fees.get_or_insert(f64::MAX);
            state.init_margin_change.get_or_insert(f64::MAX);
        }
        if let Some(status) = self.status.as_ref().filter(|_| is_working(state.status.as_deref())) {
            state.status = Some(status.clone());
        }
    }

    /// The text form of an order status; other text messages are left as they are.
    fn change_text(&self, version: i32, payload: &Bytes, frame: &mut BytesMut) -> Option<()> {
        let (head, body) = if version >= BINARY_ID {
            (
                payload.first_chunk::<4>().filter(|id| i32::from_be_bytes(**id) == ORDER_STATUS)?.to_vec(),
                payload.slice(4..),
            )
        } else {
            (payload.strip_prefix(b"3\0").map(|_| b"3\0".to_vec())?, payload.slice(2..))
        };
        let mut fields: Vec<&[u8]> = body.split(|byte| *byte == 0).collect();
        let working = std::str::from_utf8(fields.get(STATUS_AT)?).ok();
        if let Some(status) = self.status.as_ref().filter(|_| is_working(working)) {
            *fields.get_mut(STATUS_AT)? = status.as_bytes();
        }
        if self.sentinels {
            for at in [FILLED_AT, REMAINING_AT] {
                *fields.get_mut(at)? = UNSET_DECIMAL.as_bytes();
            }
            *fields.get_mut(AVERAGE_AT)? = b"1.7976931348623157E308";
        }
        if self.no_remaining {
            *fields.get_mut(REMAINING_AT)? = b"";
        }
        let body = fields.join(&0);
        frame.put_u32(u32::try_from(head.len() + body.len()).unwrap_or(u32::MAX));
        frame.put_slice(&head);
        frame.put_slice(&body);
        Some(())
    }
}

fn is_working(status: Option<&str>) -> bool {
    matches!(status, Some("PreSubmitted" | "Submitted" | "PendingCancel"))
}
