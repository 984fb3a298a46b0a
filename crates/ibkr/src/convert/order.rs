//! Outbound: a ticket's terms as an ibapi order.

use alphec_model::broker::{Ticket, TicketLeg};
use alphec_model::{OrderType, Side, TimeInForce, Trail, UtcNanos};
use ibapi::orders::{Action, OcaType, Order, TimeInForce as WireLife};
use time::macros::format_description;

use super::{Refused, money};

/// The order as it will be written. Every price and size survives the way through a double, or nothing is
/// written. Fields of ibapi's order that we do not use keep its defaults, which send nothing but zeros.
pub(crate) fn order(ticket: &Ticket) -> Result<Order, Refused> {
    let Ticket { generation: _, broker_order_id, order_ref, account, instrument: _, spec, send_by: _, leg } =
        ticket;
    // An absent total is how ibapi writes zero; an order without a size must not leave.
    if spec.order_qty.is_zero() {
        return Err(Refused::new("quantity", "zero"));
    }
    let (word, limit_px, stop_px) = order_type(&spec.order_type)?;
    let (trail_amount, trailing_percent) = trail(&spec.order_type)?;
    let (life, good_till_date) = life(spec.time_in_force)?;
    Ok(Order {
        order_id: broker_order_id.get(),
        action: action(spec.side),
        total_quantity: money::to_double("quantity", spec.order_qty.get())?,
        order_type: word.to_owned(),
        limit_price: optional(limit_px)?,
        aux_price: optional(stop_px.or(trail_amount))?,
        trailing_percent,
        tif: life,
        good_till_date,
        order_ref: order_ref.as_str().to_owned(),
        account: account.as_str().to_owned(),
        parent_id: parent(leg.as_ref()),
        oca_group: oca_group(leg.as_ref()),
        oca_type: oca_type(leg.as_ref()),
        transmit: ticket.transmits(),
        outside_rth: false,
        what_if: false,
        ..Order::default()
    })
}

const fn parent(leg: Option<&TicketLeg>) -> i32 {
    match leg {
        Some(TicketLeg::Child { parent, .. }) => parent.get(),
        Some(TicketLeg::Parent | TicketLeg::Peer { .. }) | None => 0,
    }
}

fn oca_group(leg: Option<&TicketLeg>) -> String {
    match leg {
        Some(TicketLeg::Peer { group }) => group.to_string(),
        Some(TicketLeg::Parent | TicketLeg::Child { .. }) | None => String::new(),
    }
}

/// With block: the broker routes one at a time, so that no two can fill.
const fn oca_type(leg: Option<&TicketLeg>) -> OcaType {
    match leg {
        Some(TicketLeg::Peer { .. }) => OcaType::CancelWithBlock,
        Some(TicketLeg::Parent | TicketLeg::Child { .. }) | None => OcaType::None,
    }
}

const fn action(side: Side) -> Action {
    match side {
        Side::Buy => Action::Buy,
        // A short sale is a plain SELL: the broker marks it.
        Side::Sell => Action::Sell,
    }
}

