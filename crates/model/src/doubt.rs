//! What may be done about an order whose outcome is not proven.

use serde::{Deserialize, Serialize};

/// What may be done by itself about an order that is in doubt and in none of the broker's complete lists.
///
/// Whatever is chosen, its exposure stays reserved until evidence ends it, and a cancel that someone asks for
/// is always sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WhenInDoubt {
    /// Nothing: it stays in doubt until the broker shows it, someone cancels it, or an operator settles it.
    #[default]
    Hold,
    /// Ask for it with a cancel, which is safe whatever the truth is: one that lives after all ends, and "not
    /// found" on top of complete lists and a quiet watch proves it gone.
    CancelProbe,
    /// The same, and once proven gone it is placed again, as a second attempt under a new broker order id. Once,
    /// within a quarter of an hour, only a limit order by itself that nobody wants gone and the broker was never heard
    /// to know, only when the gate passes it anew, and with the exposure of both attempts reserved: a mark that its
    /// author gives to an order that is still wanted minutes later. Never for currency pairs, whose holdings cannot be
    /// compared, and never beside custom rules.
    ResendIfAbsent,
}

impl WhenInDoubt {
    /// Whether nothing is done.
    #[must_use]
    pub const fn is_hold(&self) -> bool {
        matches!(self, Self::Hold)
    }

    /// The choice as one lower-case word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hold => "hold",
            Self::CancelProbe => "cancel_probe",
            Self::ResendIfAbsent => "resend_if_absent",
        }
    }
}
