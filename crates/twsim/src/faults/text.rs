//! The text form of a fault, for command lines, scenario files and the control port.

use std::fmt;
use std::str::FromStr;

use super::args::{Arg, Args};
use super::draw::WHOLE;
use super::near::nearest;
use super::{Fault, Knob, Row, TABLE, When};

/// Where all names are written down.
pub const NAMES_ARE_IN: &str =
    "`alphec-exec sim --list-faults` and docs/simulator-behaviours.md list them all";

/// A text that is not a fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FaultTextError {
    /// The name is not known.
    #[error("unknown fault {name:?}{}; {NAMES_ARE_IN}", suggestion(*.nearest))]
    UnknownName {
        /// What was written.
        name: String,
        /// What may have been meant.
        nearest: Option<&'static str>,
    },
    /// The fault has no such parameter.
    #[error("fault {name:?} has no parameter {key:?}{}; it takes {takes}", suggestion(*.nearest))]
    UnknownKey {
        /// The fault.
        name: &'static str,
        /// What was written.
        key: String,
        /// What may have been meant.
        nearest: Option<&'static str>,
        /// What it has.
        takes: String,
    },
    /// The value does not fit the parameter.
    #[error("fault {name:?} needs {wanted}, not {value:?}")]
    BadValue {
        /// The fault.
        name: String,
        /// What was written.
        value: String,
        /// What would do.
        wanted: String,
    },
    /// The part after `@` is neither a count nor a time.
    #[error(
        "fault {text:?}: after '@' comes a count from 1 (3), a time (5s, 250ms) or a range of either (3..5, 5s..9s)"
    )]
    BadWhen {
        /// What was written.
        text: String,
    },
    /// The part after `%` is no probability.
    #[error("fault {text:?}: after '%' comes a probability from 0 to 100 in per cent (30, 0.5)")]
    BadProbability {
        /// What was written.
        text: String,
    },
    /// A bracket or a quote is not closed, or something follows the bracket.
    #[error("fault {text:?}: write it as NAME(KEY=VALUE, …)@WHEN%PROBABILITY")]
    BadShape {
        /// What was written.
        text: String,
    },
}

fn suggestion(nearest: Option<&'static str>) -> String {
    nearest.map(|name| format!(", did you mean {name:?}?")).unwrap_or_default()
}

impl FromStr for Fault {
    type Err = FaultTextError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        let (head, tail) = split_head(text);
        let (when, ppm) = parse_tail(text, tail)?;
        let shape = || FaultTextError::BadShape { text: text.to_owned() };
        let (row, args) = if let Some((name, inside)) = head.split_once('(') {
            let row = row(name)?;
            let inside = inside.strip_suffix(')').ok_or_else(shape)?;
            (row, parse_args(row, inside).ok_or_else(shape)??)
        } else if let Some((name, value)) = head.split_once('=') {
            let row = row(name)?;
            (row, Args(vec![main_arg(row, unquote(value))?]))
        } else {
            (row(head)?, Args::default())
        };
        for param in row.params {
            if param.default == REQUIRED && args.get(param.name).is_none() {
                return Err(bad_value(row, "", &param.wanted()));
            }
        }
        Ok(Self { knob: row.knob, args, when, ppm })
    }
}

/// Marks a parameter that has no default.
pub(super) const REQUIRED: &str = "!";

/// Cuts off `@…` and `%…`, which may not stand inside brackets or quotes.
fn split_head(text: &str) -> (&str, &str) {
    let (mut depth, mut quoted) = (0_u32, false);
    for (at, letter) in text.char_indices() {
        match letter {
            '"' => quoted = !quoted,
            '(' if !quoted => depth += 1,
            ')' if !quoted => depth = depth.saturating_sub(1),
            '@' | '%' if !quoted && depth == 0 => return text.split_at(at),
            _ => {}
        }
    }
    (text, "")
}

