//! When a fault happens: by count or by time.

use std::fmt;

use super::text::parse_span;

/// When it goes wrong. Counts are from 1 and from the moment the fault was armed, as times are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// At once; for faults tied to an event: at the next one.
    Now,
    /// At the n-th event; a lasting fault begins there.
    Nth(u64),
    /// At these events, both included.
    Counts(u64, u64),
    /// After this many nanoseconds; for faults tied to an event: at the first one after that.
    After(i64),
    /// During this span, the end excluded.
    Span(i64, i64),
}

impl When {
    /// True when the moment is one of these: `seen` events so far, `elapsed` nanoseconds since it was armed.
    /// For a fault that happens once, or begins, both `Nth` and `After` mean the first chance from there on.
    pub(super) fn is_due(self, seen: u64, elapsed: i64) -> bool {
        match self {
            Self::Now => true,
            Self::Nth(nth) => seen >= nth,
            Self::Counts(first, last) => (first..=last).contains(&seen),
            Self::After(wait) => elapsed >= wait,
            Self::Span(from, to) => (from..to).contains(&elapsed),
        }
    }

    /// A single chance, as against a range of them.
    pub(super) fn is_single(self) -> bool {
        matches!(self, Self::Now | Self::Nth(_) | Self::After(_))
    }

    pub(super) fn parse(text: &str) -> Option<Self> {
        let count = |text: &str| text.parse::<u64>().ok().filter(|nth| *nth > 0);
        let Some((from, to)) = text.split_once("..") else {
            return count(text).map(Self::Nth).or_else(|| parse_span(text).map(Self::After));
        };
        if let Some(first) = count(from) {
            let last = if to.is_empty() { Some(u64::MAX) } else { count(to) };
            return last.filter(|last| *last >= first).map(|last| Self::Counts(first, last));
        }
        let (from, to) = (parse_span(from)?, parse_span(to)?);
        (to > from).then_some(Self::Span(from, to))
    }
}

impl fmt::Display for When {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Now => Ok(()),
            Self::Nth(nth) => write!(f, "@{nth}"),
            Self::Counts(first, u64::MAX) => write!(f, "@{first}.."),
            Self::Counts(first, last) => write!(f, "@{first}..{last}"),
            Self::After(wait) => write!(f, "@{}", Span(*wait)),
            Self::Span(from, to) => write!(f, "@{}..{}", Span(*from), Span(*to)),
        }
    }
}

/// Nanoseconds in their largest whole unit.
pub(crate) struct Span(pub(crate) i64);

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (unit, name) in [(1_000_000_000, "s"), (1_000_000, "ms"), (1_000, "us")] {
            if self.0 % unit == 0 {
                return write!(f, "{}{name}", self.0 / unit);
            }
        }
        write!(f, "{}us", self.0 / 1_000)
    }
}
