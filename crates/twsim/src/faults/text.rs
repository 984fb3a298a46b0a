//! The text form of a fault, for command lines and configuration.

use std::fmt;
use std::str::FromStr;

use super::{Fault, FaultKind, Request, When};

/// A text that is not a fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FaultTextError {
    /// The name is not known.
    #[error("unknown fault {name:?}; known are {}", NAMES.join(", "))]
    UnknownName {
        /// What was written.
        name: String,
    },
    /// The value does not fit the fault.
    #[error("fault {name:?} needs {wanted}, not {value:?}")]
    BadValue {
        /// The fault.
        name: String,
        /// What was written.
        value: String,
        /// What would do.
        wanted: &'static str,
    },
    /// The part after `@` is neither a count nor a time.
    #[error("fault {text:?}: after '@' comes a count from 1 (3) or a time (5s, 250ms)")]
    BadWhen {
        /// What was written.
        text: String,
    },
}

pub(super) const NAMES: [&str; 18] = [
    "drop-before-accept",
    "drop-after-accept",
    "drop-before-modify",
    "drop-after-modify",
    "drop-before-cancel",
    "drop-after-cancel",
    "swallow",
    "swallow-modify",
    "swallow-cancel",
    "reject",
    "mute",
    "disconnect",
    "delay",
    "duplicate",
    "execution-first",
    "no-status",
    "hold-client-id",
    "roll-back-ids",
];

impl FromStr for Fault {
    type Err = FaultTextError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        let (head, when) = match text.split_once('@') {
            Some((head, when)) => (head, parse_when(when).ok_or_else(|| bad_when(text))?),
            None => (text, When::Now),
        };
        let (name, value) = match head.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (head, None),
        };
        Ok(Self { kind: parse_kind(name, value)?, when })
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            FaultKind::DropBefore(request) => write!(f, "drop-before-{}", noun(request))?,
            FaultKind::DropAfter(request) => write!(f, "drop-after-{}", noun(request))?,
            FaultKind::Swallow(Request::Place) => f.write_str("swallow")?,
            FaultKind::Swallow(request) => write!(f, "swallow-{}", noun(request))?,
            FaultKind::Reject { code } => write!(f, "reject={code}")?,
            FaultKind::Mute { resume_after: None } => f.write_str("mute")?,
            FaultKind::Mute { resume_after: Some(after) } => write!(f, "mute={}", Span(after))?,
            FaultKind::Disconnect => f.write_str("disconnect")?,
            FaultKind::Delay { by } => write!(f, "delay={}", Span(by))?,
            FaultKind::Duplicate { copies } => write!(f, "duplicate={copies}")?,
            FaultKind::ExecutionFirst => f.write_str("execution-first")?,
            FaultKind::NoStatus => f.write_str("no-status")?,
            FaultKind::HoldClientId { attempts } => write!(f, "hold-client-id={attempts}")?,
            FaultKind::RollBackIds { by } => write!(f, "roll-back-ids={by}")?,
        }
        match self.when {
            When::Now => Ok(()),
            When::Nth(nth) => write!(f, "@{nth}"),
            When::After(wait) => write!(f, "@{}", Span(wait)),
        }
    }
}

