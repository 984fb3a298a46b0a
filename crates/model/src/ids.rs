//! Identifiers, each its own type, so that one cannot be passed for another.

use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use smol_str::SmolStr;

/// Text that cannot be an identifier.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no {kind}: use 1 to {max} printable ASCII characters without spaces")]
pub struct IdError {
    /// What it was to be.
    pub kind: &'static str,
    /// The longest text allowed.
    pub max: usize,
    /// The text as given.
    pub text: String,
}

macro_rules! text_id {
    ($(#[$meta:meta])* $name:ident, $kind:literal, $max:literal) => {
        $(#[$meta])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "SmolStr", into = "SmolStr")]
        pub struct $name(SmolStr);

        impl $name {
            /// Takes the text as it is.
            ///
            /// # Errors
            /// [`IdError`] unless it is printable ASCII without spaces, of a length in range.
            pub fn new(text: impl AsRef<str>) -> Result<Self, IdError> {
                let text = text.as_ref();
                let fits = (1..=$max).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
                if fits {
                    Ok(Self(SmolStr::new(text)))
                } else {
                    Err(IdError { kind: $kind, max: $max, text: text.to_owned() })
                }
            }

            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                self.0.as_str()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.0.as_str())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }

        impl FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                Self::new(text)
            }
        }

        impl TryFrom<SmolStr> for $name {
            type Error = IdError;
            fn try_from(text: SmolStr) -> Result<Self, IdError> {
                Self::new(text)
            }
        }

        impl From<$name> for SmolStr {
            fn from(value: $name) -> SmolStr {
                value.0
            }
        }
    };
}

