//! Positions, as a table.

use alphec_execution::model::Position;

use super::table::{Paint, Sheet};

/// A row for each position; a break is what must be seen first.
pub(crate) fn position_table(colour: bool, positions: &[Position]) -> String {
    if positions.is_empty() {
        return "no positions".to_owned();
    }
    let mut sheet = Sheet::new(colour, &["account", "instrument", ">qty", "agrees with the broker"]);
    for position in positions {
        let (agrees, paint) = match position.broken {
            None => ("yes".to_owned(), Paint::Good),
            Some(difference) => {
                let theirs = position
                    .qty
                    .checked_add(difference)
                    .map_or_else(|| "?".to_owned(), |qty| qty.to_string());
                (format!("no: it counts {theirs}; the instrument is frozen"), Paint::Warn)
            }
        };
        sheet.row(vec![
            (position.account.to_string(), Paint::Plain),
            (position.instrument.to_string(), Paint::Plain),
            (position.qty.to_string(), Paint::Plain),
            (agrees, paint),
        ]);
    }
    sheet.finish()
}