type TypeAndPrices = (&'static str, Option<alphec_model::Price>, Option<alphec_model::Price>);

fn order_type(order_type: &OrderType) -> Result<TypeAndPrices, Refused> {
    Ok(match order_type {
        OrderType::Market => ("MKT", None, None),
        OrderType::Limit { limit_px } => ("LMT", Some(*limit_px), None),
        OrderType::Stop { stop_px } => ("STP", None, Some(*stop_px)),
        OrderType::StopLimit { stop_px, limit_px } => ("STP LMT", Some(*limit_px), Some(*stop_px)),
        OrderType::TrailingStop { .. } => ("TRAIL", None, None),
        other => return Err(Refused::new("order type", format!("{other:?} is not served by this adapter"))),
    })
}

/// The distance of a trailing stop: an amount goes into the auxiliary price, a percentage has its own field. Both
/// at once would be refused.
fn trail(order_type: &OrderType) -> Result<(Option<alphec_model::Price>, Option<f64>), Refused> {
    Ok(match order_type.trail() {
        None => (None, None),
        Some(Trail::Amount { amount }) => (Some(amount), None),
        Some(Trail::Percent { percent }) => (None, Some(money::to_double("trailing percentage", percent)?)),
    })
}

fn life(time_in_force: TimeInForce) -> Result<(WireLife, String), Refused> {
    Ok(match time_in_force {
        TimeInForce::Day => (WireLife::Day, String::new()),
        TimeInForce::Gtc => (WireLife::GoodTillCanceled, String::new()),
        TimeInForce::Gtd { expire_at } => (WireLife::GoodTillDate, utc_text(expire_at)?),
        TimeInForce::Ioc => (WireLife::ImmediateOrCancel, String::new()),
        TimeInForce::Fok => (WireLife::FillOrKill, String::new()),
        other => {
            return Err(Refused::new("time in force", format!("{other:?} is not served by this adapter")));
        }
    })
}

fn optional(price: Option<alphec_model::Price>) -> Result<Option<f64>, Refused> {
    price.map(|price| money::to_double("price", price.get())).transpose()
}

/// `YYYYMMDD-HH:MM:SS` in UTC: the one form that leaves no zone to be assumed (2174). Whole seconds.
fn utc_text(at: UtcNanos) -> Result<String, Refused> {
    let format = format_description!("[year][month][day]-[hour]:[minute]:[second]");
    time::OffsetDateTime::from_unix_timestamp_nanos(i128::from(at.as_nanos()))
        .map_err(|error| Refused::new("expiry", error))?
        .format(&format)
        .map_err(|error| Refused::new("expiry", error))
}

#[cfg(test)]
mod tests {
    use alphec_model::{
        AccountId, BrokerOrderId, Generation, InstrumentId, LogId, OrderRef, OrderSpec, Price, Qty,
    };

    use super::*;

    fn px(text: &str) -> Price {
        text.parse().unwrap()
    }

    fn ticket(order_type: OrderType, time_in_force: TimeInForce) -> Ticket {
        Ticket {
            generation: Generation::new(1),
            broker_order_id: BrokerOrderId::new(42),
            order_ref: OrderRef::of_intent(&LogId::new("log").unwrap(), 9, "terms"),
            account: AccountId::new("DU1").unwrap(),
            instrument: InstrumentId::new("AAPL").unwrap(),
            spec: OrderSpec::new(Side::Sell, "10".parse().unwrap(), order_type)
                .unwrap()
                .with_time_in_force(time_in_force),
            send_by: UtcNanos::EPOCH,
            leg: None,
        }
    }

    #[test]
    fn each_order_type_has_its_word_and_only_its_own_prices() {
        let table = [
            (OrderType::Market, ("MKT", None, None)),
            (OrderType::Limit { limit_px: px("1.5") }, ("LMT", Some(1.5), None)),
            (OrderType::Stop { stop_px: px("2.5") }, ("STP", None, Some(2.5))),
            (
                OrderType::StopLimit { stop_px: px("2.5"), limit_px: px("1.5") },
                ("STP LMT", Some(1.5), Some(2.5)),
            ),
        ];
        for (order_type, (word, limit, aux)) in table {
            let order = order(&ticket(order_type, TimeInForce::Day)).unwrap();
            assert_eq!((order.order_type.as_str(), order.limit_price, order.aux_price), (word, limit, aux));
        }
    }

    #[test]
    fn a_trailing_stop_is_written_by_amount_or_by_percentage_and_never_both() {
        let written = |trail| {
            let order = order(&ticket(OrderType::TrailingStop { trail }, TimeInForce::Gtc)).unwrap();
            (order.order_type, order.aux_price, order.trailing_percent, order.limit_price)
        };
        let amount = written(Trail::Amount { amount: px("1.25") });
        assert_eq!(amount, ("TRAIL".to_owned(), Some(1.25), None, None));
        let percent = written(Trail::Percent { percent: "2.5".parse().unwrap() });
        assert_eq!(percent, ("TRAIL".to_owned(), None, Some(2.5), None));
    }

    #[test]
    fn each_life_has_its_word_and_an_expiry_is_written_in_utc() {
        let expire_at: UtcNanos = "2026-11-23T14:30:05.999999999Z".parse().unwrap();
        let table = [
            (TimeInForce::Day, "DAY", ""),
            (TimeInForce::Gtc, "GTC", ""),
            (TimeInForce::Gtd { expire_at }, "GTD", "20261123-14:30:05"),
            (TimeInForce::Ioc, "IOC", ""),
            (TimeInForce::Fok, "FOK", ""),
        ];
        for (life, word, date) in table {
            let order = order(&ticket(OrderType::Limit { limit_px: px("1") }, life)).unwrap();
            assert_eq!((order.tif.as_str(), order.good_till_date.as_str()), (word, date));
        }
    }

    #[test]
    fn an_order_is_transmitted_with_our_reference_and_account_and_never_as_a_preview() {
        let ticket = ticket(OrderType::Market, TimeInForce::Day);
        let order = order(&ticket).unwrap();
        assert!(order.transmit && !order.what_if && !order.outside_rth);
        assert_eq!(order.order_ref, ticket.order_ref.as_str());
        assert_eq!((order.account.as_str(), order.action), ("DU1", Action::Sell));
        assert_eq!(order.order_id, 42);
    }

    #[test]
    fn the_legs_of_a_group_are_parked_tied_and_started_by_the_last() {
        let written = |leg: Option<TicketLeg>| {
            let limit = OrderType::Limit { limit_px: px("1.5") };
            let order = order(&Ticket { leg, ..ticket(limit, TimeInForce::Day) }).unwrap();
            (order.transmit, order.parent_id, order.oca_group, i32::from(order.oca_type))
        };
        let child = |is_last| Some(TicketLeg::Child { parent: BrokerOrderId::new(41), is_last });
        let none = String::new;
        assert_eq!(written(None), (true, 0, none(), 0));
        assert_eq!(written(Some(TicketLeg::Parent)), (false, 0, none(), 0));
        assert_eq!(written(child(false)), (false, 41, none(), 0));
        assert_eq!(written(child(true)), (true, 41, none(), 0));
        let peer = Some(TicketLeg::Peer { group: "ax1.log.9.c".into() });
        assert_eq!(written(peer), (true, 0, "ax1.log.9.c".to_owned(), 1));
    }

    #[test]
    fn a_size_of_zero_never_leaves() {
        let mut ticket = ticket(OrderType::Market, TimeInForce::Day);
        ticket.spec.order_qty = Qty::ZERO;
        assert!(order(&ticket).is_err());
    }
}
