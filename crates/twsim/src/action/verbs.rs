//! Every verb with its keys: one row per verb. The reader, the answers of the control port and its `help` are made
//! from it.

/// What a verb is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    /// Does something to the gateway; scenarios may say it too.
    Act,
    /// Moves a clock that stands still.
    Clock,
    /// Reads what is so.
    Read,
}

/// One key of a verb.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key {
    /// Its name.
    pub name: &'static str,
    /// Whether it must be there.
    pub is_required: bool,
}

/// One verb.
#[derive(Debug, Clone, Copy)]
pub struct Verb {
    /// What stands behind `do`.
    pub name: &'static str,
    /// What it is for.
    pub kind: Use,
    /// Its keys besides `do`.
    pub keys: &'static [Key],
    /// What it does.
    pub what: &'static str,
}

impl Verb {
    const fn new(name: &'static str, kind: Use, keys: &'static [Key], what: &'static str) -> Self {
        Self { name, kind, keys, what }
    }
}

const fn must(name: &'static str) -> Key {
    Key { name, is_required: true }
}

const fn may(name: &'static str) -> Key {
    Key { name, is_required: false }
}

/// How an order is named: by client and order id, by its reference or by its permanent id.
const ORDER: [Key; 4] = [CLIENT, ORDER_ID, ORDER_REF, PERM_ID];
const CLIENT: Key = may("client");
const ORDER_ID: Key = may("order");
const ORDER_REF: Key = may("order_ref");
const PERM_ID: Key = may("perm_id");

/// Every verb, in the order in which help shows them.
pub const VERBS: &[Verb] = &[
    Verb::new(
        "set-price",
        Use::Act,
        &[must("symbol"), may("bid"), may("ask"), may("bid_size"), may("ask_size"), may("last")],
        "Sets the market of an instrument, which stays until it is set again or released. Only one of bid and \
         ask: the other is one tick away; `none` is a side without a market.",
    ),
    Verb::new("release-price", Use::Act, &[must("symbol")], "Lets the price of an instrument walk again."),
    Verb::new(
        "refuse-orders",
        Use::Act,
        &[must("symbol"), may("reason")],
        "Rejects new orders of an instrument (201).",
    ),
    Verb::new("accept-orders", Use::Act, &[must("symbol")], "Accepts new orders of an instrument again."),
    Verb::new("inject", Use::Act, &[must("fault")], "Arms a fault, written as for `sim --fault`."),
    Verb::new(
        "clear-faults",
        Use::Act,
        &[may("name")],
        "Disarms all faults and ends what they brought about, or disarms those of one name.",
    ),
    Verb::new(
        "fill",
        Use::Act,
        &[CLIENT, ORDER_ID, ORDER_REF, PERM_ID, may("quantity")],
        "Fills a working order, whatever the market says: at its limit, or in the middle of the market.",
    ),
    Verb::new("cancel", Use::Act, &ORDER, "Cancels a working order that nobody asked to cancel."),
    Verb::new(
        "reject",
        Use::Act,
        &[CLIENT, ORDER_ID, ORDER_REF, PERM_ID, may("reason")],
        "Rejects an order that is working already (201 and Inactive).",
    ),
    Verb::new("expire", Use::Act, &ORDER, "Ends a working order as if its time had come."),
    Verb::new(
        "correct",
        Use::Act,
        &[may("exec_id"), may("price"), may("quantity")],
        "Says an execution again with another price or quantity; the books follow.",
    ),
    Verb::new(
        "bust",
        Use::Act,
        &[may("exec_id")],
        "Takes an execution back: said again with a quantity of zero.",
    ),
    Verb::new(
        "place-by-hand",
        Use::Act,
        &[must("symbol"), must("side"), must("quantity"), may("limit"), may("account")],
        "Places an order as a person at the screen would; a market order without a limit.",
    ),
    Verb::new(
        "disconnect",
        Use::Act,
        &[may("client"), may("how")],
        "Ends the connection of one client, or all of them; `how` is fin (the default) or rst.",
    ),
    Verb::new(
        "advance",
        Use::Clock,
        &[must("by")],
        "Puts the clock forward (250ms, 30s, 5m, 2h); whatever falls due on the way happens at its instant.",
    ),
    Verb::new("clock", Use::Read, &[], "The venue's time, and whether it stands still."),
    Verb::new(
        "orders",
        Use::Read,
        &[CLIENT, ORDER_REF, may("symbol"), may("open"), may("echo"), may("limit")],
        "Orders as the venue has them, working ones first; with `echo` also as a client hears of them.",
    ),
    Verb::new(
        "executions",
        Use::Read,
        &[CLIENT, ORDER_REF, may("symbol"), may("limit")],
        "Executions as the venue has them, in their latest revision.",
    ),
    Verb::new("positions", Use::Read, &[may("account")], "Positions as the venue has them."),
    Verb::new("accounts", Use::Read, &[may("account")], "Cash by currency, and totals."),
    Verb::new("prices", Use::Read, &[may("symbol")], "The market of each instrument."),
    Verb::new("truth", Use::Read, &[], "Orders, executions, positions, accounts and prices of one moment."),
    Verb::new("connections", Use::Read, &[], "Who is connected."),
    Verb::new("faults", Use::Read, &[], "The faults that are armed and can still happen."),
    Verb::new(
        "counters",
        Use::Read,
        &[],
        "What the gateway has seen: requests, and unsupported ones by name.",
    ),
    Verb::new("decisions", Use::Read, &[may("limit")], "What faults and scenarios decided, the latest last."),
    Verb::new("steps", Use::Read, &[], "The steps of the scenario, and which have been done."),
    Verb::new("help", Use::Read, &[], "This list."),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_verb_and_key_has_one_meaning_and_is_written_like_the_others() {
        let mut names: Vec<_> = VERBS.iter().map(|verb| verb.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), VERBS.len());
        for verb in VERBS {
            assert!(verb.name.bytes().all(|it| it.is_ascii_lowercase() || it == b'-'), "{}", verb.name);
            assert!(verb.what.ends_with('.'), "{}", verb.name);
            let mut keys: Vec<_> = verb.keys.iter().map(|key| key.name).collect();
            keys.sort_unstable();
            keys.dedup();
            assert_eq!(keys.len(), verb.keys.len(), "{}", verb.name);
        }
    }
}
