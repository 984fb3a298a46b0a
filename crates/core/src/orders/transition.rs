//! What a broker status means for an order: one pure function, one table.
//!
//! Statuses never fill an order (executions do) and never move one backwards.

use alphec_model::OrderState;
use alphec_model::broker::BrokerStatus;

/// What follows from a status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Nothing: a duplicate, or older than what we know.
    Nothing,
    /// The broker has it: it works (or is held, which can still fill).
    Works,
    /// The broker says its balance is canceled.
    Cancels,
    /// The broker counts it filled; executions must prove it.
    MustBeFilled,
    /// It cannot be: the order was never sent, or the word is not known.
    Anomalous,
}

/// The table of state and status.
///
/// `Inactive` counts as working: it means rejected *or* held and able to fill hours later, and
/// only an error code tells which. Unknown words are never terminal.
#[must_use]
pub const fn on_status(state: OrderState, status: &BrokerStatus) -> Effect {
    use BrokerStatus as S;
    use OrderState as O;
    match (state, status) {
        (O::Staged | O::Denied, _) => Effect::Anomalous,
        (O::Filled, _) => Effect::Nothing,
        (O::PendingNew | O::Working | O::InDoubt, S::Unknown(_)) => Effect::Anomalous,
        (
            O::PendingNew | O::InDoubt,
            S::ApiPending
            | S::PendingSubmit
            | S::PendingCancel
            | S::PreSubmitted
            | S::Submitted
            | S::Inactive,
        ) => Effect::Works,
        (
            O::Working,
            S::ApiPending
            | S::PendingSubmit
            | S::PendingCancel
            | S::PreSubmitted
            | S::Submitted
            | S::Inactive,
        ) => Effect::Nothing,
        (O::PendingNew | O::Working | O::InDoubt, S::ApiCancelled | S::Cancelled) => Effect::Cancels,
        (O::PendingNew | O::Working | O::InDoubt, S::Filled) => Effect::MustBeFilled,
        // A stale frame after the end. A *list* that shows the order open is judged elsewhere.
        (
            O::Canceled | O::Rejected | O::Expired,
            S::ApiPending
            | S::PendingSubmit
            | S::PendingCancel
            | S::PreSubmitted
            | S::Submitted
            | S::Inactive
            | S::ApiCancelled
            | S::Cancelled
            | S::Unknown(_),
        ) => Effect::Nothing,
        (O::Canceled | O::Rejected | O::Expired, S::Filled) => Effect::MustBeFilled,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_and_status_has_the_effect_of_the_table() {
        use BrokerStatus as S;
        let statuses = [
            S::ApiPending,
            S::PendingSubmit,
            S::PendingCancel,
            S::PreSubmitted,
            S::Submitted,
            S::ApiCancelled,
            S::Cancelled,
            S::Filled,
            S::Inactive,
            S::Unknown("Dreaming".into()),
        ];
        let mut table = String::new();
        for state in OrderState::ALL {
            let row: Vec<String> =
                statuses.iter().map(|status| format!("{:>12?}", on_status(state, status))).collect();
            table.push_str(&format!("{state:<12}{}\n", row.join(" ")));
        }
        insta::assert_snapshot!(table);
    }

    #[test]
    fn no_status_ever_fills_and_only_a_cancel_word_ends() {
        for state in OrderState::ALL {
            for status in ["Submitted", "PreSubmitted", "Inactive", "PendingCancel", "Nonsense"] {
                assert_ne!(
                    on_status(state, &BrokerStatus::from(smol(status))),
                    Effect::Cancels,
                    "{state} {status}"
                );
            }
        }
    }

    fn smol(text: &str) -> smol_str::SmolStr {
        smol_str::SmolStr::new(text)
    }
}