macro_rules! number_id {
    ($(#[$meta:meta])* $name:ident, $inner:ty) => {
        $(#[$meta])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name($inner);

        impl $name {
            /// Takes the number as it is.
            #[must_use]
            pub const fn new(value: $inner) -> Self {
                Self(value)
            }

            /// The number.
            #[must_use]
            pub const fn get(self) -> $inner {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }
    };
}

text_id!(
    /// Ours: the idempotency key of an order. Never reused.
    ClientOrderId, "client order id", 64
);
text_id!(
    /// Whose idea an order was.
    StrategyId, "strategy id", 64
);
text_id!(
    /// Ties together every record of one piece of work, across systems.
    CorrelationId, "correlation id", 64
);
text_id!(
    /// A brokerage account, such as `DU1234567`.
    AccountId, "account id", 32
);
text_id!(
    /// Our name for an instrument, unique in a profile, such as `AAPL` or `ES-2026-12`.
    InstrumentId, "instrument id", 48
);
text_id!(
    /// The broker's name for one execution, such as `00025b46.63f8f39c.01.01`.
    ExecId, "execution id", 96
);
text_id!(
    /// Identifies one journal for life; part of every [`OrderRef`] it gives out.
    LogId, "log id", 16
);
text_id!(
    /// Our identity at the broker: travels in the broker's free-text order reference and is
    /// echoed on open orders, completed orders and executions for the order's life.
    OrderRef, "order reference", 64
);

number_id!(
    /// The API handle of an order: unique only together with the API client id.
    BrokerOrderId, i32
);
number_id!(
    /// The broker's durable order id, unique in the account. Wire 0 means "none yet" and is never one.
    PermId, i64
);
number_id!(
    /// The broker's contract id. Wire 0 means "not resolved" and is never one.
    ConId, i32
);
number_id!(
    /// The client id of one API connection.
    ApiClientId, i32
);
number_id!(
    /// A journal sequence number: 1, 2, 3, … without a gap.
    Seq, u64
);
number_id!(
    /// Counts connections of one process life; evidence from an older one is never a complete list.
    Generation, u64
);

impl Seq {
    /// The one after.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl ExecId {
    /// What a correction shares with the execution it replaces: all but the last dot group.
    #[must_use]
    pub fn base(&self) -> &str {
        self.as_str().rsplit_once('.').map_or(self.as_str(), |(base, _)| base)
    }

    /// The last dot group as a number; 0 when there is none (then it has no corrections).
    #[must_use]
    pub fn revision(&self) -> u32 {
        self.as_str().rsplit_once('.').and_then(|(_, last)| last.parse().ok()).unwrap_or(0)
    }
}

/// What a reference of ours says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IntentName {
    /// The journal that gave it out.
    pub log: LogId,
    /// Which intent of that journal.
    pub number: u64,
    /// The first 50 bits of the SHA-256 of the intent's terms. Two copies of one journal give the same number
    /// to different orders; this tells them apart. Absent in references of the first form.
    pub print: Option<u64>,
}

impl OrderRef {
    /// The reference of the `number`-th intent of journal `log`, whose terms are this text.
    ///
    /// The form is `ax2.<log>.<number>.<print>.<check>`, print and check in base 32 (RFC 4648); nothing in it is
    /// secret or telling (`reliability.md` §4.4). Orders of older journals carry `ax1.<log>.<number>.<check>`.
    #[must_use]
    pub fn of_intent(log: &LogId, number: u64, terms: &str) -> Self {
        let digest = Sha256::digest(terms.as_bytes());
        let print: String = print_of(&digest).into_iter().collect();
        let text = format!("ax2.{log}.{number}.{print}");
        let check = check_character(&text);
        Self(SmolStr::from(format!("{text}.{check}")))
    }

    /// What this reference says; `None` for anyone else's text.
    #[must_use]
    pub fn intent(&self) -> Option<IntentName> {
        let (text, check) = self.as_str().rsplit_once('.')?;
        let (form, rest) = text.split_once('.')?;
        let (rest, print) = match form {
            "ax1" => (rest, None),
            "ax2" => rest.rsplit_once('.').map(|(rest, print)| Some((rest, Some(print_in(print)?))))??,
            _ => return None,
        };
        let (log, number) = rest.rsplit_once('.')?;
        let (number, log) = (number.parse().ok()?, LogId::new(log).ok()?);
        (check == check_character(text).to_string()).then_some(IntentName { log, number, print })
    }
}

const BASE_32: [char; 32] = [
    'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm', 'n', 'o', 'p', 'q', 'r', 's', 't', 'u',
    'v', 'w', 'x', 'y', 'z', '2', '3', '4', '5', '6', '7',
];

/// Ten characters of five bits each.
const PRINT_LENGTH: usize = 10;

fn print_of(digest: &[u8]) -> [char; PRINT_LENGTH] {
    let bits = digest.iter().take(8).fold(0_u64, |bits, byte| (bits << 8) | u64::from(*byte));
    core::array::from_fn(|place| {
        let shift = 59_usize.saturating_sub(place.saturating_mul(5));
        let index = usize::try_from((bits >> shift) & 31).unwrap_or(0);
        BASE_32.get(index).copied().unwrap_or('a')
    })
}

fn print_in(text: &str) -> Option<u64> {
    let value = |character| BASE_32.iter().position(|known| *known == character);
    let mut bits = 0_u64;
    for character in text.chars() {
        bits = (bits << 5) | u64::try_from(value(character)?).ok()?;
    }
    (text.len() == PRINT_LENGTH).then_some(bits)
}

/// One base-32 character over the text; catches an edited reference.
fn check_character(text: &str) -> char {
    let sum = text.bytes().fold(7_u32, |sum, byte| sum.wrapping_mul(31).wrapping_add(u32::from(byte)));
    let index = usize::try_from(sum % 31).unwrap_or(0);
    BASE_32.get(index).copied().unwrap_or('a')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_correction_shares_the_base_and_raises_the_revision() {
        let first = ExecId::new("00025b46.63f8f39c.01.01").unwrap();
        let second = ExecId::new("00025b46.63f8f39c.01.02").unwrap();
        assert_eq!(first.base(), second.base());
        assert_eq!((first.revision(), second.revision()), (1, 2));
    }

    #[test]
    fn an_order_reference_round_trips_and_an_edited_one_is_not_ours() {
        let log = LogId::new("k3f9q2aa").unwrap();
        let reference = OrderRef::of_intent(&log, 42, "buy 1");
        let IntentName { log: named, number, print } = reference.intent().unwrap();
        assert_eq!((named, number, print.is_some()), (log, 42, true));
        for text in ["", "my order", "ax1.k3f9q2aa.43.", "ax1.k3f9q2aa.42", "ax3.k3f9q2aa.42.aaaaaaaaaa.a"] {
            assert_eq!(OrderRef::new(text).ok().and_then(|reference| reference.intent()), None, "{text}");
        }
        for (from, to) in [(".42.", ".43."), ("ax2.", "ax1."), ("k3f9", "k3f8")] {
            let edited = OrderRef::new(reference.as_str().replace(from, to)).unwrap();
            assert_eq!(edited.intent(), None, "{edited}");
        }
    }

    #[test]
    fn the_same_number_for_other_terms_is_another_reference() {
        let log = LogId::new("k3f9q2aa").unwrap();
        let [one, other] = ["buy 1", "buy 2"].map(|terms| OrderRef::of_intent(&log, 42, terms));
        assert_ne!(one.intent().unwrap().print, other.intent().unwrap().print);
        assert_eq!(one, OrderRef::of_intent(&log, 42, "buy 1"));
    }

    #[test]
    fn the_longest_reference_fits() {
        let log = LogId::new("x".repeat(16)).unwrap();
        let reference = OrderRef::of_intent(&log, u64::MAX, "");
        assert_eq!(OrderRef::new(reference.as_str()), Ok(reference.clone()));
        assert_eq!(reference.intent().unwrap().number, u64::MAX);
    }

    #[test]
    fn references_of_older_journals_are_still_read() {
        let text = "ax1.k3f9q2aa.42";
        let reference = OrderRef::new(format!("{text}.{}", check_character(text))).unwrap();
        let log = LogId::new("k3f9q2aa").unwrap();
        assert_eq!(reference.intent(), Some(IntentName { log, number: 42, print: None }));
    }

    #[test]
    fn ids_refuse_spaces_and_overlong_text() {
        assert!(ClientOrderId::new("a b").is_err());
        assert!(ClientOrderId::new("x".repeat(65)).is_err());
        assert!(AccountId::new("").is_err());
    }
}
