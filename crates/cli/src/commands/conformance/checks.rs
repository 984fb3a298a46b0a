//! The checks: what is looked at, where that behaviour is described, and what the simulator says. The sections
//! are those of the notes on the real gateway's behaviour that the simulator is built from.

use super::session::Session;
use super::{lists, orders, start, trades};

/// One thing to look at.
#[derive(Debug, Clone, Copy)]
pub(super) struct Check {
    pub(super) name: &'static str,
    pub(super) section: &'static str,
    /// What the simulator says.
    pub(super) expected: &'static str,
    look: Look,
}

#[derive(Debug, Clone, Copy)]
enum Look {
    Versions,
    Greeting,
    Farms,
    Clock,
    Millis,
    UnknownMessage,
    SameClientId,
    Nonsense,
    Contract,
    UnknownContract,
    MarketRule,
    Price,
    History,
    BarSize,
    HistoryOver,
    OpenOrdersEmpty,
    AutoBind,
    Positions,
    Summary,
    ThirdSummary,
    AccountUpdates,
    Preview,
    Resting,
    EchoedPrice,
    Changed,
    ChangedOffGrid,
    StillWorking,
    OtherClient,
    OtherCancel,
    ComeBack,
    Cancelled,
    CancelledAgain,
    CancelUnknown,
    OldId,
    OffGrid,
    NoQuantity,
    Stop,
    Immediate,
    BadDate,
    Parked,
    Orphan,
    Bracket,
    AllOrNone,
    Group,
    Regrouped,
    Bought,
    ExecutionAgain,
    Sold,
    Completed,
    Clean,
}

impl Check {
    const fn new(name: &'static str, section: &'static str, look: Look, expected: &'static str) -> Self {
        Self { name, section, expected, look }
    }

    /// Does it and says what came of it.
    pub(super) async fn observe(&self, session: &mut Session) -> anyhow::Result<String> {
        match self.look {
            Look::Versions => Ok(start::versions(session)),
            Look::Greeting => Ok(start::greeting(session)),
            Look::Farms => Ok(start::farms(session)),
            Look::Clock => start::clock(session).await,
            Look::Millis => start::millis(session).await,
            Look::UnknownMessage => start::unknown_message(session).await,
            Look::SameClientId => start::same_client_id(session).await,
            Look::Nonsense => start::nonsense(session).await,
            Look::Contract => lists::contract(session).await,
            Look::UnknownContract => lists::unknown_contract(session).await,
            Look::MarketRule => lists::market_rule(session).await,
            Look::Price => lists::price(session).await,
            Look::History => lists::history(session).await,
            Look::BarSize => lists::bar_size(session).await,
            Look::HistoryOver => lists::history_over(session).await,
            Look::OpenOrdersEmpty => lists::open_orders(session).await,
            Look::AutoBind => lists::auto_bind(session).await,
            Look::Positions => lists::positions(session).await,
            Look::Summary => lists::summary(session).await,
            Look::ThirdSummary => lists::third_summary(session).await,
            Look::AccountUpdates => lists::account_updates(session).await,
            Look::Preview => orders::preview(session).await,
            Look::Resting => orders::resting(session).await,
            Look::EchoedPrice => orders::echoed_price(session).await,
            Look::Changed => orders::changed(session).await,
            Look::ChangedOffGrid => orders::changed_off_grid(session).await,
            Look::StillWorking => orders::still_working(session).await,
            Look::OtherClient => orders::other_client(session).await,
            Look::OtherCancel => orders::other_cancel(session).await,
            Look::ComeBack => orders::come_back(session).await,
            Look::Cancelled => orders::cancelled(session).await,
            Look::CancelledAgain => orders::cancelled_again(session).await,
            Look::CancelUnknown => orders::cancel_unknown(session).await,
            Look::OldId => orders::old_id(session).await,
            Look::OffGrid => orders::off_grid(session).await,
            Look::NoQuantity => orders::no_quantity(session).await,
            Look::Stop => orders::stop(session).await,
            Look::Immediate => orders::immediate(session).await,
            Look::BadDate => orders::bad_date(session).await,
            Look::Parked => orders::parked(session).await,
            Look::Orphan => orders::orphan(session).await,
            Look::Bracket => orders::bracket(session).await,
            Look::AllOrNone => orders::all_or_none(session).await,
            Look::Group => orders::group(session).await,
            Look::Regrouped => orders::regrouped(session).await,
            Look::Bought => trades::bought(session).await,
            Look::ExecutionAgain => trades::execution_again(session).await,
            Look::Sold => trades::sold(session).await,
            Look::Completed => trades::completed(session).await,
            Look::Clean => trades::clean(session).await,
        }
    }
}

