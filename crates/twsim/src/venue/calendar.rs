//! When an instrument trades: regular hours, and the longer ones around them, on the exchange's own clock.
//!
//! Summer time is the exchange's: a session opens at the same wall clock all year. The zones are compiled in, so
//! that every machine opens at the same instant.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use jiff::civil::{Date, Time, Weekday};
use jiff::tz::{TimeZone, TimeZoneDatabase};
use jiff::{Timestamp, ToSpan};

use super::instrument::SecType;
use super::types::UtcNs;

/// Days that are looked through for the next session; more in a row are no calendar.
const HORIZON_DAYS: i64 = 40;

/// Days whose hours contract details list.
const LISTED_DAYS: i64 = 6;

const MINUTE_NS: i64 = 60 * 1_000_000_000;

/// An opening and a closing time. One that opens later than it closes opened the evening before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Hours {
    open: Time,
    close: Time,
}

/// What a market is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Nothing trades.
    Closed,
    /// Only orders for outside regular hours trade.
    Extended,
    /// Everything trades.
    Regular,
}

impl Phase {
    /// True when an order trades now that was placed with or without `outsideRth`.
    pub fn serves(self, outside_rth: bool) -> bool {
        match self {
            Self::Closed => false,
            Self::Extended => outside_rth,
            Self::Regular => true,
        }
    }
}

/// The trading hours of one instrument, Monday to Friday.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Calendar {
    zone: TimeZone,
    zone_name: Arc<str>,
    regular: Hours,
    extended: Option<Hours>,
    holidays: BTreeSet<Date>,
}

/// Why a text describes no trading hours.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CalendarError {
    /// It has another form.
    #[error("`{0}` is not written as 09:30-16:00@US/Eastern or 09:30-16:00/04:00-20:00@US/Eastern")]
    Form(String),
    /// There is no such zone.
    #[error("`{0}` is no time zone")]
    Zone(String),
    /// The hours around the regular ones do not hold them.
    #[error("the longer hours `{0}` do not hold the regular ones")]
    Nesting(String),
    /// No such day.
    #[error("`{0}` is no day of the form 20261225")]
    Day(String),
}

impl Calendar {
    /// The hours that an instrument of this type has in the US, holidays left out.
    pub fn usual(sec_type: SecType) -> Result<Self, CalendarError> {
        match sec_type {
            SecType::Stock => "09:30-16:00/04:00-20:00@US/Eastern",
            SecType::Option | SecType::Bag => "09:30-16:00@US/Eastern",
            SecType::Future => "08:30-16:00/17:00-16:00@US/Central",
            SecType::Forex => "17:15-17:00@US/Eastern",
        }
        .parse()
    }

    /// Closed on this day too, written `YYYYMMDD`.
    pub fn holiday(mut self, day: &str) -> Result<Self, CalendarError> {
        let read = Date::strptime("%Y%m%d", day).map_err(|_| CalendarError::Day(day.to_owned()))?;
        self.holidays.insert(read);
        Ok(self)
    }

    /// Name of the exchange's time zone.
    pub fn zone(&self) -> &str {
        &self.zone_name
    }

    /// What the market is doing at an instant.
    pub fn phase_at(&self, at: UtcNs) -> Phase {
        let is_in = |hours: Hours| self.sessions(hours, at).any(|(open, close)| (open..close).contains(&at));
        if is_in(self.regular) {
            Phase::Regular
        } else if self.extended.is_some_and(is_in) {
            Phase::Extended
        } else {
            Phase::Closed
        }
    }

    /// The next instant after `at` at which the phase changes.
    pub fn next_change(&self, at: UtcNs) -> Option<UtcNs> {
        let kinds = [Some(self.regular), self.extended];
        let all = kinds.into_iter().flatten().flat_map(|hours| self.sessions(hours, at));
        all.flat_map(|(open, close)| [open, close]).filter(|bell| *bell > at).min()
    }

    /// The next instant after `at` at which an order begins to trade that was placed with or without `outsideRth`.
    pub fn next_open(&self, at: UtcNs, outside_rth: bool) -> Option<UtcNs> {
        let hours = self.extended.filter(|_| outside_rth).unwrap_or(self.regular);
        self.sessions(hours, at).map(|(open, _)| open).find(|open| *open > at)
    }

    /// The end of the regular session that `at` is in.
    pub fn close_of(&self, at: UtcNs) -> Option<UtcNs> {
        let mut sessions = self.sessions(self.regular, at);
        sessions.find_map(|(open, close)| (open..close).contains(&at).then_some(close))
    }

    /// True when there are hours around the regular ones.
    pub fn has_extended(&self) -> bool {
        self.extended.is_some()
    }

    /// The regular hours of the coming days as contract details list them.
    pub fn liquid_hours(&self, at: UtcNs) -> String {
        self.listed(self.regular, at)
    }

