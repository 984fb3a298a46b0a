//! Date-times as the wire writes them. The gateway's own zone is UTC; a client may write any zone that has a name in
//! the zone database, which is compiled in.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::{TimeZone, TimeZoneDatabase};

use crate::venue::{DAY_NS, UtcNs};

/// `YYYYMMDD hh:mm:ss UTC`.
pub fn format_stamp(at: UtcNs) -> String {
    let (year, month, day) = civil_date(at);
    let second = at.rem_euclid(DAY_NS) / 1_000_000_000;
    format!("{year:04}{month:02}{day:02} {:02}:{:02}:{:02} UTC", second / 3600, second / 60 % 60, second % 60)
}

/// `YYYYMMDD hh:mm:ss ZONE` on the clock of a zone by that name. A name that no zone has, of which gateways send many,
/// stands beside the time in UTC.
pub fn format_stamp_in(at: UtcNs, zone: &str) -> String {
    let local = named_zone(zone).and_then(|known| {
        let at = Timestamp::from_nanosecond(i128::from(at)).ok()?;
        Some(at.to_zoned(known).strftime("%Y%m%d %H:%M:%S").to_string())
    });
    let utc = || format_stamp(at).trim_end_matches(" UTC").to_owned();
    format!("{} {zone}", local.unwrap_or_else(utc))
}

/// `YYYY-MM-DDThh:mm:ss.nnnnnnnnnZ`, for records.
pub fn format_instant(at: UtcNs) -> String {
    let (year, month, day) = civil_date(at);
    let ns = at.rem_euclid(DAY_NS);
    let second = ns / 1_000_000_000;
    format!(
        "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}.{:09}Z",
        second / 3600,
        second / 60 % 60,
        second % 60,
        ns % 1_000_000_000
    )
}

/// Reads `YYYY-MM-DDThh:mm:ss[.fraction]Z`, in UTC.
pub fn parse_instant(text: &str) -> Option<UtcNs> {
    let (date, clock) = text.strip_suffix('Z')?.split_once('T')?;
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, "0"));
    let whole = date.len() == 10 && clock.len() == 8;
    let digits = !fraction.is_empty() && fraction.len() <= 9 && fraction.bytes().all(|b| b.is_ascii_digit());
    let ns: i64 = format!("{fraction:0<9}").parse().ok().filter(|_| whole && digits)?;
    Some(parse_stamp(&format!("{}-{clock}", date.replace('-', "")))? + ns)
}

/// Reads `YYYYMMDD hh:mm:ss ZONE`, `YYYYMMDD-hh:mm:ss` (UTC by definition, `Z` allowed) and a bare `YYYYMMDD`. A
/// missing zone means the gateway's, which is UTC. A time that a zone has twice is the first of the two, one that it
/// skips is as much later (tws-behaviour 3.7). A zone without a name in the database is unreadable.
pub fn parse_stamp(text: &str) -> Option<UtcNs> {
    let Parts { days, second, zone, .. } = Parts::of(text)?;
    let in_utc = days * DAY_NS + second * 1_000_000_000;
    if matches!(zone, "" | "UTC" | "GMT" | "Etc/UTC" | "Universal" | "Z") {
        return Some(in_utc);
    }
    let zone = named_zone(zone)?;
    let wall_clock = wall_clock(in_utc)?;
    let zoned = zone.to_ambiguous_zoned(wall_clock).compatible().ok()?;
    i64::try_from(zoned.timestamp().as_nanosecond()).ok()
}

/// True when a date-time that can be read leaves its zone to the gateway, which warns of it (2174).
pub fn lacks_zone(text: &str) -> bool {
    Parts::of(text).is_some_and(|parts| parts.zone.is_empty() && !parts.is_utc_form)
}

/// A date-time as written.
struct Parts<'a> {
    days: i64,
    second: i64,
    zone: &'a str,
    /// With a dash between date and time.
    is_utc_form: bool,
}

impl<'a> Parts<'a> {
    fn of(text: &'a str) -> Option<Self> {
        let text = text.trim();
        let date = text.get(..8)?;
        if !date.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let days = days_from_civil(
            date.get(..4)?.parse().ok()?,
            date.get(4..6)?.parse().ok()?,
            date.get(6..)?.parse().ok()?,
        )?;
        let rest = text.get(8..)?;
        let is_utc_form = rest.starts_with('-');
        let rest = rest.trim_start_matches('-').trim();
        let (clock, zone) = match rest.split_once(' ') {
            Some((clock, zone)) => (clock, zone.trim()),
            None if rest.ends_with('Z') => (rest.trim_end_matches('Z'), "Z"),
            None => (rest, ""),
        };
        Some(Self { days, second: second_of(clock)?, zone, is_utc_form })
    }
}

/// Second of the day of `hh[:mm[:ss]]`; midnight when there is no time.
fn second_of(clock: &str) -> Option<i64> {
    let mut second: i64 = 0;
    if !clock.is_empty() {
        let mut parts = clock.split(':').map(str::parse::<i64>);
        for limit in [24, 60, 60] {
            let part = parts.next().unwrap_or(Ok(0)).ok().filter(|part| (0..limit).contains(part))?;
            second = second * 60 + part;
        }
    }
    Some(second)
}

