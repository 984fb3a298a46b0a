//! The open order, the message sent most. What the client sent beside the terms that the gateway decides about
//! is copied as it came, not read into a message and written again; the result is the same message.

use std::cell::RefCell;
use std::sync::Arc;

use bytes::{BufMut, BytesMut};
use prost::Message;
use prost::encoding::{WireType, decode_key, decode_varint, encode_key, encode_varint, message};

use crate::venue::{Instrument, OrderReport};
use crate::wire::echo;
use crate::wire::frame::put_frame;
use crate::wire::layout::Order;

/// Fields of an order that the gateway overwrites or clears whatever the client sent.
const DECIDED: [u32; 16] = [1, 2, 3, 4, 6, 8, 11, 12, 19, 28, 65, 66, 115, 121, 10_001, 10_002];
/// Fields that it writes depending on what the client sent: action, prices, clearing intent, good till date, OCA
/// type, hedge type, exempt code, automatic price for hedge, display size, trailing percent and stop.
const WEIGHED: [u32; 12] = [5, 7, 9, 10, 15, 22, 23, 26, 30, 59, 72, 111];

/// Fields of a contract that an echo takes from what the client sent: all of them about combinations.
const COMBINATIONS: [u32; 3] = [17, 19, 20];

/// Room for what the gateway decides about an order.
const ORDER_USUAL: usize = 160;

const CONTRACT: u32 = 2;
const ORDER: u32 = 3;
const STATE: u32 = 4;

thread_local! {
    /// What was written last, since a placement is answered by its order at least twice. It saves work and
    /// changes nothing: the same report gives the same bytes without it.
    static LAST: RefCell<Option<Terms>> = const { RefCell::new(None) };
}

/// Appends the frame of an open order.
pub(super) fn put(out: &mut BytesMut, report: &OrderReport, instrument: &Instrument) {
    LAST.with_borrow_mut(|last| {
        if !last.as_ref().is_some_and(|terms| terms.are_of(report)) {
            // The legs of a combination are written the long way.
            *last = if instrument.is_combination() { None } else { Terms::of(report) };
        }
        match last {
            Some(terms) => put_terms(out, terms, report, instrument),
            None => put_whole(out, report, instrument),
        }
    });
}

fn put_terms(out: &mut BytesMut, terms: &Terms, report: &OrderReport, instrument: &Instrument) {
    let contract = echo::contract(instrument, &report.spec.exchange);
    let state = echo::order_state(report, &instrument.currency);
    put_frame(out, 5, |out| {
        prost::encoding::int32::encode(1, &terms.order_id, out);
        message::encode(CONTRACT, &contract, out);
        encode_key(ORDER, WireType::LengthDelimited, out);
        encode_varint(terms.order.len() as u64, out);
        out.put_slice(&terms.order);
        message::encode(STATE, &state, out);
    });
}

fn put_whole(out: &mut BytesMut, report: &OrderReport, instrument: &Instrument) {
    let mut whole = echo::open_order(report, instrument);
    whole.order = whole.order.map(Order::without_text_only);
    put_frame(out, 5, |out| whole.encode_raw(out));
}

/// The order's part of the message, ready to be written.
#[derive(Debug)]
struct Terms {
    report: OrderReport,
    order_id: i32,
    order: Vec<u8>,
}

impl Terms {
    /// `None` for combinations, and for orders that no client sent.
    fn of(report: &OrderReport) -> Option<Self> {
        let mut order = Order::default();
        let mut bytes = read(&report.spec.carried, &mut order)?;
        echo::decide(&mut order, report);
        order.encode_raw(&mut bytes);
        let order_id = order.order_id.unwrap_or(0);
        Some(Self { report: report.clone(), order_id, order: bytes })
    }

    /// Whether a report has the same terms, whatever has become of it otherwise.
    fn are_of(&self, report: &OrderReport) -> bool {
        let OrderReport {
            key,
            perm_id,
            parent_perm_id,
            spec,
            bound,
            // The state, which is not among the terms.
            status: _,
            filled: _,
            remaining: _,
            avg_price: _,
            last_price: _,
            commission: _,
            why_held: _,
            reject_reason: _,
        } = &self.report;
        Arc::ptr_eq(spec, &report.spec)
            && (*key, *perm_id, *parent_perm_id, *bound)
                == (report.key, report.perm_id, report.parent_perm_id, report.bound)
    }
}

/// Takes apart what the client sent: returns what is copied as it is, and reads the rest into `weighed`.
fn read(mut carried: &[u8], weighed: &mut Order) -> Option<Vec<u8>> {
    let mut order = None;
    while !carried.is_empty() {
        let field = Field::take(&mut carried)?;
        match field.tag {
            CONTRACT if has_combination(field.value)? => return None,
            ORDER => order = Some(field.value),
            _ => {}
        }
    }
    let mut order = order?;
    let mut kept = Vec::with_capacity(ORDER_USUAL + order.len());
    while !order.is_empty() {
        let field = Field::take(&mut order)?;
        if WEIGHED.contains(&field.tag) {
            weighed.merge(field.whole).ok()?;
        } else if !DECIDED.contains(&field.tag) {
            kept.extend_from_slice(field.whole);
        }
    }
    Some(kept)
}

fn has_combination(mut contract: &[u8]) -> Option<bool> {
    while !contract.is_empty() {
        if COMBINATIONS.contains(&Field::take(&mut contract)?.tag) {
            return Some(true);
        }
    }
    Some(false)
}

