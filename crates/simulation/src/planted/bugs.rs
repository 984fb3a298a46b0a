//! The planted bugs: one row each.

/// A mistake that the simulation must find.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bug {
    /// As its hook names it.
    pub(crate) name: &'static str,
    /// What is wrong with it.
    pub(crate) breaks: &'static str,
    /// Invariants that may find it.
    pub(crate) by: &'static [u8],
}

const fn bug(name: &'static str, by: &'static [u8], breaks: &'static str) -> Bug {
    Bug { name, breaks, by }
}

/// Every bug that is planted, by what it damages.
pub(crate) const BUGS: &[Bug] = &[
    // Durable before the wire.
    bug("a-sync-is-not-waited-for", &[1, 5], "a batch counts as durable when it is handed over"),
    bug("a-large-batch-is-not-synced", &[16], "batches of more than four records are left in a buffer"),
    bug("a-failed-sync-counts-as-done", &[1, 5, 16], "an error of the disk is ignored"),
    bug(
        "orders-go-ahead-with-the-cancels",
        &[1, 12],
        "what a slow journal lets out early are not only cancels",
    ),
    bug("callers-hear-before-the-record", &[5], "an answer does not wait for its record"),
    bug(
        "what-was-withdrawn-is-answered-as-sent",
        &[5],
        "a caller is not told that the journal refused its order",
    ),
    // The journal.
    bug(
        "a-batch-tried-again-is-written-twice",
        &[15, 16, 17],
        "a batch that failed after it was written is appended again",
    ),
    bug("a-torn-tail-is-left-in-place", &[15, 16], "a start does not cut off what a crash left half written"),
    bug(
        "a-rotten-record-is-taken-for-a-torn-tail",
        &[16],
        "a start cuts off what does not follow in the chain",
    ),
    bug("a-start-forgets-halts", &[12, 18], "a halt or kill is only in memory"),
    bug("a-start-forgets-denied-keys", &[6, 17, 18], "a key is free again after a restart"),
    bug("a-start-forgets-fills", &[9, 10, 17, 18], "replay skips a kind of record"),
    bug("a-start-forgets-cancels", &[13, 18], "a cancel asked for before a crash is forgotten"),
    bug("a-start-forgets-changes", &[4, 11, 18], "a change in flight at a crash is forgotten"),
    bug("a-start-forgets-orders-of-others", &[11, 18], "orders of others count only until the restart"),
    // Once, and never lost.
    bug("a-low-next-valid-id-is-believed", &[7], "ids follow the gateway downwards"),
    bug("sells-overtake-buys", &[7], "orders leave in another order than that of their ids"),
    bug("a-reconnect-sends-the-last-order-again", &[1, 3, 7], "what may have been lost is sent again"),
    bug(
        "placed-again-at-the-first-doubt",
        &[3, 19],
        "an order is placed again while the first attempt is in doubt",
    ),
    bug("a-key-takes-any-body", &[6], "one key with another body is answered as if it were the same"),
    // Groups.
    bug("a-half-bracket-is-left", &[27], "a leg that no list shows leaves the rest of its group as it is"),
    bug("exits-outlive-their-entry", &[27], "an entry that ended unfilled leaves its exits as they are"),
    bug(
        "exits-go-with-a-filled-entry",
        &[27],
        "an entry that ends takes its exits along, whatever it filled",
    ),
    bug("a-leg-that-never-stood-changes-nothing", &[27], "what can open goes on without a leg of its group"),
    bug("a-broken-group-is-not-told", &[27], "nobody is alerted that a group is not whole"),
    // Unknown is unknown.
    // What it calls rejected may be a leg that waits untransmitted at the broker, and keep its group waiting there.
    bug("silence-is-a-rejection", &[4, 5, 27], "no answer is taken for a no"),
    bug(
        "what-was-written-is-called-unwritten",
        &[4, 5],
        "the adapter says \"not written\" of what may have arrived",
    ),
    bug("what-a-crash-left-unanswered-was-never-sent", &[4, 5], "a start gives up what was on its way"),
    bug("a-lost-connection-raises-no-doubt", &[4], "what a lost connection left unanswered stays pending"),
    bug("a-doubt-is-never-asked-about", &[4], "nothing asks the broker for an order that no list shows"),
    bug("an-unknown-code-is-a-rejection", &[4, 5], "a code that is in no table kills the order"),
    bug(
        "an-error-without-an-order-rejects-what-waits",
        &[4, 5],
        "321 without an id rejects what is unanswered",
    ),
    bug("not-found-ends-an-order", &[4, 19], "10147 alone proves that an order is gone"),
    bug("a-refused-cancel-ends-the-order", &[4, 19], "161 alone proves that an order is over"),
    bug("one-list-without-it-proves-absence", &[19], "one round of lists instead of two"),
    // Words of the broker.
    bug("pending-cancel-ends-an-order", &[4], "PendingCancel is taken for Cancelled"),
    bug("inactive-ends-an-order", &[4], "Inactive is taken for final"),
    bug("a-refused-change-ends-the-order", &[4, 5], "a refused change is taken for a refused order"),
    bug("a-refused-change-counts-as-made", &[4, 11], "a refused change is taken over"),
    bug("any-echo-ends-a-change", &[4, 11], "an echo of the old terms counts as the new ones"),
    bug("a-date-is-past-before-its-time", &[21], "a good-till-date order that ends has expired"),
    bug("a-code-ends-whichever-life", &[3, 4], "a code ends an order that lives twice"),
    bug("a-code-takes-a-wish-back", &[13], "a cancel that is refused or not found once is forgotten"),
    bug("a-second-life-is-left-alone", &[3], "an order that lives twice is not canceled"),
    bug("a-second-life-halts-nothing", &[3], "orders go on while one lives twice"),
    // Money.
    bug("a-revision-is-added", &[9], "a corrected execution is counted beside the first"),
    bug("a-bust-leaves-the-position", &[9], "a busted execution still counts"),
    bug(
        "an-execution-is-booked-each-time-it-is-told",
        &[10],
        "executions are counted again after a reconnect",
    ),
    bug("a-status-fills", &[10], "an order fills by its status, without executions"),
    bug("a-fill-after-the-end-is-dropped", &[9, 10], "an execution of an order that has ended is not booked"),
    bug("fills-of-others-are-not-booked", &[9, 10], "the position counts our orders only"),
    // The record.
    bug(
        "a-conclusion-passes-for-an-observation",
        &[28],
        "what silence led to is marked as the broker's word",
    ),
    bug(
        "a-start-leaves-its-limits-out",
        &[25],
        "the record of a start does not say what limits are in force",
    ),
    bug("a-limit-is-not-looked-at", &[25], "the size of an order is measured by nothing"),
    bug("a-batch-has-no-end", &[22], "whatever waits for a slow sync is one batch"),
    // The gate.
    bug("a-limit-is-off-by-one", &[8], "a limit is passed by one"),
    bug("open-orders-do-not-count", &[8], "the position limit forgets what can still fill"),
    bug("a-sell-has-no-position-limit", &[8], "short positions have no limit"),
    bug("an-order-does-not-count-itself", &[8], "the limit of open orders forgets the new one"),
    bug("the-collar-is-off", &[8], "any price passes"),
    bug("any-quote-is-fresh", &[8], "a price is judged by a market that is gone"),
    bug("a-change-skips-the-gate", &[8, 12], "changes are not judged"),
    bug("the-no-of-a-rule-is-not-heard", &[8], "a custom rule denies and the order leaves"),
    bug("an-order-in-doubt-reserves-nothing", &[8, 11], "the reservation is dropped on a timeout"),
    bug("an-order-proven-absent-reserves-nothing", &[11], "absence frees what it would fill if it came late"),
    bug("a-watch-ends-with-the-next-lists", &[11, 19], "what was proven absent counts for a minute"),
    bug("one-list-ends-an-order-of-others", &[11], "one list without an order of others frees what it holds"),
    bug("a-change-reserves-only-its-new-size", &[8, 11], "the better of two versions is reserved"),
    bug("two-changes-in-flight", &[1, 4, 11], "a change overtakes another"),
    bug("an-unseen-change-is-waited-for", &[4], "a change that was lost is in flight for ever"),
    bug(
        "a-change-that-gave-way-reserves-nothing",
        &[1, 4, 8, 11],
        "a change is forgotten when another takes its place",
    ),
    bug("an-order-leaves-under-the-reference-of-no-intent", &[2], "what is sent is not what is on record"),
    bug("orders-of-others-are-not-seen", &[2], "orders of others are not on record"),
    bug("orders-of-others-are-not-counted", &[11], "orders of others are on record and in no limit"),
    bug("an-order-of-others-is-canceled", &[20], "an order of someone else is touched"),
    bug("a-break-freezes-nothing", &[9], "orders go on in an instrument whose position differs"),
    bug("a-break-is-not-told", &[9], "nobody is alerted that a position differs"),
    // Link and login.
    bug("ready-before-the-books-are-read", &[8], "a reconnect closes the gap"),
    bug("lost-servers-stop-nothing", &[8], "orders leave while the gateway has no servers"),
    bug("the-restart-window-is-open", &[8], "orders leave while the gateway is to restart"),
    bug("a-gap-is-let-pass", &[8], "messages may be missing and nothing is read again"),
    bug("nothing-is-looked-at-twice", &[5, 8, 12, 13], "no last look before the wire"),
    bug("any-login-is-accepted", &[23], "the list of accounts is not compared"),
    bug("the-fifth-attempt-is-the-last", &[26], "the adapter gives up for good"),
    // A process that waits for an instant by a clock that is set back waits without end: only the world that turns in
    // circles with it can tell.
    bug("the-wall-clock-is-followed", &[0, 21], "the clock of a life steps back with the machine's"),
    // Cancels, halts and kills.
    bug("cancels-pass-the-gate", &[13], "a cancel waits until orders may leave"),
    bug("cancels-have-their-own-share-only", &[13], "what orders leave of the budget is not for cancels"),
    bug("cancels-wait-behind-orders", &[12, 13], "the lanes are the wrong way round"),
    bug("a-cancel-is-dropped-when-the-budget-is-spent", &[13, 29], "a full budget loses a cancel"),
    bug(
        "a-cancel-asked-while-down-is-forgotten",
        &[13, 29],
        "a cancel without a connection does not leave later",
    ),
    bug(
        "a-lost-cancel-is-not-sent-again",
        &[13, 29],
        "lists that show a canceled order as working mean nothing",
    ),
    bug(
        "only-a-halt-of-everything-stops-orders",
        &[12],
        "a halt of one strategy or instrument stops nothing",
    ),
    bug("a-halt-leaves-what-waits-at-the-adapter", &[12], "an order that waits there leaves after the halt"),
    bug("a-kill-is-not-verified", &[29], "a kill cancels what works and looks no further"),
    bug("a-resume-asks-for-nothing", &[12], "trading resumes on books that were not read"),
];
