//! Which records a query is about.

use alphec_model::{BrokerOrderId, ClientOrderId, CorrelationId, ExecId, PermId, Seq, UtcNanos};
use rusqlite::types::Value;

use crate::row::column_of;

/// Conditions that must all hold; the default lets everything through.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Filter {
    pub(crate) from: Option<Seq>,
    pub(crate) to: Option<Seq>,
    since: Option<UtcNanos>,
    until: Option<UtcNanos>,
    kinds: Vec<String>,
    correlation_id: Option<CorrelationId>,
    client_order_id: Option<ClientOrderId>,
    broker_order_id: Option<BrokerOrderId>,
    perm_id: Option<PermId>,
    exec_id: Option<ExecId>,
    pub(crate) last: Option<usize>,
}

impl Filter {
    /// From this number on.
    #[must_use]
    pub fn from(mut self, seq: Seq) -> Self {
        self.from = Some(seq);
        self
    }

    /// Up to and including this number.
    #[must_use]
    pub fn to(mut self, seq: Seq) -> Self {
        self.to = Some(seq);
        self
    }

    /// Recorded at this instant or later.
    #[must_use]
    pub fn since(mut self, at: UtcNanos) -> Self {
        self.since = Some(at);
        self
    }

    /// Recorded before this instant.
    #[must_use]
    pub fn until(mut self, at: UtcNanos) -> Self {
        self.until = Some(at);
        self
    }

    /// Of this kind, or of any other kind asked for.
    #[must_use]
    pub fn kind(mut self, kind: impl Into<String>) -> Self {
        self.kinds.push(kind.into());
        self
    }

    /// Of this piece of work. Not indexed: reads the whole journal.
    #[must_use]
    pub fn correlation_id(mut self, id: CorrelationId) -> Self {
        self.correlation_id = Some(id);
        self
    }

    /// Of this order.
    #[must_use]
    pub fn client_order_id(mut self, id: ClientOrderId) -> Self {
        self.client_order_id = Some(id);
        self
    }

    /// With this API handle. Not indexed: reads the whole journal.
    #[must_use]
    pub fn broker_order_id(mut self, id: BrokerOrderId) -> Self {
        self.broker_order_id = Some(id);
        self
    }

    /// With this durable id of the broker. Not indexed: reads the whole journal.
    #[must_use]
    pub fn perm_id(mut self, id: PermId) -> Self {
        self.perm_id = Some(id);
        self
    }

    /// Of this execution. Not indexed: reads the whole journal.
    #[must_use]
    pub fn exec_id(mut self, id: ExecId) -> Self {
        self.exec_id = Some(id);
        self
    }

    /// Only the last so many of what the other conditions let through.
    #[must_use]
    pub fn last(mut self, count: usize) -> Self {
        self.last = Some(count);
        self
    }

    /// The condition in SQL with its values, for records numbered above `after`.
    ///
    /// One bound only from below: with two, SQLite may start each piece at the wrong one and read
    /// everything again.
    pub(crate) fn condition(&self, after: i64) -> (String, Vec<Value>) {
        let number = |value: Option<i64>| value.map(Value::Integer);
        let text = |value: Option<&str>| value.map(|text| Value::Text(text.to_owned()));
        let conditions = [
            ("seq <= ?", number(self.to.map(column_of))),
            ("at_ns >= ?", number(self.since.map(UtcNanos::as_nanos))),
            ("at_ns < ?", number(self.until.map(UtcNanos::as_nanos))),
            ("correlation_id = ?", text(self.correlation_id.as_ref().map(CorrelationId::as_str))),
            ("client_order_id = ?", text(self.client_order_id.as_ref().map(ClientOrderId::as_str))),
            ("broker_order_id = ?", number(self.broker_order_id.map(|id| id.get().into()))),
            ("perm_id = ?", number(self.perm_id.map(PermId::get))),
            ("exec_id = ?", text(self.exec_id.as_ref().map(ExecId::as_str))),
        ];
        let mut sql = "seq > ?".to_owned();
        let mut values = vec![Value::Integer(after)];
        for (condition, value) in conditions {
            let Some(value) = value else { continue };
            sql.push_str(" AND ");
            sql.push_str(condition);
            values.push(value);
        }
        if !self.kinds.is_empty() {
            let places = vec!["?"; self.kinds.len()].join(", ");
            sql.push_str(&format!(" AND kind IN ({places})"));
            values.extend(self.kinds.iter().cloned().map(Value::Text));
        }
        (sql, values)
    }

    /// The number that everything asked for is above.
    pub(crate) fn before_first(&self) -> i64 {
        self.from.map_or(0, |from| column_of(from).saturating_sub(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_condition_has_its_value() {
        let filter = Filter::default()
            .from(Seq::new(5))
            .to(Seq::new(9))
            .kind("filled")
            .kind("denied")
            .perm_id(PermId::new(3))
            .client_order_id(ClientOrderId::new("a").unwrap());
        let (sql, values) = filter.condition(filter.before_first());
        assert_eq!(sql.matches('?').count(), values.len());
        assert_eq!(sql, "seq > ? AND seq <= ? AND client_order_id = ? AND perm_id = ? AND kind IN (?, ?)");
        assert_eq!(values.first(), Some(&Value::Integer(4)));
    }
}
