//! Times as the broker writes them, read into UTC where they can be, and never guessed (tws-behaviour.md §3.7).
//!
//! A time is `YYYYMMDD hh:mm:ss` with a zone behind it, with a dash in the middle (UTC), or bare, on the clock of the
//! gateway's host. Its zone is known by the handshake, whose text is a matter of the host's locale (§1.2).

use core::time::Duration;

use alphec_model::UtcNanos;
use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, Offset, TimeZone, TimeZoneDatabase};

/// Two clocks that show the same instant differ by less, and two zones hardly ever by as little.
const SAME_CLOCK: Duration = Duration::from_mins(5);

/// The clock on the wall of the gateway's host, as far as it is known.
#[derive(Debug, Clone, Default)]
pub(crate) struct GatewayClock(Option<TimeZone>);

impl GatewayClock {
    /// By what the handshake said: the zone, and what time it was there. Letters such as CST name several zones, so
    /// the zone counts only where that time, read in it, is the present.
    pub(crate) fn of_handshake(zone: Option<&str>, said: Option<UtcNanos>, now: UtcNanos) -> Self {
        let is_now = said.is_some_and(|said| said.since(now) < SAME_CLOCK && now.since(said) < SAME_CLOCK);
        Self(zone.filter(|_| is_now).and_then(|name| TimeZoneDatabase::bundled().get(name).ok()))
    }

    /// The instant that a text names, if it names one: not in the hour that a clock shows twice, nor in one that it
    /// skips, nor in a zone that is not known.
    pub(crate) fn read(&self, text: &str) -> Option<UtcNanos> {
        let Written { shown, zone } = Written::of(text)?;
        let (zone, letters) = match zone {
            Zone::Utc => (TimeZone::UTC, None),
            Zone::Gateway => (self.0.clone()?, None),
            // Good for the time in question where the gateway's own zone has these letters then, and else unknown.
            Zone::Letters(letters) => (self.0.clone()?, Some(letters)),
            Zone::Named(name) => (TimeZoneDatabase::bundled().get(name).ok()?, None),
        };
        let offsets = match zone.to_ambiguous_timestamp(shown).offset() {
            AmbiguousOffset::Unambiguous { offset } => vec![offset],
            AmbiguousOffset::Fold { before, after } => vec![before, after],
            AmbiguousOffset::Gap { .. } => Vec::new(),
        };
        let mut instants = offsets.into_iter().filter_map(|offset| instant(shown, offset, &zone, letters));
        let only = instants.next()?;
        instants.next().is_none().then_some(only)
    }
}

/// The instant at which a clock with this offset shows this, if the zone then goes by those letters.
fn instant(shown: DateTime, offset: Offset, zone: &TimeZone, letters: Option<&str>) -> Option<UtcNanos> {
    let at = offset.to_timestamp(shown).ok()?;
    if letters.is_some_and(|letters| zone.to_offset_info(at).abbreviation() != letters) {
        return None;
    }
    i64::try_from(at.as_nanosecond()).ok().map(UtcNanos::from_nanos)
}

/// A time as written.
struct Written<'a> {
    shown: DateTime,
    zone: Zone<'a>,
}