/// One field of an encoded message.
struct Field<'a> {
    tag: u32,
    /// With its key.
    whole: &'a [u8],
    /// Of a field with a length; empty otherwise.
    value: &'a [u8],
}

impl<'a> Field<'a> {
    /// `None` where the bytes are no message.
    fn take(bytes: &mut &'a [u8]) -> Option<Self> {
        let all = *bytes;
        let (tag, kind) = decode_key(bytes).ok()?;
        let mut value: &[u8] = &[];
        match kind {
            WireType::Varint => {
                decode_varint(bytes).ok()?;
            }
            WireType::SixtyFourBit => *bytes = bytes.get(8..)?,
            WireType::ThirtyTwoBit => *bytes = bytes.get(4..)?,
            WireType::LengthDelimited => {
                let length = usize::try_from(decode_varint(bytes).ok()?).ok()?;
                (value, *bytes) = bytes.split_at_checked(length)?;
            }
            WireType::StartGroup | WireType::EndGroup => return None,
        }
        let whole = all.get(..all.len() - bytes.len())?;
        Some(Self { tag, whole, value })
    }
}

#[cfg(test)]
mod tests {
    use rust_decimal::Decimal;

    use super::*;
    use crate::venue::{OrderKey, OrderKind, OrderSpec, Side, Status, TimeInForce, TrailBy};
    use crate::wire::PlaceOrder;
    use crate::wire::layout::{ComboLeg, Contract, OpenOrder, OrderCondition};

    fn report(sent: &PlaceOrder, kind: OrderKind, tif: TimeInForce) -> OrderReport {
        OrderReport {
            key: OrderKey::new(7, 12),
            perm_id: 1_763_870_277_001,
            parent_perm_id: 0,
            spec: Arc::new(OrderSpec {
                con_id: 265_598,
                exchange: "SMART".into(),
                account: "DU1234567".into(),
                side: Side::Sell,
                quantity: Decimal::TEN,
                kind,
                tif,
                order_ref: "".into(),
                parent_id: 0,
                transmit: true,
                outside_rth: false,
                extra: None,
                carried: sent.carried(),
            }),
            status: Status::Submitted,
            filled: Decimal::ZERO,
            remaining: Decimal::TEN,
            avg_price: Decimal::ZERO,
            last_price: Decimal::ZERO,
            commission: Decimal::ZERO,
            why_held: "",
            bound: true,
            reject_reason: "".into(),
        }
    }

    /// An order with something in every place that matters here, and much besides.
    fn full() -> Order {
        Order {
            client_id: Some(99),
            order_id: Some(98),
            perm_id: Some(97),
            parent_id: Some(96),
            action: Some("SSHORT".to_owned()),
            total_quantity: Some("3".to_owned()),
            lmt_price: Some(1.5),
            aux_price: Some(2.5),
            trailing_percent: Some(3.5),
            trail_stop_price: Some(4.5),
            tif: Some("GTD".to_owned()),
            account: Some("DU7".to_owned()),
            clearing_intent: Some("Away".to_owned()),
            outside_rth: Some(true),
            good_till_date: Some("20991231-00:00:00".to_owned()),
            order_ref: Some("mine".to_owned()),
            oca_type: Some(0),
            display_size: Some(0),
            hedge_type: Some("D".to_owned()),
            exempt_code: Some(5),
            what_if: Some(true),
            transmit: Some(false),
            filled_quantity: Some("2".to_owned()),
            parent_perm_id: Some(95),
            dont_use_auto_price_for_hedge: Some(false),
            auction_strategy: Some(1),
            fa_profile: Some("p".to_owned()),
            hidden: Some(true),
            percent_offset: Some(0.25),
            min_qty: Some(4),
            good_after_time: Some("20251123-00:00:00".to_owned()),
            conditions: vec![OrderCondition { kind: Some(1), ..OrderCondition::default() }],
            ..Order::default()
        }
    }

    #[test]
    fn the_quick_way_writes_the_same_message_as_the_long_one() {
        let instrument = &Instrument::defaults()[0];
        let legs = Contract { combo_legs: vec![ComboLeg::default()], ..Contract::default() };
        let orders = [Order::default(), full(), Order { oca_type: Some(2), hedge_type: None, ..full() }];
        let stop = Some(Decimal::TEN);
        let kinds = [
            OrderKind::Market,
            OrderKind::StopLimit { stop: Decimal::ONE, limit: Decimal::TWO },
            OrderKind::Trail { by: TrailBy::Percent(Decimal::TWO), stop: None },
            OrderKind::TrailLimit { by: TrailBy::Amount(Decimal::ONE), stop, offset: Decimal::TWO },
        ];
        for (order, kind) in orders.into_iter().flat_map(|order| kinds.map(|kind| (order.clone(), kind))) {
            for (contract, tif) in
                [(Contract::default(), TimeInForce::Day), (legs.clone(), TimeInForce::Gtd(0))]
            {
                let sent = PlaceOrder { contract, order: order.clone(), ..PlaceOrder::default() };
                let report = report(&sent, kind, tif);
                let mut out = BytesMut::new();
                put(&mut out, &report, instrument);
                let mut expected = echo::open_order(&report, instrument);
                expected.order = expected.order.map(Order::without_text_only);
                assert_eq!(u32::from_be_bytes(*out.first_chunk().unwrap()) as usize, out.len() - 4);
                assert_eq!(OpenOrder::decode(&out[8..]).unwrap(), expected);
            }
        }
    }
}