/// By the name that the zone database has, such as `US/Eastern`, or the usual letters of the US zones.
fn named_zone(name: &str) -> Option<TimeZone> {
    let name = match name {
        "EST" | "EDT" | "ET" => "US/Eastern",
        "CST" | "CDT" | "CT" => "US/Central",
        "MST" | "MDT" | "MT" => "US/Mountain",
        "PST" | "PDT" | "PT" => "US/Pacific",
        other => other,
    };
    TimeZoneDatabase::bundled().get(name).ok()
}

fn wall_clock(in_utc: UtcNs) -> Option<DateTime> {
    Some(Timestamp::from_nanosecond(i128::from(in_utc)).ok()?.to_zoned(TimeZone::UTC).datetime())
}

/// Year, month and day in UTC.
pub fn civil_date(at: UtcNs) -> (i64, i64, i64) {
    // Days since 1 March of year 0, in eras of 400 years: leap days then fall at the end of each year.
    let days = at.div_euclid(DAY_NS) + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

fn days_from_civil(year: i64, month: i64, day: i64) -> Option<i64> {
    if !(1970..2200).contains(&year) || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let shifted_year = year - i64::from(month <= 2);
    let era = shifted_year.div_euclid(400);
    let year_of_era = shifted_year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + of_year;
    let days = era * 146_097 + of_era - 719_468;
    // The 31st of a shorter month lands in the next one.
    (civil_date(days * DAY_NS) == (year, month, day)).then_some(days)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stamps_read_back_as_written() {
        for at in [0, 951_782_400, 1_709_164_799, 1_763_870_277, 4_102_444_800_i64] {
            let at = at * 1_000_000_000;
            assert_eq!(parse_stamp(&format_stamp(at)), Some(at), "{}", format_stamp(at));
        }
        assert_eq!(format_stamp(1_709_164_799 * 1_000_000_000), "20240228 23:59:59 UTC");
    }

    #[test]
    fn instants_read_back_as_written_to_the_nanosecond() {
        for at in [0, 951_782_400_000_000_001, 1_709_164_799_120_000_000, 4_102_444_800_999_999_999_i64] {
            assert_eq!(parse_instant(&format_instant(at)), Some(at), "{}", format_instant(at));
        }
        assert_eq!(format_instant(1_709_164_799_500_000_000), "2024-02-28T23:59:59.500000000Z");
        assert_eq!(parse_instant("2024-02-28T23:59:59Z"), Some(1_709_164_799_000_000_000));
        for text in ["2024-02-28", "2024-02-28T23:59:59", "2024-02-28T23:59Z", "2024-02-30T00:00:00Z", "Z"] {
            assert_eq!(parse_instant(text), None, "{text}");
        }
    }

    #[test]
    fn the_utc_form_and_the_bare_date_are_read_and_nonsense_is_not() {
        assert_eq!(parse_stamp("20240228-23:59:59"), parse_stamp("20240228 23:59:59 UTC"));
        assert_eq!(parse_stamp("20240228-23:59:59Z"), parse_stamp("20240228 23:59:59"));
        assert!(parse_stamp("20240228").is_some());
        for text in ["20240230", "tomorrow", "20240228 23:59:59 Mars/Base", "20240228 24:00:00 UTC"] {
            assert_eq!(parse_stamp(text), None, "{text}");
        }
    }

    /// Section 3.7: other zones, and the two days of the year on which a clock says one time twice or skips one.
    #[test]
    fn times_of_other_zones_are_read_on_their_own_clock() {
        let table = [
            ("20261126 15:30:00 US/Eastern", "20261126 20:30:00 UTC"),
            ("20260726 15:30:00 US/Eastern", "20260726 19:30:00 UTC"),
            ("20261126 15:30:00 EST", "20261126 20:30:00 UTC"),
            ("20261126 09:30:00 Europe/Berlin", "20261126 08:30:00 UTC"),
            ("20261127 00:30:00 Asia/Tokyo", "20261126 15:30:00 UTC"),
            // Twice on the first of November: the first of the two.
            ("20261101 01:30:00 US/Eastern", "20261101 05:30:00 UTC"),
            ("20261101 02:30:00 US/Eastern", "20261101 07:30:00 UTC"),
            // Never on the eighth of March: an hour later.
            ("20260308 02:30:00 US/Eastern", "20260308 07:30:00 UTC"),
        ];
        for (text, utc) in table {
            assert_eq!(parse_stamp(text).map(format_stamp).as_deref(), Some(utc), "{text}");
        }
    }

    #[test]
    fn a_clock_in_another_zone_reads_back_and_an_unknown_name_stands_beside_utc() {
        let at = 1_795_707_000 * 1_000_000_000;
        assert_eq!(format_stamp(at), "20261126 15:30:00 UTC");
        assert_eq!(format_stamp_in(at, "US/Eastern"), "20261126 10:30:00 US/Eastern");
        assert_eq!(parse_stamp(&format_stamp_in(at, "US/Eastern")), Some(at));
        assert_eq!(format_stamp_in(at, "China Standard Time"), "20261126 15:30:00 China Standard Time");
    }

    #[test]
    fn only_the_plain_form_can_lack_a_zone() {
        for (text, lacks) in [
            ("20261126 15:30:00", true),
            ("20261126", true),
            ("20261126-15:30:00", false),
            ("20261126 15:30:00 US/Eastern", false),
            ("20261126 15:30:00Z", false),
            ("never", false),
        ] {
            assert_eq!(lacks_zone(text), lacks, "{text}");
        }
    }
}
