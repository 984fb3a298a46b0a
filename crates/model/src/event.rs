//! What subscribers hear: a record, once durable, with the order as it then stood.

use std::sync::Arc;

use crate::order::Order;
use crate::record::Record;

/// One event. It is published only after its record is durable, in record order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// What happened.
    pub record: Arc<Record>,
    /// The order after it, when it concerns one.
    pub order: Option<Arc<Order>>,
}
