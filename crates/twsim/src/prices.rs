//! Scripted prices of any number of instruments, from CSV.
//!
//! ```text
//! time,symbol,bid,ask,bid_size,ask_size,last
//! 0,AAPL,229.99,230.01,500,300,230.00
//! 1.5,AAPL,230.00,230.02,,,
//! ```
//!
//! `time` is in seconds after the opening, or a UTC instant (`2026-11-25T14:30:00.250Z`), of which the earliest
//! in the file is the opening. Only the first four columns are needed; an empty price is a side without a
//! market. Nothing is guessed: a row that cannot be read names its line.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use crate::venue::{PricePath, Quote};
use crate::wire::parse_stamp;

/// A CSV of quotes that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {what}")]
pub struct PricesError {
    /// The line, counted from 1 with the header.
    pub line: u64,
    /// What is wrong with it.
    pub what: String,
}

/// Most rows of a file.
const ROWS_MAX: usize = 10_000_000;
/// The longest script: a year.
const SECONDS_MAX: i64 = 366 * 86_400;
const NANOS: i64 = 1_000_000_000;

/// Reads quotes of any number of symbols.
///
/// # Errors
/// The first line that cannot be read, and why.
pub fn parse_csv(text: &str) -> Result<BTreeMap<String, PricePath>, PricesError> {
    let mut reader =
        csv::ReaderBuilder::new().trim(csv::Trim::All).flexible(true).from_reader(text.as_bytes());
    let header = reader.headers().map_err(|error| unreadable(&error))?.clone();
    let columns = Columns::of(&header)?;
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|error| unreadable(&error))?;
        let line = record.position().map_or(0, |position| line_of(text, position));
        let row = columns.row(&record).map_err(|what| PricesError { line, what })?;
        rows.push((line, row));
        if rows.len() > ROWS_MAX {
            return Err(PricesError { line, what: format!("more than {ROWS_MAX} rows") });
        }
    }
    in_paths(rows)
}

fn in_paths(rows: Vec<(u64, Row)>) -> Result<BTreeMap<String, PricePath>, PricesError> {
    let instants = rows.iter().filter_map(|(_, row)| match row.time {
        Time::Instant(at) => Some(at),
        Time::After(_) => None,
    });
    let opening = instants.min();
    let mut points: BTreeMap<String, Vec<(i64, Quote)>> = BTreeMap::new();
    for (line, Row { time, symbol, quote }) in rows {
        let after = match (time, opening) {
            (Time::After(after), None) => after,
            (Time::Instant(at), Some(opening)) => at.saturating_sub(opening),
            _ => {
                let what = "seconds after the opening and instants are mixed in one file".to_owned();
                return Err(PricesError { line, what });
            }
        };
        points.entry(symbol).or_default().push((after, quote));
    }
    Ok(points.into_iter().map(|(symbol, points)| (symbol, PricePath::new(points))).collect())
}

enum Time {
    After(i64),
    Instant(i64),
}

struct Row {
    time: Time,
    symbol: String,
    quote: Quote,
}

/// Where in a row each field is.
struct Columns {
    time: usize,
    symbol: usize,
    bid: usize,
    ask: usize,
    bid_size: Option<usize>,
    ask_size: Option<usize>,
    last: Option<usize>,
}

impl Columns {
    fn of(header: &csv::StringRecord) -> Result<Self, PricesError> {
        const KNOWN: [&str; 7] = ["time", "symbol", "bid", "ask", "bid_size", "ask_size", "last"];
        let wrong = |what| PricesError { line: 1, what };
        if let Some(other) = header.iter().find(|name| !KNOWN.contains(name)) {
            return Err(wrong(format!("unknown column {other:?}; the columns are {}", KNOWN.join(","))));
        }
        let find = |name: &str| header.iter().position(|found| found == name);
        let need = |name: &str| find(name).ok_or_else(|| wrong(format!("there is no column {name:?}")));
        Ok(Self {
            time: need("time")?,
            symbol: need("symbol")?,
            bid: need("bid")?,
            ask: need("ask")?,
            bid_size: find("bid_size"),
            ask_size: find("ask_size"),
            last: find("last"),
        })
    }

    fn row(&self, record: &csv::StringRecord) -> Result<Row, String> {
        let text = |at: usize| record.get(at).unwrap_or_default();
        let price = |at: usize, name: &str| number(text(at), name);
        let size = |at: Option<usize>, name: &str| -> Result<Decimal, String> {
            let size = at.map_or(Ok(None), |at| number(text(at), name))?;
            let size = size.unwrap_or(Decimal::ONE_HUNDRED);
            if size > Decimal::ZERO { Ok(size) } else { Err(format!("{name} {size} is not above zero")) }
        };
        let symbol = text(self.symbol);
        if symbol.is_empty() {
            return Err("it names no symbol".to_owned());
        }
        let (bid, ask) = (price(self.bid, "bid")?, price(self.ask, "ask")?);
        if let (Some(bid), Some(ask)) = (bid, ask)
            && bid >= ask
        {
            return Err(format!("bid {bid} is not below ask {ask}"));
        }
        let last = self.last.map_or(Ok(None), |at| price(at, "last"))?;
        let (bid_size, ask_size) = (size(self.bid_size, "bid_size")?, size(self.ask_size, "ask_size")?);
        let last_size = bid_size.min(Decimal::ONE_HUNDRED);
        let quote = Quote { bid, ask, last: last.or(bid).or(ask), bid_size, ask_size, last_size };
        Ok(Row { time: time(text(self.time))?, symbol: symbol.to_owned(), quote })
    }
}