/// In the order in which they are done: later ones use what earlier ones left.
pub(super) const CHECKS: &[Check] = &[
    Check::new("server version", "1.2", Look::Versions, "within what was offered, with a time and a zone"),
    Check::new("start of the session", "1.2", Look::Greeting, "managedAccounts and nextValidId, once each"),
    Check::new("farm notices at start", "1.8", Look::Farms, "2104, 2106, 2158"),
    Check::new("the time, asked twice at once", "1.12", Look::Clock, "2 answers"),
    Check::new("the time in milliseconds", "1.3", Look::Millis, "1 answer"),
    Check::new("a message that does not exist", "1.10", Look::UnknownMessage, "ER 320"),
    Check::new("a second session of one client id", "1.4", Look::SameClientId, "ER 326, closed"),
    Check::new("bytes that are no message", "1.11", Look::Nonsense, "closed; the main session lives"),
    Check::new("contract details", "6", Look::Contract, "rows, then the end"),
    Check::new("an unknown contract", "2.6", Look::UnknownContract, "ER 200"),
    Check::new("market rule", "6", Look::MarketRule, "a ladder"),
    Check::new("a price", "6", Look::Price, "known"),
    Check::new("a short history", "5", Look::History, "rows, then the end"),
    Check::new("bars of a size that does not exist", "2.6", Look::BarSize, "ER 321"),
    Check::new("a history cancelled when it is over", "5", Look::HistoryOver, "ER 366"),
    Check::new("open orders when there are none", "4.1", Look::OpenOrdersEmpty, "the end alone"),
    Check::new("binding manual orders, not as client 0", "1.4", Look::AutoBind, "ER 327"),
    Check::new("positions", "4.2", Look::Positions, "an end"),
    Check::new("account summary", "4.2", Look::Summary, "rows, then the end"),
    Check::new("a third account summary", "8-11", Look::ThirdSummary, "ER 322"),
    Check::new("account updates", "4.2", Look::AccountUpdates, "rows, then the end"),
    Check::new("a what-if preview", "2.9", Look::Preview, "OO PreSubmitted; no order"),
    Check::new(
        "a limit order that rests",
        "2.5-4",
        Look::Resting,
        "OO PreSubmitted, OS PreSubmitted 0/1, OO Submitted, OS Submitted 0/1",
    ),
    Check::new("its price as echoed", "2.5", Look::EchoedPrice, "as sent"),
    Check::new("its price changed", "2.7", Look::Changed, "OO Submitted, OS Submitted 0/1"),
    Check::new("changed off the price grid", "2.6", Look::ChangedOffGrid, "ER 110"),
    Check::new("the order after that", "2.6", Look::StillWorking, "works at the price before"),
    Check::new("lists of another client", "4.1", Look::OtherClient, "own: without it; all: with it"),
    Check::new("a cancel by another client", "2.8", Look::OtherCancel, "ER 10147"),
    Check::new(
        "the session after a reconnect",
        "4.3",
        Look::ComeBack,
        "nothing replayed; listed when asked for",
    ),
    Check::new("a cancel", "2.5-7, 8-3", Look::Cancelled, "OO Cancelled, OS Cancelled 0/1, ER 202"),
    Check::new("cancelled twice again", "2.8", Look::CancelledAgain, "ER 10148; ER 10147"),
    Check::new("a cancel of what never was", "2.6", Look::CancelUnknown, "ER 10147"),
    Check::new("an order id used before", "2.1", Look::OldId, "ER 103"),
    Check::new("a price off the grid", "2.5-10", Look::OffGrid, "ER 110"),
    Check::new("a quantity of zero", "2.6", Look::NoQuantity, "ER 434"),
    Check::new("a stop that waits", "2.5-6", Look::Stop, "OO PreSubmitted, OS PreSubmitted 0/1"),
    Check::new(
        "immediate or cancel, away from the market",
        "2.4",
        Look::Immediate,
        "OO PreSubmitted, OS PreSubmitted 0/1, OO Cancelled, OS Cancelled 0/1, ER 202",
    ),
    Check::new("a date that is none", "2.6", Look::BadDate, "ER 391"),
    Check::new("an order not transmitted", "2.3", Look::Parked, "nothing; not listed; cancelled by ER 202"),
    Check::new("a child of no parent", "2.3", Look::Orphan, "ER 10006"),
    Check::new("a parent cancelled", "2.3", Look::Bracket, "its child ends too"),
    Check::new(
        "all or none, away from the market",
        "2.5-4",
        Look::AllOrNone,
        "OO PreSubmitted, OS PreSubmitted 0/1, OO Submitted, OS Submitted 0/1",
    ),
    Check::new("a member of a group cancelled", "2.11", Look::Group, "the other ends too"),
    Check::new("a change to another group", "2.11", Look::Regrouped, "ER 10326"),
    Check::new(
        "a market order",
        "2.5-1",
        Look::Bought,
        "OO PreSubmitted, OS PreSubmitted 0/1, EX 1, OO Filled, OS Filled 1/0, CR",
    ),
    Check::new(
        "its execution asked for",
        "3.1",
        Look::ExecutionAgain,
        "the same execution, under the request's id",
    ),
    Check::new(
        "sold again",
        "3.1",
        Look::Sold,
        "OO PreSubmitted, OS PreSubmitted 0/1, EX 1, OO Filled, OS Filled 1/0, CR with a profit or loss",
    ),
    Check::new(
        "completed orders",
        "4.1",
        Look::Completed,
        "filled: total 0, filled 1; cancelled: total 1, filled 0",
    ),
    Check::new("what is left behind", "4.4", Look::Clean, "no order, no position"),
];