fn parse_tail(text: &str, tail: &str) -> Result<(When, Option<u32>), FaultTextError> {
    let (at, percent) = match tail.split_once('%') {
        Some((at, percent)) => (at, Some(percent)),
        None => (tail, None),
    };
    let when = match at.strip_prefix('@') {
        Some(when) => {
            When::parse(when.trim()).ok_or_else(|| FaultTextError::BadWhen { text: text.to_owned() })?
        }
        None => When::Now,
    };
    let ppm = match percent {
        Some(percent) => Some(
            parse_percent(percent.trim())
                .ok_or_else(|| FaultTextError::BadProbability { text: text.to_owned() })?,
        ),
        None => None,
    };
    Ok((when, ppm))
}

/// Per cent with up to four decimals, as millionths.
fn parse_percent(text: &str) -> Option<u32> {
    let percent = rust_decimal::Decimal::from_str_exact(text).ok()?;
    let ppm = percent.checked_mul(rust_decimal::Decimal::from(WHOLE / 100))?;
    u32::try_from(ppm).ok().filter(|it| *it <= WHOLE && ppm.fract().is_zero())
}

fn row(name: &str) -> Result<&'static Row, FaultTextError> {
    let name = name.trim();
    TABLE.iter().find(|row| row.name == name || row.aliases().contains(&name)).ok_or_else(|| {
        let names = TABLE.iter().flat_map(|row| row.aliases().iter().copied().chain([row.name]));
        FaultTextError::UnknownName { name: name.to_owned(), nearest: nearest(name, names) }
    })
}

impl Knob {
    /// The fault of this name.
    ///
    /// # Errors
    /// There is none; the nearest that there is, if one is near.
    pub fn named(name: &str) -> Result<Self, FaultTextError> {
        row(name).map(|row| row.knob)
    }
}

/// The value after `=`: the first parameter.
fn main_arg(row: &'static Row, value: &str) -> Result<(&'static str, Arg), FaultTextError> {
    let Some(param) = row.params.first() else { return Err(bad_value(row, value, "no value")) };
    let arg = param.read(value).ok_or_else(|| bad_value(row, value, &param.wanted()))?;
    Ok((param.name, arg))
}

/// The inside of the brackets; `None` when a quote is not closed.
fn parse_args(row: &'static Row, inside: &str) -> Option<Result<Args, FaultTextError>> {
    let pieces = split_list(inside)?;
    let mut args = Args::default();
    for piece in pieces {
        let parsed = match piece.split_once('=') {
            Some((key, value)) => keyed_arg(row, key.trim(), unquote(value.trim())),
            None => main_arg(row, unquote(piece)),
        };
        match parsed {
            Ok(arg) => args.0.push(arg),
            Err(error) => return Some(Err(error)),
        }
    }
    Some(Ok(args))
}

fn keyed_arg(row: &'static Row, key: &str, value: &str) -> Result<(&'static str, Arg), FaultTextError> {
    let param = row.all_params().find(|param| param.name == key).ok_or_else(|| {
        let known: Vec<&'static str> = row.all_params().map(|param| param.name).collect();
        FaultTextError::UnknownKey {
            name: row.name,
            key: key.to_owned(),
            nearest: nearest(key, known.iter().copied()),
            takes: known.join(", "),
        }
    })?;
    let arg = param.read(value).ok_or_else(|| bad_value(row, value, &param.wanted()))?;
    Ok((param.name, arg))
}

/// Splits at commas outside quotes.
fn split_list(inside: &str) -> Option<Vec<&str>> {
    let (mut pieces, mut start, mut quoted) = (Vec::new(), 0, false);
    for (at, letter) in inside.char_indices() {
        match letter {
            '"' => quoted = !quoted,
            ',' if !quoted => {
                pieces.push(inside[start..at].trim());
                start = at + 1;
            }
            _ => {}
        }
    }
    pieces.push(inside[start..].trim());
    (!quoted).then(|| pieces.into_iter().filter(|piece| !piece.is_empty()).collect())
}

