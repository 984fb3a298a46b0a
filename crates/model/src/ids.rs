//! Identifiers, each its own type, so that one cannot be passed for another.

use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Serialize};
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

impl OrderRef {
    /// The reference of the `number`-th intent of journal `log`, with a check character.
    ///
    /// The form is `ax1.<log>.<number>.<check>`; nothing in it is secret or telling.
    #[must_use]
    pub fn of_intent(log: &LogId, number: u64) -> Self {
        let text = format!("ax1.{log}.{number}");
        let check = check_character(&text);
        Self(SmolStr::from(format!("{text}.{check}")))
    }

    /// The journal and intent number that this reference names; `None` for anyone else's text.
    #[must_use]
    pub fn intent(&self) -> Option<(LogId, u64)> {
        let (text, check) = self.as_str().rsplit_once('.')?;
        let rest = text.strip_prefix("ax1.")?;
        let (log, number) = rest.rsplit_once('.')?;
        let number: u64 = number.parse().ok()?;
        let log = LogId::new(log).ok()?;
        (check == check_character(text).to_string()).then_some((log, number))
    }
}

/// One base-32 character (RFC 4648 alphabet) over the text; catches an edited reference.
fn check_character(text: &str) -> char {
    const ALPHABET: [char; 32] = [
        'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm', 'n', 'o', 'p', 'q', 'r', 's', 't',
        'u', 'v', 'w', 'x', 'y', 'z', '2', '3', '4', '5', '6', '7',
    ];
    let sum = text.bytes().fold(7_u32, |sum, byte| sum.wrapping_mul(31).wrapping_add(u32::from(byte)));
    let index = usize::try_from(sum % 31).unwrap_or(0);
    ALPHABET.get(index).copied().unwrap_or('a')
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
        let reference = OrderRef::of_intent(&log, 42);
        assert_eq!(reference.intent(), Some((log, 42)));
        for text in ["", "my order", "ax1.k3f9q2aa.43.", "ax1.k3f9q2aa.42"] {
            assert_eq!(OrderRef::new(text).ok().and_then(|reference| reference.intent()), None, "{text}");
        }
        let edited = OrderRef::new(reference.as_str().replace(".42.", ".43.")).unwrap();
        assert_eq!(edited.intent(), None);
    }

    #[test]
    fn ids_refuse_spaces_and_overlong_text() {
        assert!(ClientOrderId::new("a b").is_err());
        assert!(ClientOrderId::new("x".repeat(65)).is_err());
        assert!(AccountId::new("").is_err());
    }
}