fn number(text: &str, name: &str) -> Result<Option<Decimal>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|_| format!("{name} {text:?} is not a number"))
}

fn time(text: &str) -> Result<Time, String> {
    if let Ok(seconds) = text.parse::<Decimal>() {
        let nanos = seconds.checked_mul(Decimal::from(NANOS)).and_then(|nanos| nanos.to_i64());
        return nanos
            .filter(|nanos| (0..=SECONDS_MAX * NANOS).contains(nanos))
            .map(Time::After)
            .ok_or_else(|| format!("time {text} is not between 0 and {SECONDS_MAX} seconds"));
    }
    instant(text).map(Time::Instant).ok_or_else(|| {
        format!("time {text:?} is neither seconds nor an instant like 2026-11-25T14:30:00.250Z")
    })
}

/// `YYYY-MM-DDTHH:MM:SS[.fraction]Z`.
fn instant(text: &str) -> Option<i64> {
    let (date, clock) = text.strip_suffix('Z')?.split_once('T')?;
    let (whole, fraction) = clock.split_once('.').unwrap_or((clock, ""));
    let stamp = format!("{}-{whole}", date.replace('-', ""));
    let at = parse_stamp(&stamp)?;
    if fraction.len() > 9 || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let nanos: i64 = if fraction.is_empty() { 0 } else { format!("{fraction:0<9}").parse().ok()? };
    at.checked_add(nanos)
}

/// The reader's position of a row is before the empty lines in front of it.
fn line_of(text: &str, position: &csv::Position) -> u64 {
    let at = usize::try_from(position.byte()).unwrap_or(usize::MAX);
    let rest = text.as_bytes().get(at..).unwrap_or_default();
    let empty = rest.iter().take_while(|byte| matches!(byte, b'\n' | b'\r')).filter(|byte| **byte == b'\n');
    position.line().saturating_add(u64::try_from(empty.count()).unwrap_or(0))
}

fn unreadable(error: &csv::Error) -> PricesError {
    let line = error.position().map_or(0, csv::Position::line);
    PricesError { line, what: error.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "time,symbol,bid,ask,bid_size,ask_size,last\n";

    #[test]
    fn a_file_becomes_a_path_for_each_symbol() {
        let text = format!(
            "{HEADER}1.5,AAPL,230.00,230.02,,,\n0,AAPL,229.99,230.01,500,300,230.00\n0,ES,,5800,1,2,\n"
        );
        let paths = parse_csv(&text).unwrap();
        let aapl = paths["AAPL"].points();
        assert_eq!(aapl.iter().map(|(after, _)| *after).collect::<Vec<_>>(), [0, 1_500_000_000]);
        assert_eq!(aapl[0].1.ask_size, Decimal::from(300));
        assert_eq!(aapl[0].1.last, Some("230.00".parse().unwrap()));
        assert_eq!(paths["ES"].points()[0].1.bid, None, "nobody bids");
    }

    #[test]
    fn the_earliest_instant_of_a_file_is_the_opening() {
        let text = "time,symbol,bid,ask\n2026-11-25T14:30:01.25Z,A,1,2\n2026-11-25T14:30:00Z,A,1,2\n";
        let paths = parse_csv(text).unwrap();
        let times: Vec<i64> = paths["A"].points().iter().map(|(after, _)| *after).collect();
        assert_eq!(times, [0, 1_250_000_000]);
    }

    #[test]
    fn a_bad_row_names_its_line_and_what_is_wrong() {
        let table = [
            ("0,AAPL,1,2\nx,AAPL,1,2", 3, "time \"x\""),
            ("0,AAPL,1,2\n\n1,AAPL,1.x,2", 4, "bid \"1.x\" is not a number"),
            ("0,AAPL,2,2", 2, "bid 2 is not below ask 2"),
            ("0,,1,2", 2, "names no symbol"),
            ("-1,AAPL,1,2", 2, "time -1"),
            ("0,AAPL,1,2,0", 2, "bid_size 0 is not above zero"),
            ("0,A,1,2\n2026-11-25T14:30:00Z,A,1,2", 2, "mixed"),
        ];
        for (rows, line, what) in table {
            let error = parse_csv(&format!("{HEADER}{rows}\n")).unwrap_err();
            assert_eq!(error.line, line, "{rows}: {error}");
            assert!(error.what.contains(what), "{rows}: {error}");
        }
        let error = parse_csv("time,symbol,bid,offer\n").unwrap_err();
        assert!(error.to_string().contains("line 1: unknown column \"offer\""), "{error}");
        let error = parse_csv("time,symbol,bid\n").unwrap_err();
        assert!(error.what.contains("no column \"ask\""), "{error}");
    }
}
