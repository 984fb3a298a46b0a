//! Market depth: the book as rows that a client inserts, updates and deletes.

use std::collections::BTreeSet;

use rust_decimal::prelude::ToPrimitive;

use super::{ConnId, Desk};
use crate::client::DepthFeed;
use crate::venue::{ConId, Instrument, Level, Refusal, SecType, UtcNs};
use crate::wire::{DepthRequest, DepthRow, Reply};

/// Most subscriptions of a session, however few instruments they are about.
const SUBSCRIPTIONS_MAX: usize = 100;

/// Most rows of a side that a client gets.
const ROWS_MAX: usize = 100;

/// Where the levels of a US stock stand when a client asks for them from all venues at once.
const US_VENUES: [&str; 6] = ["NASDAQ", "ARCA", "BATS", "NYSE", "EDGX", "IEX"];

impl Desk {
    pub(super) fn market_depth(&mut self, now: UtcNs, conn: ConnId, wanted: &DepthRequest) {
        let req_id = wanted.req_id;
        let instrument = match self.resolve(now, &wanted.query) {
            Ok(instrument) => instrument,
            Err(refusal) => return self.refuse_request(now, conn, req_id, &refusal),
        };
        let rows = usize::try_from(wanted.rows).unwrap_or(0).min(ROWS_MAX);
        if rows == 0 {
            let refusal = Refusal::Invalid(format!("Number of rows {} is not above zero", wanted.rows));
            return self.refuse_request(now, conn, req_id, &refusal);
        }
        if !self.takes_depth(now, conn, (req_id, instrument.con_id)) {
            return;
        }
        let feed = DepthFeed {
            con_id: instrument.con_id,
            rows,
            smart: wanted.smart,
            sent: [Vec::new(), Vec::new()],
        };
        if let Some(session) = self.lines.sessions.get_mut(&conn) {
            session.subscriptions.depth.insert(req_id, feed);
        }
        self.send_depth(now, conn, req_id);
    }

    pub(super) fn cancel_market_depth(&mut self, now: UtcNs, conn: ConnId, req_id: i32) {
        let Some(session) = self.lines.sessions.get_mut(&conn) else { return };
        if session.subscriptions.depth.remove(&req_id).is_none() {
            let text = format!("Can't find the subscribed market depth with tickerId:{req_id}");
            self.lines.error(now, conn, req_id, (310, &text));
        }
    }

    /// The venues of what is listed, by kind.
    pub(super) fn depth_exchanges(&mut self, now: UtcNs, conn: ConnId) {
        let venues: BTreeSet<(&str, &str)> = self
            .venue
            .instruments()
            .flat_map(|it| [(it.exchange.as_str(), it), (it.primary_exchange.as_str(), it)])
            .filter(|(exchange, _)| !exchange.is_empty() && *exchange != "SMART")
            .map(|(exchange, it)| (exchange, it.sec_type.as_str()))
            .collect();
        let venues = venues.into_iter().collect();
        self.lines.send(now, conn, &Reply::DepthExchanges(venues));
    }

    /// A market moved: whoever watches its book hears what changed in it.
    pub(super) fn route_depth(&mut self, now: UtcNs, con_id: ConId) {
        for conn in self.lines.ready() {
            let Some(session) = self.lines.sessions.get(&conn) else { continue };
            let feeds = session.subscriptions.depth.iter();
            let watching: Vec<i32> =
                feeds.filter(|(_, feed)| feed.con_id == con_id).map(|(req_id, _)| *req_id).collect();
            for req_id in watching {
                self.send_depth(now, conn, req_id);
            }
        }
    }

    /// The books that clients have are void (317), and are built anew.
    pub(super) fn reset_depth(&mut self, now: UtcNs) {
        let text = "Market depth data has been RESET. Please empty deep book contents before applying any new entries.";
        for conn in self.lines.ready() {
            let Some(session) = self.lines.sessions.get_mut(&conn) else { continue };
            let watching: Vec<i32> = session.subscriptions.depth.keys().copied().collect();
            for feed in session.subscriptions.depth.values_mut() {
                feed.sent = [Vec::new(), Vec::new()];
            }
            for req_id in watching {
                self.lines.error(now, conn, req_id, (317, text));
                self.send_depth(now, conn, req_id);
            }
        }
    }

    /// So many instruments for the login, and no more subscriptions of a session than anybody needs.
    fn takes_depth(&mut self, now: UtcNs, conn: ConnId, (req_id, con_id): (i32, ConId)) -> bool {
        let most = self.config.limits.depth;
        let mut instruments = BTreeSet::from([con_id]);
        let mut own = 0;
        for (other, session) in &self.lines.sessions {
            let kept = |id: &i32| *other != conn || *id != req_id;
            let open = session.subscriptions.depth.iter().filter(|(id, _)| kept(id));
            let before: Vec<ConId> = open.map(|(_, feed)| feed.con_id).collect();
            own += if *other == conn { before.len() } else { 0 };
            instruments.extend(before);
        }
        if instruments.len() > most {
            let text = format!("Max number ({most}) of market depth requests has been reached");
            self.lines.error(now, conn, req_id, (309, &text));
            return false;
        }
        self.takes_one_more(now, conn, (req_id, own), SUBSCRIPTIONS_MAX)
    }

