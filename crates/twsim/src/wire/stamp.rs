//! Date-times as the wire writes them. The gateway's own zone is UTC, so no zone database is needed.

use crate::venue::{DAY_NS, UtcNs};

/// `YYYYMMDD hh:mm:ss UTC`.
pub fn format_stamp(at: UtcNs) -> String {
    let (year, month, day) = civil_date(at);
    let second = at.rem_euclid(DAY_NS) / 1_000_000_000;
    format!("{year:04}{month:02}{day:02} {:02}:{:02}:{:02} UTC", second / 3600, second / 60 % 60, second % 60)
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

/// Reads `YYYYMMDD hh:mm:ss UTC`, `YYYYMMDD-hh:mm:ss` (UTC by definition, `Z` allowed) and a bare
/// `YYYYMMDD`. A missing zone means the gateway's, which is UTC; any other zone is unreadable.
pub fn parse_stamp(text: &str) -> Option<UtcNs> {
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
    let rest = text.get(8..)?.trim_start_matches('-').trim();
    let (clock, zone) = match rest.split_once(' ') {
        Some((clock, zone)) => (clock, zone.trim()),
        None => (rest.trim_end_matches('Z'), ""),
    };
    if !matches!(zone, "" | "UTC" | "GMT" | "Etc/UTC" | "Universal" | "Z") {
        return None;
    }
    let mut second: i64 = 0;
    if !clock.is_empty() {
        let mut parts = clock.split(':').map(str::parse::<i64>);
        for limit in [24, 60, 60] {
            let part = parts.next().unwrap_or(Ok(0)).ok().filter(|part| (0..limit).contains(part))?;
            second = second * 60 + part;
        }
    }
    Some(days * DAY_NS + second * 1_000_000_000)
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
    fn the_utc_form_and_the_bare_date_are_read_and_other_zones_are_not() {
        assert_eq!(parse_stamp("20240228-23:59:59"), parse_stamp("20240228 23:59:59 UTC"));
        assert_eq!(parse_stamp("20240228-23:59:59Z"), parse_stamp("20240228 23:59:59"));
        assert!(parse_stamp("20240228").is_some());
        assert_eq!(parse_stamp("20240230"), None);
        assert_eq!(parse_stamp("20240228 23:59:59 US/Eastern"), None);
        assert_eq!(parse_stamp("tomorrow"), None);
    }
}