    /// All hours of the coming days as contract details list them.
    pub fn trading_hours(&self, at: UtcNs) -> String {
        self.listed(self.extended.unwrap_or(self.regular), at)
    }

    /// An instant on the exchange's clock, as warnings name it.
    pub fn local_text(&self, at: UtcNs) -> String {
        let clock =
            timestamp(at).map(|at| at.to_zoned(self.zone.clone()).strftime("%Y-%m-%d %H:%M:%S").to_string());
        format!("{} {}", clock.unwrap_or_default(), self.zone_name)
    }

    /// The sessions of the days from the one before `at` on, in order.
    fn sessions(&self, hours: Hours, at: UtcNs) -> impl Iterator<Item = (UtcNs, UtcNs)> {
        let today = self.date_at(at);
        (-1..=HORIZON_DAYS).filter_map(move |ahead| self.session(hours, today?.saturating_add(ahead.days())))
    }

    /// The session that belongs to a trading day, if it is one.
    fn session(&self, hours: Hours, day: Date) -> Option<(UtcNs, UtcNs)> {
        let is_weekend = matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday);
        if is_weekend || self.holidays.contains(&day) {
            return None;
        }
        Some((self.instant(hours.opens_on(day), hours.open)?, self.instant(day, hours.close)?))
    }

    /// Where the clocks are put forward, the instant that the skipped time would have been.
    fn instant(&self, day: Date, time: Time) -> Option<UtcNs> {
        let zoned = self.zone.to_ambiguous_zoned(day.to_datetime(time)).compatible().ok()?;
        i64::try_from(zoned.timestamp().as_nanosecond()).ok()
    }

    fn date_at(&self, at: UtcNs) -> Option<Date> {
        Some(timestamp(at)?.to_zoned(self.zone.clone()).date())
    }

    fn listed(&self, hours: Hours, at: UtcNs) -> String {
        let Some(today) = self.date_at(at) else { return String::new() };
        let day_text = |ahead: i64| {
            let day = today.saturating_add(ahead.days());
            match self.session(hours, day) {
                None => format!("{}:CLOSED", day.strftime("%Y%m%d")),
                Some(_) => format!(
                    "{}:{}-{}:{}",
                    hours.opens_on(day).strftime("%Y%m%d"),
                    hours.open.strftime("%H%M"),
                    day.strftime("%Y%m%d"),
                    hours.close.strftime("%H%M")
                ),
            }
        };
        (0..LISTED_DAYS).map(day_text).collect::<Vec<_>>().join(";")
    }
}

/// How long before the auction orders for it are taken (NYSE: 10 minutes at the close, 2 at the open).
pub(super) const CLOSE_CUT_OFF_NS: i64 = 10 * MINUTE_NS;
pub(super) const OPEN_CUT_OFF_NS: i64 = 2 * MINUTE_NS;

impl Hours {
    fn read(text: &str) -> Option<Self> {
        let (open, close) = text.split_once('-')?;
        let time = |text: &str| Time::strptime("%H:%M", text.trim()).ok();
        let hours = Self { open: time(open)?, close: time(close)? };
        (hours.open != hours.close).then_some(hours)
    }

    fn opens_on(self, day: Date) -> Date {
        if self.open < self.close { day } else { day.saturating_sub(1.day()) }
    }

    /// Minutes from the midnight before the day of the close, which is negative for the evening before.
    fn minutes(self) -> (i32, i32) {
        let of = |time: Time| i32::from(time.hour()) * 60 + i32::from(time.minute());
        let evening = if self.open < self.close { 0 } else { 24 * 60 };
        (of(self.open) - evening, of(self.close))
    }

    fn holds(self, inner: Self) -> bool {
        let ((open, close), (inner_open, inner_close)) = (self.minutes(), inner.minutes());
        open <= inner_open && inner_close <= close
    }
}

/// `09:30-16:00@US/Eastern`, or with the longer hours `09:30-16:00/04:00-20:00@US/Eastern`.
impl FromStr for Calendar {
    type Err = CalendarError;

    fn from_str(text: &str) -> Result<Self, CalendarError> {
        let form = || CalendarError::Form(text.to_owned());
        let (hours, zone_name) = text.trim().split_once('@').ok_or_else(form)?;
        let zone = TimeZoneDatabase::bundled()
            .get(zone_name)
            .map_err(|_| CalendarError::Zone(zone_name.to_owned()))?;
        let (regular, extended) = match hours.split_once('/') {
            Some((regular, extended)) => (regular, Some(Hours::read(extended).ok_or_else(form)?)),
            None => (hours, None),
        };
        let regular = Hours::read(regular).ok_or_else(form)?;
        if extended.is_some_and(|longer| !longer.holds(regular)) {
            return Err(CalendarError::Nesting(text.to_owned()));
        }
        Ok(Self { zone, zone_name: zone_name.into(), regular, extended, holidays: BTreeSet::new() })
    }
}

