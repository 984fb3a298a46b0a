//! Bars of the past, as far as the venue remembers, and the rate at which they may be asked for.

use std::collections::VecDeque;

use super::bars::{bar_price, wire_bar};
use super::orders::IMPLIED_ZONE;
use super::{ConnId, Desk};
use crate::client::BarFeed;
use crate::venue::{BarPrice, ConId, DAY_NS, Instrument, Refusal, SecType, UtcNs};
use crate::wire::{Contract, History, HistoryRequest, Reply, format_stamp, lacks_zone, parse_stamp};

const SECOND: i64 = 1_000_000_000;
const HOUR: i64 = 3_600 * SECOND;

/// Bar sizes of the API in its own words; those without a length are not served.
const BAR_SIZES: [(&str, i64); 21] = [
    ("1 secs", 0),
    ("5 secs", 5 * SECOND),
    ("10 secs", 10 * SECOND),
    ("15 secs", 15 * SECOND),
    ("30 secs", 30 * SECOND),
    ("1 min", 60 * SECOND),
    ("2 mins", 120 * SECOND),
    ("3 mins", 180 * SECOND),
    ("5 mins", 300 * SECOND),
    ("10 mins", 600 * SECOND),
    ("15 mins", 900 * SECOND),
    ("20 mins", 1_200 * SECOND),
    ("30 mins", 1_800 * SECOND),
    ("1 hour", HOUR),
    ("2 hours", 2 * HOUR),
    ("3 hours", 3 * HOUR),
    ("4 hours", 4 * HOUR),
    ("8 hours", 8 * HOUR),
    ("1 day", DAY_NS),
    ("1 week", 0),
    ("1 month", 0),
];

/// Most bars of one answer; a day of the smallest.
const BARS_MAX: usize = 17_280;
/// Most histories of a session that go on.
const OPEN_MAX: usize = 50;

/// A request that can be answered.
struct Plan {
    feed: BarFeed,
    end: UtcNs,
    duration: i64,
    /// Named in the error when there is nothing.
    name: String,
}

impl Plan {
    /// Bounds of the bars: the last one holds the end, and there are as many as the duration holds.
    fn bounds(&self, now: UtcNs) -> (UtcNs, UtcNs) {
        let size = self.feed.size;
        let count = (self.duration.saturating_add(size - 1) / size).max(1);
        let last = self.end.min(now).saturating_sub(1);
        let end = last - last.rem_euclid(size) + size;
        (end.saturating_sub(count.saturating_mul(size)), end)
    }
}

impl Desk {
    pub(super) fn history(&mut self, now: UtcNs, conn: ConnId, wanted: &HistoryRequest) {
        let req_id = wanted.req_id;
        match self.history_plan(now, conn, wanted) {
            Ok(plan) => {
                if lacks_zone(&wanted.end) {
                    self.lines.error(now, conn, req_id, (2174, IMPLIED_ZONE));
                }
                self.send_history(now, conn, (wanted, &plan));
            }
            Err(refusal) => self.refuse_request(now, conn, req_id, &refusal),
        }
    }

    fn history_plan(&mut self, now: UtcNs, conn: ConnId, wanted: &HistoryRequest) -> Result<Plan, Refusal> {
        let instrument = self.resolve(now, &wanted.query)?;
        let price = bar_price(&wanted.what)?;
        let size = bar_size(&wanted.bar_size)?;
        let name = contract_name(&instrument, &wanted.query);
        let plan = Plan {
            feed: BarFeed { con_id: instrument.con_id, price, size, epoch: wanted.date_format == 2 },
            end: end(now, wanted)?,
            duration: duration(&wanted.duration)?,
            name,
        };
        if !matches!(wanted.date_format, 1 | 2) {
            return Err(Refusal::Invalid(format!("Date format {} is not 1 or 2", wanted.date_format)));
        }
        if price == BarPrice::Trades && instrument.sec_type == SecType::Forex {
            return Err(Refusal::NoHistory(format!("No historical market data for {}", plan.name)));
        }
        let open = self.lines.sessions.get(&conn).map_or(0, |it| it.subscriptions.history.len());
        if wanted.keep_up_to_date && open >= OPEN_MAX {
            return Err(Refusal::NoHistory(format!("{OPEN_MAX} historical data requests are open")));
        }
        if self.config.history_pacing && !self.history_pace.allows(now, &Asked::of(wanted, &plan)) {
            return Err(Refusal::NoHistory("Historical data request pacing violation".to_owned()));
        }
        Ok(plan)
    }

