//! What an order costs: the published schedules of the broker, charged on the order as it fills.
//!
//! A minimum and a maximum are of the whole order, so the first fill pays the minimum and later ones only what
//! goes beyond it. That is why a fill's commission is the difference between what is due now and what was
//! charged before, and why it can be zero.

use rust_decimal::Decimal;

use super::instrument::SecType;

/// A commission schedule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CommissionRule {
    /// Per unit of quantity.
    pub per_unit: Decimal,
    /// Share of the traded value (0.00002 is 0.2 basis points).
    pub per_value: Decimal,
    /// Least amount per order.
    pub minimum: Decimal,
    /// Most, as a share of the traded value; it wins over the minimum.
    pub maximum: Option<Decimal>,
}

impl CommissionRule {
    /// So much for each unit, and nothing else.
    pub const fn per_unit(amount: Decimal) -> Self {
        Self { per_unit: amount, per_value: Decimal::ZERO, minimum: Decimal::ZERO, maximum: None }
    }

    /// The default schedule for a kind of instrument in its currency: US stocks "fixed" (half a cent a share, at least a
    /// dollar, at most 1 % of the value), Japanese ones 0.08 % and at least 80 yen, other stocks 0.05 % and at least three, options 65 cents a contract
    /// and at least a dollar, futures 2.25 a contract, currency pairs 0.2 basis points and at least two.
    pub fn published(sec_type: SecType, currency: &str) -> Self {
        let cents = |count: i64| Decimal::new(count, 2);
        match sec_type {
            SecType::Stock if currency == "USD" => Self {
                per_unit: Decimal::new(5, 3),
                minimum: Decimal::ONE,
                maximum: Some(cents(1)),
                ..Self::per_unit(Decimal::ZERO)
            },
            SecType::Stock if currency == "JPY" => Self {
                per_value: Decimal::new(8, 4),
                minimum: Decimal::from(80),
                ..Self::per_unit(Decimal::ZERO)
            },
            SecType::Stock => Self {
                per_value: Decimal::new(5, 4),
                minimum: Decimal::from(3),
                ..Self::per_unit(Decimal::ZERO)
            },
            SecType::Option => Self { minimum: Decimal::ONE, ..Self::per_unit(cents(65)) },
            SecType::Future => Self::per_unit(cents(225)),
            // What its legs cost.
            SecType::Bag => Self::per_unit(Decimal::ZERO),
            SecType::Forex if currency == "JPY" => Self {
                per_value: Decimal::new(2, 5),
                minimum: Decimal::from(300),
                ..Self::per_unit(Decimal::ZERO)
            },
            SecType::Forex => {
                Self { per_value: Decimal::new(2, 5), minimum: Decimal::TWO, ..Self::per_unit(Decimal::ZERO) }
            }
        }
    }

    /// US stocks "tiered" for small volumes: 0.35 cents a share, at least 35 cents, at most 1 % of the value;
    /// exchange fees left out.
    pub fn us_stock_tiered() -> Self {
        Self {
            per_unit: Decimal::new(35, 4),
            minimum: Decimal::new(35, 2),
            maximum: Some(Decimal::new(1, 2)),
            per_value: Decimal::ZERO,
        }
    }

    /// What an order has cost once `quantity` of it has traded for `value` (both without a sign).
    pub fn due(&self, quantity: Decimal, value: Decimal) -> Decimal {
        let due = (self.per_unit * quantity + self.per_value * value).max(self.minimum);
        match self.maximum {
            Some(share) => due.min(share * value),
            None => due,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dec(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    #[test]
    fn published_schedules_cost_what_the_broker_publishes() {
        let table = [
            (SecType::Stock, "USD", "100", "23000", "1"),
            (SecType::Stock, "USD", "1000", "230000", "5"),
            (SecType::Stock, "USD", "1000", "250", "2.50"),
            (SecType::Stock, "USD", "1", "0.50", "0.005"),
            (SecType::Stock, "EUR", "100", "20000", "10"),
            (SecType::Stock, "EUR", "1", "100", "3"),
            (SecType::Stock, "JPY", "100", "280000", "224"),
            (SecType::Stock, "JPY", "100", "50000", "80"),
            (SecType::Forex, "JPY", "20000", "3000000", "300"),
            (SecType::Option, "USD", "1", "500", "1"),
            (SecType::Option, "USD", "10", "5000", "6.50"),
            (SecType::Future, "USD", "2", "580000", "4.50"),
            (SecType::Forex, "USD", "20000", "21700", "2"),
            (SecType::Forex, "USD", "1000000", "1085000", "21.70"),
        ];
        for (sec_type, currency, quantity, value, expected) in table {
            let due = CommissionRule::published(sec_type, currency).due(dec(quantity), dec(value));
            assert_eq!(due, dec(expected), "{quantity} {} worth {value} {currency}", sec_type.as_str());
        }
        assert_eq!(CommissionRule::us_stock_tiered().due(dec("1000"), dec("230000")), dec("3.50"));
    }

    #[test]
    fn an_order_that_fills_in_parts_pays_as_one() {
        let rule = CommissionRule::published(SecType::Stock, "USD");
        let price = dec("10");
        let mut charged = Decimal::ZERO;
        for filled in [100, 150, 400, 1_000] {
            let filled = Decimal::from(filled);
            let due = rule.due(filled, filled * price);
            assert!(due >= charged, "a fill never pays back");
            charged = due;
        }
        assert_eq!(charged, rule.due(dec("1000"), dec("10000")));
    }
}