fn unquote(text: &str) -> &str {
    text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(text)
}

fn bad_value(row: &Row, value: &str, wanted: &str) -> FaultTextError {
    FaultTextError::BadValue { name: row.name.to_owned(), value: value.to_owned(), wanted: wanted.to_owned() }
}

/// A number with its unit: `us`, `ms`, `s`, `m` or `h`.
pub(crate) fn parse_span(text: &str) -> Option<i64> {
    let split = text.find(|c: char| !c.is_ascii_digit())?;
    let count: i64 = text.get(..split)?.parse().ok()?;
    let unit = match text.get(split..)? {
        "us" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" => 60_000_000_000,
        "h" => 3_600_000_000_000,
        _ => return None,
    };
    count.checked_mul(unit)
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let row = self.knob.row();
        f.write_str(row.name)?;
        match self.args.0.as_slice() {
            [] => {}
            [(name, arg)] if row.params.first().is_some_and(|param| param.name == *name) => {
                write!(f, "={arg}")?;
            }
            args => {
                let list: Vec<String> = args.iter().map(|(name, arg)| format!("{name}={arg}")).collect();
                write!(f, "({})", list.join(", "))?;
            }
        }
        self.when.fmt(f)?;
        if let Some(ppm) = self.ppm {
            let percent = rust_decimal::Decimal::from(ppm) / rust_decimal::Decimal::from(WHOLE / 100);
            write!(f, "%{}", percent.normalize())?;
        }
        Ok(())
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
            "half-open@5s",
            "half-open=2s@3",
            "half-open@30s..40s",
            "disconnect@10s",
            "delay=50ms",
            "duplicate=3",
            "execution-first",
            "no-status@5s",
            "hold-client-id=2",
            "roll-back-ids=1",
            "reject(code=201, text=\"not, (today)\", client=7)@2..5%30",
            "swallow@3..%0.5",
            "cancel-late=never",
        ] {
            assert_eq!(text.parse::<Fault>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn old_spellings_are_still_read() {
        assert_eq!("mute=2s@3".parse::<Fault>().unwrap(), "half-open=2s@3".parse().unwrap());
        assert_eq!("duplicate".parse::<Fault>().unwrap().int("copies"), 2);
        assert_eq!("reject".parse::<Fault>().unwrap().int("code"), 201);
    }

    #[test]
    fn every_name_in_the_table_is_a_fault() {
        for row in TABLE {
            let needed: Vec<String> = row
                .params
                .iter()
                .filter(|param| param.default == REQUIRED)
                .map(|param| format!("{}=1s", param.name))
                .collect();
            let text = format!("{}({})", row.name, needed.join(","));
            assert_eq!(text.parse::<Fault>().unwrap().knob, row.knob, "{text}");
            for param in row.params.iter().filter(|param| !matches!(param.default, "" | REQUIRED)) {
                assert!(param.read(param.default).is_some(), "{}: default of {}", row.name, param.name);
            }
        }
    }

    #[test]
    fn what_is_not_a_fault_says_what_would_be() {
        for text in [
            "",
            "explode",
            "delay",
            "delay=fast",
            "mute@0",
            "mute@soon",
            "no-status=3",
            "duplicate=1",
            "reject(code=201",
            "reject(cod=201)",
            "reject%101",
            "reject%-1",
            "swallow@5..3",
            "reject(text=\"a)",
        ] {
            assert!(text.parse::<Fault>().is_err(), "{text}");
        }
        let error = "halfopen".parse::<Fault>().unwrap_err().to_string();
        assert!(error.contains("did you mean \"half-open\"?") && error.contains("--list-faults"), "{error}");
        let error = "reject(cod=201)".parse::<Fault>().unwrap_err().to_string();
        assert!(error.contains("did you mean \"code\"?"), "{error}");
    }
}
