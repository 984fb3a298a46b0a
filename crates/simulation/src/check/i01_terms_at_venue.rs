//! Intent before wire: what the venue has is what was asked for.

use alphec_model::{LegRole, OrderSpec, OrderType, Side, TimeInForce, Trail};
use alphec_twsim::venue::{self, OrderKind, OrderReport, TrailBy, VenueOutput};

use super::ledger::{Intent, Ledger};
use super::{Invariant, Scene, Verdict};
use crate::profile::{self, LISTED};
use crate::sight::Sight;

pub(super) struct TermsAtVenue;

impl Invariant for TermsAtVenue {
    fn number(&self) -> u8 {
        1
    }

    fn sentence(&self) -> &'static str {
        "An order of ours at the venue has the instrument, account, side, size, prices, time in force and group of one version that was asked for."
    }

    fn see(&mut self, scene: &Scene<'_>) -> Verdict {
        let Sight::Venue(VenueOutput::Order(report) | VenueOutput::Terms(report)) = scene.sight else {
            return Ok(());
        };
        let key = scene.ledger.by_ref.get(&*report.spec.order_ref);
        let Some(intent) = key.and_then(|key| scene.ledger.intents.get(key)) else { return Ok(()) };
        let order = &intent.order;
        let listed = LISTED.iter().find(|listed| listed.con_id == report.spec.con_id);
        let is_there = listed.is_some_and(|listed| order.instrument.as_str() == listed.name)
            && &*report.spec.account == profile::ACCOUNT;
        let is_asked = intent.versions().any(|spec| is_as_asked(spec, intent, report));
        if is_there && is_asked && is_in_its_group(intent, report, scene.ledger) {
            return Ok(());
        }
        Err(format!("{} is not at the venue as it was asked for: {:?}", order.client_order_id, report.spec))
    }
}

fn is_as_asked(spec: &OrderSpec, intent: &Intent, report: &OrderReport) -> bool {
    let side = if spec.side == Side::Buy { venue::Side::Buy } else { venue::Side::Sell };
    // An exit is made smaller by what the other exits of its entry fill.
    let is_exit = intent.order.leg.as_ref().is_some_and(|leg| leg.role == LegRole::Child);
    let (asked, there) = (spec.order_qty.get(), report.spec.quantity);
    // A change to less than has filled leaves that.
    let is_cut = asked < there && there == report.filled;
    let is_size = asked == there || is_cut || is_exit && there < asked;
    report.spec.side == side && is_size && is_kind(spec, report.spec.kind) && is_life(spec, report.spec.tif)
}

fn is_kind(spec: &OrderSpec, kind: OrderKind) -> bool {
    match (spec.order_type, kind) {
        (OrderType::Market, OrderKind::Market) => true,
        (OrderType::Limit { limit_px }, OrderKind::Limit { limit }) => limit_px.get() == limit,
        (OrderType::Stop { stop_px }, OrderKind::Stop { stop }) => stop_px.get() == stop,
        (OrderType::StopLimit { stop_px, limit_px }, OrderKind::StopLimit { stop, limit }) => {
            (stop_px.get(), limit_px.get()) == (stop, limit)
        }
        // The venue moves the stop.
        (OrderType::TrailingStop { trail }, OrderKind::Trail { by, .. }) => match (trail, by) {
            (Trail::Amount { amount }, TrailBy::Amount(distance)) => amount.get() == distance,
            (Trail::Percent { percent }, TrailBy::Percent(share)) => percent == share,
            _ => false,
        },
        _ => false,
    }
}

/// A preset of the gateway may make `DAY` of any.
fn is_life(spec: &OrderSpec, tif: venue::TimeInForce) -> bool {
    match (spec.time_in_force, tif) {
        (_, venue::TimeInForce::Day)
        | (TimeInForce::Gtc, venue::TimeInForce::Gtc)
        | (TimeInForce::Ioc, venue::TimeInForce::Ioc)
        | (TimeInForce::Fok, venue::TimeInForce::Fok) => true,
        (TimeInForce::Gtd { expire_at }, venue::TimeInForce::Gtd(at)) => expire_at.as_nanos() == at,
        _ => false,
    }
}

fn is_in_its_group(intent: &Intent, report: &OrderReport, ledger: &Ledger) -> bool {
    let oca = report.spec.extra.as_ref().and_then(|extra| extra.oca.as_ref());
    let leg = intent.order.leg.as_ref();
    match leg.map(|leg| leg.role) {
        // A change names no parent (tws-behaviour 2.3), and the second order that the gateway makes of one has none.
        Some(LegRole::Child) => {
            let parent =
                leg.and_then(|leg| ledger.intents.get(&leg.group)).and_then(|it| it.order.broker_order_id);
            let is_named = parent.is_some_and(|parent| parent.get() == report.spec.parent_id);
            let is_known = report.parent_perm_id != 0 || ledger.splits(&report.spec.order_ref) > 0;
            oca.is_none() && (is_named || is_known || !intent.changes.is_empty())
        }
        Some(LegRole::Peer) => oca.is_some() && report.spec.parent_id == 0,
        Some(LegRole::Parent) | None => oca.is_none() && report.spec.parent_id == 0,
    }
}