enum Zone<'a> {
    Utc,
    /// None is written.
    Gateway,
    /// `EST`: said of several zones, and by some gateways all year of a zone that goes by it in winter only.
    Letters(&'a str),
    /// `US/Eastern`.
    Named(&'a str),
}

impl<'a> Written<'a> {
    fn of(text: &'a str) -> Option<Self> {
        let (date, rest) = text.trim().split_at_checked(8)?;
        let dashed = rest.strip_prefix('-');
        let (clock, zone) = dashed.unwrap_or_else(|| rest.trim_start()).split_at_checked(8)?;
        let zone = match (zone.trim(), dashed.is_some()) {
            ("", true) | ("Z" | "UTC", _) => Zone::Utc,
            ("", false) => Zone::Gateway,
            // UTC by its form, and something else by its zone.
            (_, true) => return None,
            (letters, _) if letters.bytes().all(|byte| byte.is_ascii_uppercase()) => Zone::Letters(letters),
            (name, _) => Zone::Named(name),
        };
        let shown = DateTime::strptime("%Y%m%d %H:%M:%S", format!("{date} {clock}")).ok()?;
        Some(Self { shown, zone })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The clock of a gateway in this zone, whose handshake said the right time.
    fn gateway(zone: &str) -> GatewayClock {
        GatewayClock::of_handshake(Some(zone), Some(UtcNanos::EPOCH), UtcNanos::EPOCH)
    }

    fn check(clock: &GatewayClock, table: &[(&str, Option<&str>)]) {
        for (text, instant) in table {
            let instant = instant.map(|text| text.parse::<UtcNanos>().unwrap());
            assert_eq!(clock.read(text), instant, "{text}");
        }
    }

    /// tws-behaviour.md §3.7: the forms seen.
    #[test]
    fn a_time_that_names_its_zone_is_read_whatever_the_gateway_s_is() {
        let table = [
            ("20250625 03:26:59 US/Eastern", Some("2025-06-25T07:26:59Z")),
            ("20250125 03:26:59 US/Eastern", Some("2025-01-25T08:26:59Z")),
            ("20250625 03:26:59 America/New_York", Some("2025-06-25T07:26:59Z")),
            ("20250625 15:26:59 Asia/Shanghai", Some("2025-06-25T07:26:59Z")),
            ("20250625 16:26:59 Japan", Some("2025-06-25T07:26:59Z")),
            ("20250625 12:56:59 Asia/Kolkata", Some("2025-06-25T07:26:59Z")),
            ("20250625 07:26:59 UTC", Some("2025-06-25T07:26:59Z")),
            ("20230306-12:28:30", Some("2023-03-06T12:28:30Z")),
            ("20230306-12:28:30Z", Some("2023-03-06T12:28:30Z")),
        ];
        check(&GatewayClock::default(), &table);
        check(&gateway("Asia/Tokyo"), &table);
    }

    #[test]
    fn a_time_without_a_zone_is_on_the_gateway_s_clock() {
        let text = "20230224  12:04:56";
        check(&gateway("America/Chicago"), &[(text, Some("2023-02-24T18:04:56Z"))]);
        check(&gateway("Asia/Singapore"), &[(text, Some("2023-02-24T04:04:56Z"))]);
        check(&GatewayClock::default(), &[(text, None)]);
    }

    #[test]
    fn the_hour_that_comes_twice_and_the_one_that_is_skipped_are_no_instants() {
        let table = [
            ("20261101 00:59:59 US/Eastern", Some("2026-11-01T04:59:59Z")),
            ("20261101 01:00:00 US/Eastern", None),
            ("20261101 01:59:59 US/Eastern", None),
            ("20261101 02:00:00 US/Eastern", Some("2026-11-01T07:00:00Z")),
            ("20260308 01:59:59 US/Eastern", Some("2026-03-08T06:59:59Z")),
            ("20260308 02:30:00 US/Eastern", None),
            ("20260308 03:00:00 US/Eastern", Some("2026-03-08T07:00:00Z")),
            ("20261101 01:30:00 Asia/Tokyo", Some("2026-10-31T16:30:00Z")),
            ("20261101 01:30:00", None),
        ];
        check(&gateway("US/Eastern"), &table);
    }

    #[test]
    fn letters_count_where_the_gateway_s_zone_has_them_at_that_time() {
        let table = [
            ("20250625 03:26:59 EDT", Some("2025-06-25T07:26:59Z")),
            ("20250125 03:26:59 EST", Some("2025-01-25T08:26:59Z")),
            // All year EST is Panama's; in New York it may be a mistake for EDT.
            ("20250625 03:26:59 EST", None),
            // They tell the two hours apart.
            ("20261101 01:30:00 EDT", Some("2026-11-01T05:30:00Z")),
            ("20261101 01:30:00 EST", Some("2026-11-01T06:30:00Z")),
            ("20250625 03:26:59 CST", None),
        ];
        check(&gateway("America/New_York"), &table);
        check(&gateway("Asia/Shanghai"), &[("20250625 15:26:59 CST", Some("2025-06-25T07:26:59Z"))]);
        check(&GatewayClock::default(), &[("20250125 03:26:59 EST", None)]);
    }

    #[test]
    fn what_is_no_time_is_none() {
        let texts = [
            "",
            "2026",
            "20261126",
            "20261326 10:00:00 UTC",
            "20261126 25:00:00 UTC",
            "20261126 10:00 UTC",
            "20261126 10:00:00 Mars/Base",
            "20261126-10:00:00 US/Eastern",
            "ÄÖÜäöü 10:00:00",
            "20261126 10:00:0é UTC",
            "20261126 10:00:00 China Standard Time",
        ];
        check(&gateway("UTC"), &texts.map(|text| (text, None)));
    }

    #[test]
    fn a_handshake_that_is_hours_off_tells_no_zone() {
        let now: UtcNanos = "2026-11-26T15:30:00Z".parse().unwrap();
        let bare = "20261126 10:00:00";
        let (near, off) =
            (now.saturating_add(Duration::from_mins(2)), now.saturating_add(Duration::from_hours(14)));
        for (zone, said, is_known) in [
            (Some("America/Chicago"), Some(near), true),
            (Some("America/Chicago"), Some(off), false),
            (Some("America/Chicago"), Some(now.saturating_sub(Duration::from_hours(1))), false),
            (Some("America/Chicago"), None, false),
            (None, Some(now), false),
        ] {
            assert_eq!(
                GatewayClock::of_handshake(zone, said, now).read(bare).is_some(),
                is_known,
                "{zone:?} {said:?}"
            );
        }
    }
}
