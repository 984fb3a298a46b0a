//! When the gateway restarts, by its own clock: `23:45-23:56@America/New_York`.

use std::fmt;
use std::str::FromStr;

use alphec_engine::core::Mode;
use alphec_model::UtcNanos;
use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};

use super::profile::Profile;

/// How many days of windows are worked out at a start: longer than a gateway or a process lives.
const DAYS: i32 = 800;

/// So long before a restart sending stops: what left until then has been answered when it comes (`reliability.md` §4.4).
const LEAD: SignedDuration = SignedDuration::from_secs(90);

/// A daily span in which the gateway restarts. In it, and in the minute and a half before it, nothing new is sent.
///
/// Gateways restart at 23:45 by the clock of their own host unless told otherwise, and orders written in the same
/// second vanish without an error (`tws-behaviour.md` §1.7). Write when the gateway restarts: the time before is added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RestartWindow {
    from: Time,
    until: Time,
    zone: TimeZone,
    text: String,
}

impl RestartWindow {
    /// When nothing new is sent, around and after `now`, in order, each as two instants: the windows, each with the time
    /// before it. Summer time is in them.
    #[must_use]
    pub fn upcoming(&self, now: UtcNanos) -> Vec<(UtcNanos, UtcNanos)> {
        let Ok(now) = Timestamp::from_nanosecond(i128::from(now.as_nanos())) else { return Vec::new() };
        let today = now.to_zoned(self.zone.clone()).date();
        let instant = |date: Date, time: Time| {
            date.to_datetime(time).to_zoned(self.zone.clone()).ok().map(|zoned| zoned.timestamp())
        };
        let window = |offset: i32| {
            let from_day = today.checked_add(offset.days()).ok()?;
            // One that ends before it begins ends on the next day.
            let until_day = if self.until <= self.from { from_day.tomorrow().ok()? } else { from_day };
            // Between instants: by the clock on the wall it could be another length where summer time begins or ends.
            let from = instant(from_day, self.from)?.checked_sub(LEAD).ok()?;
            Some((nanos(from)?, nanos(instant(until_day, self.until)?)?))
        };
        (-1..DAYS).filter_map(window).collect()
    }
}

impl Profile {
    /// Live, and not told when the gateway restarts: what is sent in that moment vanishes without an error.
    #[must_use]
    pub fn lacks_restart_windows(&self) -> bool {
        self.mode == Mode::Live && self.restart_windows.is_empty()
    }
}

fn nanos(at: Timestamp) -> Option<UtcNanos> {
    i64::try_from(at.as_nanosecond()).ok().map(UtcNanos::from_nanos)
}

impl fmt::Display for RestartWindow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

impl FromStr for RestartWindow {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let shape = || format!("`{text}` is no window; write it like \"23:45-23:56@America/New_York\"");
        let (times, zone) = text.split_once('@').ok_or_else(shape)?;
        let (from, until) = times.split_once('-').ok_or_else(shape)?;
        let time = |text: &str| text.parse::<Time>().map_err(|_| shape());
        let (from, until) = (time(from)?, time(until)?);
        if from == until {
            return Err(format!("`{text}` begins and ends at the same time"));
        }
        let zone = TimeZone::get(zone).map_err(|_| format!("`{zone}` is no time zone known here"))?;
        Ok(Self { from, until, zone, text: text.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> UtcNanos {
        text.parse().unwrap()
    }

    #[test]
    fn a_window_follows_the_gateways_own_clock_through_summer_time() {
        let window: RestartWindow = "23:45-23:56@America/New_York".parse().unwrap();
        let windows = window.upcoming(at("2026-03-07T12:00:00Z"));
        // Clocks there go forward on 8 March 2026.
        assert_eq!(windows[1], (at("2026-03-08T04:43:30Z"), at("2026-03-08T04:56:00Z")));
        assert_eq!(windows[2], (at("2026-03-09T03:43:30Z"), at("2026-03-09T03:56:00Z")));
        assert!(windows.is_sorted() && windows.len() > 700);
    }

    #[test]
    fn a_window_over_midnight_that_began_yesterday_is_among_them() {
        let window: RestartWindow = "23:55-00:10@UTC".parse().unwrap();
        let now = at("2026-03-07T00:05:00Z");
        assert!(window.upcoming(now).iter().any(|(from, until)| *from <= now && now < *until));
    }

    #[test]
    fn sending_stops_a_minute_and_a_half_before_a_window_also_where_that_is_the_day_before() {
        let window: RestartWindow = "00:01-00:10@UTC".parse().unwrap();
        let windows = window.upcoming(at("2026-03-06T23:59:29Z"));
        let is_in = |now| windows.iter().any(|(from, until)| *from <= now && now < *until);
        let table = [
            ("2026-03-06T23:59:29Z", false),
            ("2026-03-06T23:59:30Z", true),
            ("2026-03-07T00:01:00Z", true),
            ("2026-03-07T00:09:59Z", true),
            ("2026-03-07T00:10:00Z", false),
        ];
        for (now, expected) in table {
            assert_eq!(is_in(at(now)), expected, "{now}");
        }
    }

    #[test]
    fn where_the_clocks_are_changed_just_before_a_window_it_is_a_minute_and_a_half_of_real_time() {
        // At two o'clock the clocks go on to three on 8 March 2026, and back to one on 1 November.
        for (text, now, expected) in [
            ("03:00-03:10@America/New_York", "2026-03-08T00:00:00Z", "2026-03-08T06:58:30Z"),
            ("02:00-02:10@America/New_York", "2026-11-01T00:00:00Z", "2026-11-01T06:58:30Z"),
        ] {
            let windows = text.parse::<RestartWindow>().unwrap().upcoming(at(now));
            assert!(windows.iter().any(|(from, _)| *from == at(expected)), "{text}: {:?}", &windows[..3]);
        }
    }

    #[test]
    fn what_is_no_window_is_refused_with_its_text() {
        for text in
            ["", "23:45", "23:45@UTC", "23:45-23:45@UTC", "24:61-23:00@UTC", "23:45-23:50@Mars/Olympus"]
        {
            assert!(text.parse::<RestartWindow>().is_err(), "{text}");
        }
    }
}