/// An open question of the notes, and where it stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Question {
    pub(super) number: u32,
    pub(super) about: &'static str,
    pub(super) state: State,
}

/// Where a question stands.
#[derive(Debug, Clone, Copy)]
pub(super) enum State {
    /// Looked at by the check of this name.
    Check(&'static str),
    /// Statuses are watched all the while.
    Statuses,
    /// Not tried, because.
    NotTried(&'static str),
}

/// All of them.
pub(super) const QUESTIONS: &[Question] = &[
    question(1, "corrections: replace or delta; busts", State::NotTried("no order provokes a correction")),
    question(
        2,
        "children on partial fills of the parent",
        State::NotTried("a fill of one share has no parts"),
    ),
    question(3, "Cancelled before 202; either missing", State::Check("a cancel")),
    question(4, "the zone of midnight in executions", State::NotTried("takes a session across midnight")),
    question(
        5,
        "50 messages a second: socket or gateway",
        State::NotTried("would slow other clients of the gateway"),
    ),
    question(
        6,
        "15 or 20 orders per side",
        State::NotTried("21 orders at once weigh on the order efficiency ratio"),
    ),
    question(7, "texts and effects of 10318 and 2161", State::NotTried("what provokes them is not known")),
    question(
        8,
        "orders buffered by a stopped gateway",
        State::NotTried("takes stopping the gateway's process"),
    ),
    question(9, "when all open orders are complete after a restart", State::NotTried("takes a restart")),
    question(
        10,
        "simulated types while the gateway is down",
        State::NotTried("takes a gateway that is down"),
    ),
    question(11, "code for one account summary too many", State::Check("a third account summary")),
    question(12, "PreCancelled and WarnState", State::Statuses),
];

const fn question(number: u32, about: &'static str, state: State) -> Question {
    Question { number, about, state }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_question_is_there_once_and_names_a_check_that_exists() {
        let numbers: Vec<u32> = QUESTIONS.iter().map(|question| question.number).collect();
        assert_eq!(numbers, (1..=12).collect::<Vec<_>>());
        for question in QUESTIONS {
            if let State::Check(name) = question.state {
                assert!(CHECKS.iter().any(|check| check.name == name), "{name}");
            }
        }
    }

    #[test]
    fn no_two_checks_have_one_name() {
        let names: BTreeSet<&str> = CHECKS.iter().map(|check| check.name).collect();
        assert_eq!(names.len(), CHECKS.len());
    }
}
