//! Bars as they happen: five-second ones, and those that go on after a history.

use rust_decimal::Decimal;

use super::{ConnId, Desk};
use crate::client::BarFeed;
use crate::venue::{BarPrice, PriceBar, Refusal, SLOT_NS, SecType, UtcNs};
use crate::wire::{Bar, LiveBarsRequest, Reply, civil_date, format_stamp};

/// Bars made up for when time jumps; the others are skipped, so that one late wake stays cheap.
const CATCH_UP: i64 = 64;

impl Desk {
    pub(super) fn live_bars(&mut self, now: UtcNs, conn: ConnId, wanted: &LiveBarsRequest) {
        let req_id = wanted.req_id;
        match self.live_feed(now, wanted) {
            Err(refusal) => self.refuse_request(now, conn, req_id, &refusal),
            Ok(feed) if self.takes_line(now, conn, (req_id, feed.con_id)) => {
                let Some(session) = self.lines.sessions.get_mut(&conn) else { return };
                session.subscriptions.live_bars.insert(req_id, feed);
                self.expect_bars(now);
            }
            Ok(_) => {}
        }
    }

    fn live_feed(&mut self, now: UtcNs, wanted: &LiveBarsRequest) -> Result<BarFeed, Refusal> {
        let instrument = self.resolve(now, &wanted.query)?;
        let price = bar_price(&wanted.what)?;
        if price == BarPrice::Trades && instrument.sec_type == SecType::Forex {
            return Err(Refusal::Invalid("TRADES of a currency pair do not exist".to_owned()));
        }
        // The size is read and not used: there is only one.
        Ok(BarFeed { con_id: instrument.con_id, price, size: SLOT_NS, epoch: true })
    }

    pub(super) fn cancel_live_bars(&mut self, now: UtcNs, conn: ConnId, req_id: i32) {
        let Some(session) = self.lines.sessions.get_mut(&conn) else { return };
        if session.subscriptions.live_bars.remove(&req_id).is_none() {
            self.lines.error(now, conn, req_id, (300, &format!("Can't find EId with tickerId:{req_id}")));
        }
    }

    /// Sees to it that bars are sent when the present slot ends.
    pub(super) fn expect_bars(&mut self, now: UtcNs) {
        self.bars_at.get_or_insert(now - now.rem_euclid(SLOT_NS) + SLOT_NS);
    }

    /// Sends the bars of every slot that ended.
    pub(super) fn send_due_bars(&mut self, now: UtcNs) {
        while let Some(due) = self.bars_at.filter(|due| *due <= now) {
            let missed = (now - due) / SLOT_NS;
            let due = due + (missed - CATCH_UP).max(0) * SLOT_NS;
            let wanted = self.send_bars(now, due);
            self.bars_at = wanted.then_some(due + SLOT_NS);
        }
    }

    /// Sends what ended at `due`. False when nobody wants bars any more.
    fn send_bars(&mut self, now: UtcNs, due: UtcNs) -> bool {
        let mut any = false;
        for conn in self.lines.ready() {
            let Some(session) = self.lines.sessions.get(&conn) else { continue };
            let copy = |feeds: &std::collections::BTreeMap<i32, BarFeed>| -> Vec<(i32, BarFeed)> {
                feeds.iter().map(|(req_id, feed)| (*req_id, *feed)).collect()
            };
            let live = copy(&session.subscriptions.live_bars);
            let history = copy(&session.subscriptions.history);
            any |= !live.is_empty() || !history.is_empty();
            for (req_id, feed) in live {
                if let Some(bar) = self.bar_at(&feed, due) {
                    let seconds = bar.start / 1_000_000_000;
                    let bar = Box::new(wire_bar(&feed, &bar));
                    self.lines.send(now, conn, &Reply::RealTimeBar { req_id, seconds, bar });
                }
            }
            for (req_id, feed) in history {
                if let Some(bar) = self.bar_at(&feed, due) {
                    let bar = Box::new(wire_bar(&feed, &bar));
                    self.lines.send(now, conn, &Reply::HistoricalUpdate { req_id, bar });
                }
            }
        }
        any
    }

    /// The bar that the slot which ended at `due` belongs to, up to that instant.
    fn bar_at(&self, feed: &BarFeed, due: UtcNs) -> Option<PriceBar> {
        let slot = due - SLOT_NS;
        let start = slot - slot.rem_euclid(feed.size);
        self.venue.bars(feed.con_id, feed.price, (start, due), (feed.size, 1)).pop()
    }
}

/// Which price a word means.
pub(super) fn bar_price(word: &str) -> Result<BarPrice, Refusal> {
    match word {
        "TRADES" => Ok(BarPrice::Trades),
        "MIDPOINT" => Ok(BarPrice::Midpoint),
        "BID" => Ok(BarPrice::Bid),
        "ASK" => Ok(BarPrice::Ask),
        other => Err(Refusal::Invalid(format!(
            "What to show '{other}' is not served by the simulator; TRADES, MIDPOINT, BID and ASK are"
        ))),
    }
}

/// Only trades have a volume; the others say −1, as the broker does.
pub(super) fn wire_bar(feed: &BarFeed, bar: &PriceBar) -> Bar {
    let traded = feed.price == BarPrice::Trades;
    let none = Decimal::NEGATIVE_ONE;
    Bar {
        date: bar_date(feed, bar.start),
        open: bar.open,
        high: bar.high,
        low: bar.low,
        close: bar.close,
        volume: if traded { bar.volume } else { none },
        average: if traded { bar.average.round_dp(6).normalize() } else { none },
        count: if traded { i32::try_from(bar.count).unwrap_or(i32::MAX) } else { -1 },
    }
}

/// Whole days are dates in every format.
fn bar_date(feed: &BarFeed, start: UtcNs) -> String {
    if feed.size >= crate::venue::DAY_NS {
        let (year, month, day) = civil_date(start);
        format!("{year:04}{month:02}{day:02}")
    } else if feed.epoch {
        (start / 1_000_000_000).to_string()
    } else {
        format_stamp(start)
    }
}