impl fmt::Display for Calendar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let span =
            |hours: Hours| format!("{}-{}", hours.open.strftime("%H:%M"), hours.close.strftime("%H:%M"));
        f.write_str(&span(self.regular))?;
        if let Some(extended) = self.extended {
            write!(f, "/{}", span(extended))?;
        }
        write!(f, "@{}", self.zone_name)
    }
}

fn timestamp(at: UtcNs) -> Option<Timestamp> {
    Timestamp::from_nanosecond(i128::from(at)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::parse_stamp;

    fn at(text: &str) -> UtcNs {
        parse_stamp(text).unwrap()
    }

    fn calendar(text: &str) -> Calendar {
        text.parse().unwrap()
    }

    #[test]
    fn a_session_opens_at_the_same_wall_clock_in_summer_and_in_winter() {
        let stocks = Calendar::usual(SecType::Stock).unwrap();
        // The Friday before the clocks were put back, and the Monday after it.
        assert_eq!(stocks.next_open(at("20261030-00:00:00"), false), Some(at("20261030-13:30:00")));
        assert_eq!(stocks.next_open(at("20261031-00:00:00"), false), Some(at("20261102-14:30:00")));
        assert_eq!(stocks.next_open(at("20261031-00:00:00"), true), Some(at("20261102-09:00:00")));
    }

    #[test]
    fn the_phase_changes_at_each_bell_and_nowhere_else() {
        let stocks = Calendar::usual(SecType::Stock).unwrap();
        let mut now = at("20261127-00:00:00");
        let mut seen = Vec::new();
        for _ in 0..5 {
            let bell = stocks.next_change(now).unwrap();
            assert_eq!(stocks.phase_at(bell - 1), stocks.phase_at(now));
            seen.push((crate::wire::format_stamp(bell), stocks.phase_at(bell)));
            now = bell;
        }
        let expected = [
            ("20261127 01:00:00 UTC", Phase::Closed),
            ("20261127 09:00:00 UTC", Phase::Extended),
            ("20261127 14:30:00 UTC", Phase::Regular),
            ("20261127 21:00:00 UTC", Phase::Extended),
            ("20261128 01:00:00 UTC", Phase::Closed),
        ];
        assert_eq!(seen, expected.map(|(text, phase)| (text.to_owned(), phase)));
    }

    #[test]
    fn a_future_opens_the_evening_before_and_rests_over_the_weekend() {
        let future = Calendar::usual(SecType::Future).unwrap();
        assert_eq!(future.phase_at(at("20261129-22:59:59")), Phase::Closed);
        assert_eq!(future.phase_at(at("20261129-23:00:00")), Phase::Extended);
        assert_eq!(future.phase_at(at("20261130-14:30:00")), Phase::Regular);
        assert_eq!(future.phase_at(at("20261130-22:00:00")), Phase::Closed);
        assert_eq!(
            future.trading_hours(at("20261127-12:00:00")),
            "20261126:1700-20261127:1600;20261128:CLOSED;20261129:CLOSED;20261129:1700-20261130:1600;\
             20261130:1700-20261201:1600;20261201:1700-20261202:1600"
        );
    }

    #[test]
    fn a_holiday_is_closed_and_a_skipped_hour_still_opens() {
        let stocks = Calendar::usual(SecType::Stock).unwrap().holiday("20261225").unwrap();
        assert_eq!(stocks.next_open(at("20261224-20:00:00"), false), Some(at("20261228-14:30:00")));
        assert!(stocks.liquid_hours(at("20261224-20:00:00")).contains(";20261225:CLOSED;"));
        // 02:30 on 28 March 2027 does not exist in Berlin, but that is a Sunday: the Monday before and after.
        let odd = calendar("02:30-10:00@Europe/Berlin");
        assert_eq!(odd.next_open(at("20270327-00:00:00"), false), Some(at("20270329-00:30:00")));
        assert_eq!(odd.local_text(at("20270329-00:30:00")), "2027-03-29 02:30:00 Europe/Berlin");
    }

    #[test]
    fn hours_read_back_as_written_and_bad_ones_are_named() {
        for text in ["09:30-16:00@US/Eastern", "08:30-16:00/17:00-16:00@US/Central"] {
            assert_eq!(calendar(text).to_string(), text);
        }
        for text in ["", "09:30-16:00", "9-16@UTC", "09:30-09:30@UTC", "09:30-25:00@UTC", "09:30/10:00@UTC"] {
            assert!(matches!(text.parse::<Calendar>(), Err(CalendarError::Form(_))), "{text}");
        }
        assert!(matches!("09:30-16:00@Mars/Base".parse::<Calendar>(), Err(CalendarError::Zone(_))));
        let narrow = "09:30-16:00/10:00-20:00@UTC".parse::<Calendar>();
        assert!(matches!(narrow, Err(CalendarError::Nesting(_))));
        assert!(calendar("09:30-16:00@UTC").holiday("christmas").is_err());
    }
}