    /// Sends what makes the client's book the venue's.
    fn send_depth(&mut self, now: UtcNs, conn: ConnId, req_id: i32) {
        let Some(session) = self.lines.sessions.get_mut(&conn) else { return };
        let Some(feed) = session.subscriptions.depth.get_mut(&req_id) else { return };
        let Some(levels) = self.venue.levels(feed.con_id, feed.rows) else { return };
        let Some(instrument) = self.venue.instrument(feed.con_id) else { return };
        let sent = std::mem::replace(&mut feed.sent, levels.clone());
        let smart = feed.smart;
        for ((side, old), new) in [BIDS, ASKS].into_iter().zip(sent).zip(levels) {
            for (position, operation, level) in changes(&old, &new) {
                let maker = smart.then(|| venue_of(instrument, level));
                let row = DepthRow { req_id, position, operation, side, level, maker };
                self.lines.send(now, conn, &Reply::MarketDepth(row));
            }
        }
    }
}

/// The sides on the wire.
const ASKS: i32 = 0;
const BIDS: i32 = 1;

/// What is done with a row, on the wire.
const INSERT: i32 = 0;
const UPDATE: i32 = 1;
const DELETE: i32 = 2;

/// The operations that turn one side of a book into another: rows are updated where they are, inserted behind the last
/// one and deleted from the end. Real gateways were seen to insert only while they build a book (ib_async #33), and
/// clients that shift rows at an insert come to the same book as those that overwrite them.
fn changes(have: &[Level], want: &[Level]) -> Vec<(i32, i32, Level)> {
    let both = have.iter().zip(want).enumerate().filter(|(_, (old, new))| old != new);
    let updated = both.map(|(at, (_, new))| (row(at), UPDATE, *new));
    let inserted = want.iter().enumerate().skip(have.len()).map(|(at, new)| (row(at), INSERT, *new));
    let deleted = have.iter().enumerate().skip(want.len()).rev().map(|(at, old)| (row(at), DELETE, *old));
    updated.chain(inserted).chain(deleted).collect()
}

fn row(at: usize) -> i32 {
    i32::try_from(at).unwrap_or(i32::MAX)
}

/// The same price stands at the same venue.
fn venue_of(instrument: &Instrument, level: Level) -> &str {
    let is_us_stock = instrument.sec_type == SecType::Stock && instrument.currency == "USD";
    if !is_us_stock {
        return if instrument.primary_exchange.is_empty() {
            &instrument.exchange
        } else {
            &instrument.primary_exchange
        };
    }
    let steps = (level.price / instrument.min_tick()).to_u64().unwrap_or_default();
    US_VENUES[usize::try_from(steps % US_VENUES.len() as u64).unwrap_or_default()]
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn side(prices: &[(i64, u32)]) -> Vec<Level> {
        prices.iter().map(|(price, size)| Level { price: (*price).into(), size: (*size).into() }).collect()
    }

    /// What a client does with the rows.
    fn apply(book: &mut Vec<Level>, (position, operation, level): (i32, i32, Level)) {
        let at = usize::try_from(position).unwrap();
        match operation {
            INSERT => book.insert(at, level),
            UPDATE => book[at] = level,
            _ => drop(book.remove(at)),
        }
    }

    #[test]
    fn rows_are_updated_in_place_and_come_and_go_at_the_end() {
        let (two, three) = (side(&[(10, 5), (9, 6)]), side(&[(11, 4), (9, 6), (8, 7)]));
        let operations = |old: &[Level], new: &[Level]| {
            changes(old, new).iter().map(|it| (it.0, it.1)).collect::<Vec<_>>()
        };
        assert_eq!(operations(&[], &two), [(0, INSERT), (1, INSERT)]);
        assert_eq!(operations(&two, &three), [(0, UPDATE), (2, INSERT)]);
        assert_eq!(operations(&three, &[]), [(2, DELETE), (1, DELETE), (0, DELETE)]);
    }

    fn levels() -> impl Strategy<Value = Vec<Level>> {
        prop::collection::btree_map(0..20_i64, 1..4_u32, 0..8)
            .prop_map(|rows| side(&rows.into_iter().rev().collect::<Vec<_>>()))
    }

    proptest! {
        #[test]
        fn the_rows_make_the_clients_book_the_venues_whether_inserts_shift_or_overwrite(old in levels(), new in levels()) {
            let mut book = old.clone();
            let mut by_row: BTreeMap<i32, Level> = (0..).zip(old.iter().copied()).collect();
            for change in changes(&old, &new) {
                apply(&mut book, change);
                match change {
                    (at, DELETE, _) => drop(by_row.remove(&at)),
                    (at, _, level) => drop(by_row.insert(at, level)),
                }
            }
            let by_row: Vec<Level> = by_row.into_values().collect();
            prop_assert_eq!(&by_row, &new);
            prop_assert_eq!(&book, &new);
        }
    }
}
