//! The comparison of the books, order by order: state, quantities, money and terms. Where it is certain what has to be
//! shown, only that will do; [`STATES`] and [`Excuse`] are all that is allowed besides, and each use is counted.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use alphec_execution::model::{Decimal, OrderState};

use crate::books::{Books, Shown, Terms, There, Truth};

/// What an order is shown as, by its status at the broker.
const STATES: [(&str, OrderState); 6] = [
    ("PreSubmitted", OrderState::Working),
    ("Submitted", OrderState::Working),
    // Until it has ended it can fill.
    ("PendingCancel", OrderState::Working),
    ("Filled", OrderState::Filled),
    ("Cancelled", OrderState::Canceled),
    ("Inactive", OrderState::Rejected),
];

/// Why two books may differ for a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Excuse {
    /// The order changed at the broker while the engine was starting, and is shown as it was before: a cancel or a
    /// change that the life before had sent, or that was sent again, was on its way.
    Moved,
    /// The broker has the terms of a change of which the engine knows that it may still take effect.
    EitherTerms,
    /// The broker has the terms of a change that was on record and unanswered when the order ended: what ended it names
    /// no terms, and those last known to be in force are shown.
    EndedFirst,
    /// The journal has more of the order than was shown: something came after the list was made.
    WentOn,
}

impl Excuse {
    pub(crate) const ALL: [Self; 4] = [Self::Moved, Self::EitherTerms, Self::EndedFirst, Self::WentOn];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Moved => "changed while the engine started",
            Self::EitherTerms => "a change in flight, either terms",
            Self::EndedFirst => "ended with a change unanswered, either terms",
            Self::WentOn => "the journal went on after the list",
        }
    }
}

/// What is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// The journal does not verify, or makes no sense.
    Chain,
    /// One intent is there twice.
    SentTwice,
    /// An order at the broker that no record has.
    Unrecorded,
    /// An order at the broker that is not shown.
    Hidden,
    /// An order is shown as open, and the broker has none.
    Invented,
    /// Its state.
    State,
    /// How much of it is filled, or for how much money.
    Filled,
    /// What it cost.
    Commission,
    /// Side, size, type, price or life.
    Terms,
    /// What can still fill.
    Leaves,
    /// Its permanent id.
    PermId,
    /// An order as shown is not what the journal makes of it.
    Journal,
    /// An execution that is booked otherwise than once.
    Fills,
    /// A position.
    Positions,
    /// An engine that ends by itself, or does not come back.
    Restart,
}

impl Kind {
    pub(crate) const ALL: [Self; 15] = [
        Self::Chain,
        Self::SentTwice,
        Self::Unrecorded,
        Self::Hidden,
        Self::Invented,
        Self::State,
        Self::Filled,
        Self::Commission,
        Self::Terms,
        Self::Leaves,
        Self::PermId,
        Self::Journal,
        Self::Fills,
        Self::Positions,
        Self::Restart,
    ];

    /// Whether news that come after the list was made can look like that: a fill, an end, a change.
    pub(crate) const fn may_be_late(self) -> bool {
        matches!(
            self,
            Self::State
                | Self::Filled
                | Self::Commission
                | Self::Terms
                | Self::Leaves
                | Self::Fills
                | Self::Positions
        )
    }

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Chain => "chains broken",
            Self::SentTwice => "sent twice",
            Self::Unrecorded => "not on record",
            Self::Hidden => "hidden",
            Self::Invented => "invented",
            Self::State => "states",
            Self::Filled => "filled quantities",
            Self::Commission => "commissions",
            Self::Terms => "terms",
            Self::Leaves => "leaves",
            Self::PermId => "permanent ids",
            Self::Journal => "view and journal",
            Self::Fills => "fills booked otherwise than once",
            Self::Positions => "positions",
            Self::Restart => "restarts",
        }
    }
}

/// One thing that must not be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Violation {
    pub(crate) kind: Kind,
    pub(crate) what: String,
}

impl Violation {
    pub(crate) fn new(kind: Kind, what: impl Into<String>) -> Self {
        Self { kind, what: what.into() }
    }
}

impl From<Violation> for Vec<Violation> {
    fn from(violation: Violation) -> Self {
        vec![violation]
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.kind.name(), self.what)
    }
}

/// What a comparison came to.
#[derive(Debug, Default)]
pub(crate) struct Compared {
    /// Orders of the broker's that were compared, and of the journal's.
    pub(crate) orders: [usize; 2],
    pub(crate) excuses: BTreeMap<Excuse, usize>,
    pub(crate) violations: Vec<Violation>,
}

impl Compared {
    fn put(&mut self, found: Result<Option<Excuse>, Violation>) {
        match found {
            Ok(Some(excuse)) => *self.excuses.entry(excuse).or_default() += 1,
            Ok(None) => {}
            Err(violation) => self.violations.push(violation),
        }
    }
}

