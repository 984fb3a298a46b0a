//! Kinds that are nothing but their name.
//!
//! Serde lets a kind without fields of a tagged enumeration pass with any fields beside the tag, whatever the enumeration
//! says of unknown ones: `{"type":"market","limit_px":"100"}` would be a market order.

use serde::{Deserialize, Deserializer};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Bare {}

/// Reads a kind that has no fields, and refuses any.
///
/// # Errors
/// Of the deserializer, or that there is a field.
pub(crate) fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<(), D::Error> {
    Bare::deserialize(deserializer).map(|Bare {}| ())
}

#[cfg(test)]
mod tests {
    use crate::{CancelScope, InstrumentKind, OrderType, TimeInForce};

    #[test]
    fn what_has_no_fields_is_read_without_and_refused_with_one() {
        let market = serde_json::from_str::<OrderType>(r#"{"type":"market"}"#).unwrap();
        assert_eq!(market, OrderType::Market);
        assert_eq!(serde_json::to_string(&market).unwrap(), r#"{"type":"market"}"#);
        let priced = serde_json::from_str::<OrderType>(r#"{"limit_px":"100","type":"market"}"#);
        assert!(priced.unwrap_err().to_string().contains("limit_px"));
        let of_one = r#"{"scope":"all","account":"DU1"}"#;
        assert!(serde_json::from_str::<CancelScope>(of_one).is_err(), "it would reach every account");
        assert!(
            serde_json::from_str::<TimeInForce>(r#"{"tif":"day","expire_at":"2026-11-23T15:00:00Z"}"#)
                .is_err()
        );
        assert!(serde_json::from_str::<InstrumentKind>(r#"{"kind":"forex","expiry":"202612"}"#).is_err());
    }
}