fn parse_kind(name: &str, value: Option<&str>) -> Result<FaultKind, FaultTextError> {
    let bad = |wanted| FaultTextError::BadValue {
        name: name.to_owned(),
        value: value.unwrap_or_default().to_owned(),
        wanted,
    };
    let kind = match name {
        "drop-before-accept" => FaultKind::DropBefore(Request::Place),
        "drop-after-accept" => FaultKind::DropAfter(Request::Place),
        "drop-before-modify" => FaultKind::DropBefore(Request::Modify),
        "drop-after-modify" => FaultKind::DropAfter(Request::Modify),
        "drop-before-cancel" => FaultKind::DropBefore(Request::Cancel),
        "drop-after-cancel" => FaultKind::DropAfter(Request::Cancel),
        "swallow" => FaultKind::Swallow(Request::Place),
        "swallow-modify" => FaultKind::Swallow(Request::Modify),
        "swallow-cancel" => FaultKind::Swallow(Request::Cancel),
        "disconnect" => FaultKind::Disconnect,
        "execution-first" => FaultKind::ExecutionFirst,
        "no-status" => FaultKind::NoStatus,
        "reject" => {
            let code = number(value, Some(201)).ok_or_else(|| bad("an error code"))?;
            return Ok(FaultKind::Reject { code });
        }
        "mute" => {
            let resume_after = match value {
                Some(value) => Some(parse_span(value).ok_or_else(|| bad("a time, as in mute=2s"))?),
                None => None,
            };
            return Ok(FaultKind::Mute { resume_after });
        }
        "delay" => {
            let by = value.and_then(parse_span).ok_or_else(|| bad("a time, as in delay=50ms"))?;
            return Ok(FaultKind::Delay { by });
        }
        "duplicate" => {
            let copies = number(value, Some(2))
                .filter(|n| (2..=100).contains(n))
                .ok_or_else(|| bad("2 to 100 copies"))?;
            return Ok(FaultKind::Duplicate { copies });
        }
        "hold-client-id" => {
            let attempts = number(value, Some(1)).ok_or_else(|| bad("a number of attempts"))?;
            return Ok(FaultKind::HoldClientId { attempts });
        }
        "roll-back-ids" => {
            let by = number(value, Some(1)).filter(|n| *n >= 0).ok_or_else(|| bad("a number of ids"))?;
            return Ok(FaultKind::RollBackIds { by });
        }
        _ => return Err(FaultTextError::UnknownName { name: name.to_owned() }),
    };
    if value.is_some() { Err(bad("no value")) } else { Ok(kind) }
}

fn number<T: FromStr>(value: Option<&str>, default: Option<T>) -> Option<T> {
    match value {
        Some(text) => text.parse().ok(),
        None => default,
    }
}

fn parse_when(text: &str) -> Option<When> {
    match text.parse::<u64>() {
        Ok(0) => None,
        Ok(nth) => Some(When::Nth(nth)),
        Err(_) => parse_span(text).map(When::After),
    }
}

/// A number with its unit: `us`, `ms`, `s` or `m`.
fn parse_span(text: &str) -> Option<i64> {
    let split = text.find(|c: char| !c.is_ascii_digit())?;
    let count: i64 = text.get(..split)?.parse().ok()?;
    let unit = match text.get(split..)? {
        "us" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" => 60_000_000_000,
        _ => return None,
    };
    count.checked_mul(unit)
}

fn bad_when(text: &str) -> FaultTextError {
    FaultTextError::BadWhen { text: text.to_owned() }
}

fn noun(request: Request) -> &'static str {
    match request {
        Request::Place => "accept",
        Request::Modify => "modify",
        Request::Cancel => "cancel",
    }
}

/// Nanoseconds in their largest whole unit.
struct Span(i64);

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_reads_back_as_written() {
        for text in [
            "drop-before-accept@3",
            "drop-after-accept",
            "drop-after-cancel@2",
            "swallow@2",
            "swallow-cancel",
            "reject=203@4",
            "mute@5s",
            "mute=2s@3",
            "disconnect@10s",
            "delay=50ms",
            "duplicate=3",
            "execution-first",
            "no-status@5s",
            "hold-client-id=2",
            "roll-back-ids=1",
        ] {
            assert_eq!(text.parse::<Fault>().unwrap().to_string(), text);
        }
        assert_eq!("duplicate".parse::<Fault>().unwrap().kind, FaultKind::Duplicate { copies: 2 });
    }

    #[test]
    fn what_is_not_a_fault_says_what_would_be() {
        for text in ["", "explode", "delay", "delay=fast", "mute@0", "mute@soon", "swallow=3", "duplicate=1"]
        {
            assert!(text.parse::<Fault>().is_err(), "{text}");
        }
    }
}