/// The orders that a restarted engine shows against the truth before and after that restart, and against the journal.
pub(crate) fn compare(view: &[Shown], [before, after]: [&Truth; 2], books: &Books) -> Compared {
    let mut compared = Compared { orders: [after.orders.len(), books.orders.len()], ..Compared::default() };
    let shown: BTreeMap<&str, &Shown> =
        view.iter().filter_map(|it| Some((it.order.order_ref.as_ref()?.as_str(), it))).collect();
    let earlier: BTreeMap<&str, &There> = before.orders.iter().map(|it| (&*it.order_ref, it)).collect();
    let there: BTreeSet<&str> = after.orders.iter().map(|it| &*it.order_ref).collect();
    for order in &after.orders {
        let order_ref = &*order.order_ref;
        compared.put(match shown.get(order_ref) {
            None => Err(Violation::new(Kind::Hidden, order_ref)),
            Some(shown) => with_time((shown, books), earlier.get(order_ref).copied(), order),
        });
    }
    for (order_ref, shown) in &shown {
        if !shown.order.state.is_terminal() && !there.contains(order_ref) {
            let what = format!("{order_ref} is shown as {}, and not at the broker", shown.order.state);
            compared.put(Err(Violation::new(Kind::Invented, what)));
        }
    }
    let listed: BTreeMap<_, _> = view.iter().map(|it| (&it.order.client_order_id, it)).collect();
    for (key, history) in &books.orders {
        compared.put(match listed.get(key).map(|shown| shown.kept()) {
            Some(kept) if kept == history.now => Ok(None),
            Some(kept) if history.before.contains(&kept) => Ok(Some(Excuse::WentOn)),
            kept => Err(Violation::new(
                Kind::Journal,
                format!("{key} is shown as {kept:?}, the journal has {:?}", history.now),
            )),
        });
    }
    for key in listed.keys().filter(|key| !books.orders.contains_key(**key)) {
        compared.put(Err(Violation::new(Kind::Journal, format!("{key} is shown, and not in the journal"))));
    }
    compared
}

/// As it is now; or as it was, where that is something else.
fn with_time(
    (shown, books): (&Shown, &Books),
    before: Option<&There>,
    after: &There,
) -> Result<Option<Excuse>, Violation> {
    let asked: Vec<Terms> = books
        .orders
        .get(&shown.order.client_order_id)
        .into_iter()
        .flat_map(|history| history.unanswered())
        .map(Terms::of)
        .collect();
    agree(shown, &asked, after).or_else(|violation| match before {
        Some(before) if before != after && agree(shown, &asked, before).is_ok() => Ok(Some(Excuse::Moved)),
        _ => Err(violation),
    })
}

/// Whether an order is shown as it stands at the broker; `asked` are terms of changes that nobody answered.
fn agree(shown: &Shown, asked: &[Terms], there: &There) -> Result<Option<Excuse>, Violation> {
    let order = &shown.order;
    let differ = |kind, ours: &dyn fmt::Debug, theirs: &dyn fmt::Debug| {
        let order_ref = &there.order_ref;
        Err(Violation::new(
            kind,
            format!("{order_ref} is shown with {ours:?}, the broker has {theirs:?}: {shown:?}, {there:?}"),
        ))
    };
    let state = STATES.iter().find(|(status, _)| *status == there.status).map(|(_, state)| *state);
    if state != Some(order.state) || order.state.is_terminal() != there.is_over {
        return differ(Kind::State, &order.state, &there.status);
    }
    let ours = (order.cum_qty.get(), order.cum_value);
    if ours != (there.filled, there.value) {
        return differ(Kind::Filled, &ours, &(there.filled, there.value));
    }
    if order.commission != there.commission {
        return differ(Kind::Commission, &order.commission, &there.commission);
    }
    if order.perm_id.is_some_and(|id| id.get() != there.perm_id) {
        return differ(Kind::PermId, &order.perm_id, &there.perm_id);
    }
    let terms = Terms::of(&order.spec);
    let leaves =
        if there.is_over { Decimal::ZERO } else { (terms.quantity - there.filled).max(Decimal::ZERO) };
    if shown.leaves != leaves {
        return differ(Kind::Leaves, &shown.leaves, &leaves);
    }
    if terms == there.terms {
        let is_left = there.is_over || there.remaining == leaves;
        return if is_left { Ok(None) } else { differ(Kind::Leaves, &leaves, &there.remaining) };
    }
    let open = order.pending.replace.iter().chain(&order.pending.given_up);
    if open.map(|replace| Terms::of(&replace.spec)).any(|terms| terms == there.terms) {
        return Ok(Some(Excuse::EitherTerms));
    }
    if there.is_over && asked.contains(&there.terms) {
        return Ok(Some(Excuse::EndedFirst));
    }
    differ(Kind::Terms, &terms, &there.terms)
}
