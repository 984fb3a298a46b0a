//! The 40 behaviours that hurt clients most, in the words of the matrix.

/// One of the 40 dangerous behaviours.
#[derive(Debug, Clone, Copy)]
pub struct Behaviour {
    /// Its number.
    pub number: u8,
    /// What happens.
    pub what: &'static str,
}

const fn behaviour(number: u8, what: &'static str) -> Behaviour {
    Behaviour { number, what }
}

/// The 40 behaviours.
pub const BEHAVIOURS: &[Behaviour] = &[
    behaviour(1, "an order is written just before a restart and never answered"),
    behaviour(2, "the next order id rolls back and ids are issued again"),
    behaviour(3, "an order sent while the servers are lost is sent on minutes later"),
    behaviour(4, "a modification while the servers are lost becomes a second live order"),
    behaviour(5, "a fill arrives and no status ever"),
    behaviour(6, "open orders and statuses are repeated"),
    behaviour(7, "an execution is delivered live and again by a request"),
    behaviour(8, "an execution comes before any acknowledgement"),
    behaviour(9, "a stale state arrives after a fill"),
    behaviour(10, "an order fills after its cancel, even after Cancelled"),
    behaviour(11, "a cancel is confirmed hours later"),
    behaviour(12, "10147 for an order that is live"),
    behaviour(13, "10148 with state Filled, then 10147"),
    behaviour(14, "a rejection comes without a status"),
    behaviour(15, "the code that kills an order only refuses a modification"),
    behaviour(16, "an informational code looks like an error"),
    behaviour(17, "Inactive means held as well as rejected"),
    behaviour(18, "an order is never answered, and may appear later"),
    behaviour(19, "a half-open socket"),
    behaviour(20, "reqCurrentTime is answered once a second"),
    behaviour(21, "326 on reconnect because the old session is held"),
    behaviour(22, "nothing is replayed after a reconnect"),
    behaviour(23, "fills are delivered after 1100"),
    behaviour(24, "a list is empty because the request failed"),
    behaviour(25, "a live order is missing from a list"),
    behaviour(26, "the total of a completed order is what was left"),
    behaviour(27, "executions reach back to midnight only"),
    behaviour(28, "an execution is corrected or busted"),
    behaviour(29, "a commission is late, missing, -1 or without a result"),
    behaviour(30, "a combo fill and its legs carry the same order id"),
    behaviour(31, "foreign orders with the same, a negative or no order id"),
    behaviour(32, "an error names an order, a request, -1 or nothing"),
    behaviour(33, "a rate limit delays, or ends the session"),
    behaviour(34, "a limit of working orders per side"),
    behaviour(35, "read-only mode looks healthy"),
    behaviour(36, "a paper port serves live accounts"),
    behaviour(37, "parked orders are lost at a restart, brackets are half sent"),
    behaviour(38, "a child comes too early, or its parent is gone"),
    behaviour(39, "what is echoed is not what was sent"),
    behaviour(40, "unset numbers and missing fields"),
];