    fn send_history(&mut self, now: UtcNs, conn: ConnId, (wanted, plan): (&HistoryRequest, &Plan)) {
        let req_id = wanted.req_id;
        let Plan { feed, end, duration, name } = plan;
        let span = plan.bounds(now);
        let found = self.venue.bars(feed.con_id, feed.price, span, (feed.size, BARS_MAX + 1));
        if found.len() > BARS_MAX {
            let refusal = Refusal::Invalid(format!("the request is for more than {BARS_MAX} bars"));
            return self.refuse_request(now, conn, req_id, &refusal);
        }
        if found.is_empty() {
            let refusal = Refusal::NoHistory(format!("HMDS query returned no data: {name} {}", wanted.what));
            return self.refuse_request(now, conn, req_id, &refusal);
        }
        let history = History {
            req_id,
            start: format_stamp(end.saturating_sub(*duration)),
            end: format_stamp(*end),
            bars: found.iter().map(|bar| wire_bar(feed, bar)).collect(),
        };
        let (start, end) = (history.start.clone(), history.end.clone());
        self.lines.send(now, conn, &Reply::HistoricalData(Box::new(history)));
        self.lines.send(now, conn, &Reply::HistoricalDataEnd { req_id, start, end });
        if wanted.keep_up_to_date
            && let Some(session) = self.lines.sessions.get_mut(&conn)
        {
            session.subscriptions.history.insert(req_id, *feed);
            self.expect_bars(now);
        }
    }

    pub(super) fn cancel_history(&mut self, now: UtcNs, conn: ConnId, req_id: i32) {
        let Some(session) = self.lines.sessions.get_mut(&conn) else { return };
        if session.subscriptions.history.remove(&req_id).is_none() {
            let text = format!("No historical data query found for ticker id:{req_id}");
            self.lines.error(now, conn, req_id, (366, &text));
        }
    }
}

fn contract_name(instrument: &Instrument, query: &Contract) -> String {
    let exchange = query.exchange.as_deref().filter(|text| !text.is_empty()).unwrap_or(&instrument.exchange);
    format!("{}@{exchange}", instrument.symbol)
}

fn bar_size(text: &str) -> Result<i64, Refusal> {
    match BAR_SIZES.iter().find(|(name, _)| *name == text) {
        Some((_, 0)) => Err(Refusal::Invalid(format!(
            "bars of {text} are not served by the simulator; 5 secs to 1 day are"
        ))),
        Some((_, size)) => Ok(*size),
        None => {
            let legal: Vec<&str> = BAR_SIZES.iter().map(|(name, _)| *name).collect();
            Err(Refusal::Invalid(format!(
                "Historical data bar size setting is invalid. Legal ones are: {}",
                legal.join(", ")
            )))
        }
    }
}

/// A number and one of S, D, W, M, Y; more than a day of seconds must be written as days.
fn duration(text: &str) -> Result<i64, Refusal> {
    let invalid = || Refusal::Invalid(format!("Invalid duration '{text}'"));
    let (number, unit) = text.split_once(' ').ok_or_else(invalid)?;
    let number: i64 =
        number.parse().ok().filter(|number| (1..=86_400).contains(number)).ok_or_else(invalid)?;
    let unit = match unit {
        "S" => SECOND,
        "D" => DAY_NS,
        "W" => 7 * DAY_NS,
        "M" => 30 * DAY_NS,
        "Y" => 365 * DAY_NS,
        _ => return Err(invalid()),
    };
    number.checked_mul(unit).ok_or_else(invalid)
}

fn end(now: UtcNs, wanted: &HistoryRequest) -> Result<UtcNs, Refusal> {
    match (wanted.end.trim(), wanted.keep_up_to_date) {
        ("", _) => Ok(now),
        (_, true) => Err(Refusal::Invalid("a history that goes on has no end date".to_owned())),
        (text, false) => parse_stamp(text).ok_or_else(|| Refusal::BadEnd(text.to_owned())),
    }
}

/// A request as the rate sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Asked {
    con_id: ConId,
    price: BarPrice,
    size: i64,
    duration: i64,
    end: String,
}

impl Asked {
    fn of(wanted: &HistoryRequest, plan: &Plan) -> Self {
        let BarFeed { con_id, price, size, .. } = plan.feed;
        Self { con_id, price, size, duration: plan.duration, end: wanted.end.clone() }
    }
}

/// Largest bar that counts as small.
const SMALL: i64 = 30 * SECOND;
/// How far back requests count, and how many there may be.
const WINDOW: (i64, usize) = (600 * SECOND, 60);
/// The same request again before this is too soon.
const AGAIN: i64 = 15 * SECOND;
/// So many for one price of one instrument in so short a time are too many.
const BURST: (i64, usize) = (2 * SECOND, 6);

/// Requests for small bars in the last ten minutes, of all clients: the limit is the login's. Bounded by the limit.
#[derive(Debug, Default)]
pub(super) struct HistoryPace {
    asked: VecDeque<(UtcNs, Asked)>,
}

impl HistoryPace {
    /// Counts a request; false when it comes too soon.
    fn allows(&mut self, now: UtcNs, wanted: &Asked) -> bool {
        if wanted.size > SMALL {
            return true;
        }
        while self.asked.front().is_some_and(|(at, _)| now - at >= WINDOW.0) {
            self.asked.pop_front();
        }
        let again = self.asked.iter().any(|(at, asked)| now - at < AGAIN && asked == wanted);
        let alike = |asked: &Asked| asked.con_id == wanted.con_id && asked.price == wanted.price;
        let burst = self.asked.iter().filter(|(at, asked)| now - at < BURST.0 && alike(asked)).count();
        if again || burst + 1 >= BURST.1 || self.asked.len() >= WINDOW.1 {
            return false;
        }
        self.asked.push_back((now, wanted.clone()));
        true
    }
}
