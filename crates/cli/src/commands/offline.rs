//! Reading the journal without an engine: no connection is made, nothing is written, and another
//! engine may be at work on it. What is shown is as old as the journal's last record.

use alphec_execution::model::record::Fill;
use alphec_execution::model::{ClientOrderId, Order, Position};
use alphec_execution::{Books, read_books};

use super::Common;
use crate::exit::Failure;

fn books(common: &Common) -> anyhow::Result<Books> {
    Ok(read_books(&common.journal_path()?)?)
}

/// Every order, oldest first.
pub(super) fn orders(common: &Common) -> anyhow::Result<Vec<Order>> {
    Ok(books(common)?.orders())
}

/// One order with its fills.
pub(super) fn order(common: &Common, id: &ClientOrderId) -> anyhow::Result<(Order, Vec<Fill>)> {
    let books = books(common)?;
    match books.order(id) {
        Some(order) => Ok((order, books.fills(id))),
        None => {
            Err(Failure::usage(format!("no order {id} in this journal; check the id, or the journal")).into())
        }
    }
}

/// Every position that is not flat, and every one that differs from the broker's.
pub(super) fn positions(common: &Common) -> anyhow::Result<Vec<Position>> {
    Ok(books(common)?.positions())
}
