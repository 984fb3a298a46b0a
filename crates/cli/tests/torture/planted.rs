//! The comparison finds what it is there for: one difference planted at a time.

use alphec_execution::model::{Decimal, OrderState};
use serde_json::{Value, json};

use crate::books::{Books, History, Kept, Shown, Truth};
use crate::compare::{Compared, Excuse, Kind, compare};

const REF: &str = "ax2.52f7bdef.1.xjzbyzf3eo.c";
const FILLED_REF: &str = "ax2.52f7bdef.2.xjzbyzf3eo.c";

/// What the broker, the list and the journal say.
#[derive(Clone)]
struct World {
    before: Value,
    after: Value,
    view: Value,
    kept: Vec<Kept>,
    executions: Vec<&'static str>,
}

/// Both orders are the same everywhere: one works and is partly filled, one is filled.
fn agreeing() -> World {
    let truth = json!({
        "orders": [there(REF, "Submitted", "2"), there(FILLED_REF, "Filled", "5")],
        "executions": [
            { "exec_id": "e1.01", "order_ref": REF, "price": "229", "quantity": "2" },
            { "exec_id": "e2.01", "order_ref": FILLED_REF, "price": "229", "quantity": "5" },
        ],
        "positions": [{ "con_id": 265_598, "quantity": "7" }],
    });
    let view = json!({ "orders": [shown("a", REF, "working", "2"), shown("b", FILLED_REF, "filled", "5")] });
    let kept = Shown::read(&view).unwrap().iter().map(Shown::kept).collect();
    World { before: truth.clone(), after: truth, view, kept, executions: vec!["e1.01", "e2.01"] }
}

fn there(order_ref: &str, status: &str, filled: &str) -> Value {
    let remaining = if filled == "5" { "0" } else { "3" };
    json!({
        "order_ref": order_ref, "status": status, "side": "BUY", "quantity": "5", "type": "LMT",
        "limit": "229", "stop": null, "tif": "DAY", "filled": filled, "remaining": remaining,
        "commission": "1", "perm_id": 77,
        "ended_at": if status == "Filled" { json!("2026-11-26T23:28:25Z") } else { Value::Null },
    })
}

fn shown(key: &str, order_ref: &str, state: &str, filled: &str) -> Value {
    let at = "2026-11-26T23:28:23.541267321Z";
    json!({
        "client_order_id": key, "strategy_id": "load", "account": "DU1234567", "instrument": "AAPL",
        "correlation_id": "01a21a30-4fe9-7279-8c20-130277abca0e", "order_ref": order_ref, "perm_id": 77,
        "spec": terms("5", "229"), "version": 1, "state": state, "pending": {}, "cum_qty": filled,
        "cum_value": if filled == "5" { "1145" } else { "458" }, "commission": "1", "created_at": at,
        "updated_at": at, "leaves_qty": if filled == "5" { "0" } else { "3" }, "avg_px": "229",
    })
}

fn terms(qty: &str, limit: &str) -> Value {
    json!({
        "side": "buy", "order_qty": qty, "order_type": { "type": "limit", "limit_px": limit },
        "time_in_force": { "tif": "day" },
    })
}

fn change(spec: &Value) -> Value {
    json!({
        "spec": spec, "version": 2, "asked_at": "2026-11-26T23:28:23.541267321Z", "staged": false,
        "correlation_id": "01a21a30-4fe9-7279-8c20-130277abca0e",
    })
}

impl World {
    fn compared(&self) -> Compared {
        let view = Shown::read(&self.view).unwrap();
        let [before, after] = [&self.before, &self.after].map(Truth::read);
        let histories =
            ["a", "b"].iter().zip(&self.kept).map(|(key, kept)| (*key, History::of(kept.clone())));
        let mut books = Books::holding(histories, &self.executions);
        books.hold(265_598, "7".parse().unwrap());
        let mut compared = compare(&view, [&before, &after], &books);
        compared.violations.extend(books.check_fills(&after).err());
        compared.violations.extend(books.check_intents(&after).err());
        compared
    }

    fn kinds(&self) -> Vec<Kind> {
        self.compared().violations.iter().map(|violation| violation.kind).collect()
    }
}

#[test]
fn books_that_agree_are_found_to() {
    let compared = agreeing().compared();
    assert!(compared.violations.is_empty() && compared.excuses.is_empty(), "{compared:?}");
    assert_eq!(compared.orders, [2, 2]);
}

#[test]
fn each_planted_difference_is_found() {
    type Plant = fn(&mut World);
    let plants: [(Kind, Plant); 22] = [
        (Kind::State, |it| it.view["orders"][0]["state"] = json!("canceled")),
        (Kind::State, |it| it.view["orders"][0]["state"] = json!("pending_new")),
        (Kind::State, |it| it.view["orders"][0]["state"] = json!("in_doubt")),
        (Kind::State, |it| it.view["orders"][1]["state"] = json!("canceled")),
        (Kind::State, |it| it.view["orders"][1]["state"] = json!("working")),
        (Kind::State, |it| it.view["orders"][1]["state"] = json!("rejected")),
        (Kind::Filled, |it| it.view["orders"][0]["cum_qty"] = json!("1")),
        (Kind::Filled, |it| it.view["orders"][1]["cum_value"] = json!("1144.99")),
        (Kind::Commission, |it| it.view["orders"][1]["commission"] = json!("0")),
        (Kind::Terms, |it| it.view["orders"][0]["spec"] = terms("5", "228")),
        (Kind::Terms, |it| it.view["orders"][0]["spec"]["side"] = json!("sell")),
        (Kind::Terms, |it| it.view["orders"][1]["spec"] = terms("6", "229")),
        (Kind::Terms, |it| it.view["orders"][1]["spec"]["order_type"] = json!({ "type": "market" })),
        (Kind::Terms, |it| it.view["orders"][0]["spec"]["time_in_force"] = json!({ "tif": "gtc" })),
        (Kind::Leaves, |it| it.view["orders"][0]["leaves_qty"] = json!("5")),
        (Kind::Leaves, |it| it.view["orders"][1]["leaves_qty"] = json!("1")),
        (Kind::Leaves, |it| it.after["orders"][0]["remaining"] = json!("4")),
        (Kind::PermId, |it| it.view["orders"][0]["perm_id"] = json!(78)),
        (Kind::Hidden, |it| drop(it.view["orders"].as_array_mut().unwrap().remove(0))),
        (Kind::Invented, |it| drop(it.after["orders"].as_array_mut().unwrap().remove(0))),
        (Kind::Fills, |it| it.executions.truncate(1)),
        (Kind::Positions, |it| it.after["positions"][0]["quantity"] = json!("8")),
    ];
    for (number, (kind, plant)) in plants.into_iter().enumerate() {
        let mut world = agreeing();
        plant(&mut world);
        world.before = world.after.clone();
        assert!(world.kinds().contains(&kind), "{number}: {kind:?}: {:?}", world.compared());
        assert!(world.compared().excuses.is_empty(), "{number}: {kind:?}");
    }
}

#[test]
fn a_list_that_is_not_what_the_journal_makes_is_found() {
    let plants: [fn(&mut Kept); 6] = [
        |kept| kept.state = OrderState::InDoubt,
        |kept| kept.filled = Decimal::ONE,
        |kept| kept.value = Decimal::ONE,
        |kept| kept.version = 2,
        |kept| kept.spec.order_qty = "4".parse().unwrap(),
        |kept| kept.order_ref = None,
    ];
    for plant in plants {
        let mut world = agreeing();
        plant(&mut world.kept[0]);
        assert!(world.kinds().contains(&Kind::Journal), "{:?}", world.compared());
    }
    let mut world = agreeing();
    world.kept.pop();
    assert!(world.kinds().contains(&Kind::Journal), "an order that the journal does not have");
    let mut world = agreeing();
    world.view["orders"].as_array_mut().unwrap().pop();
    assert!(world.kinds().contains(&Kind::Journal), "an order that only the journal has");
}

#[test]
fn an_order_that_is_twice_or_not_on_record_is_found() {
    let mut world = agreeing();
    let twin = world.after["orders"][0].clone();
    world.after["orders"].as_array_mut().unwrap().push(twin);
    assert!(world.kinds().contains(&Kind::SentTwice));
    let mut world = agreeing();
    world.after["orders"].as_array_mut().unwrap().push(there(
        "ax2.52f7bdef.9.xjzbyzf3eo.c",
        "Submitted",
        "2",
    ));
    assert!(world.kinds().contains(&Kind::Unrecorded) && world.kinds().contains(&Kind::Hidden));
}

#[test]
fn an_older_state_is_allowed_only_where_the_broker_moved_on() {
    let mut world = agreeing();
    world.after["orders"][0]["status"] = json!("Cancelled");
    world.after["orders"][0]["ended_at"] = json!("2026-11-26T23:28:25Z");
    let compared = world.compared();
    assert_eq!((compared.violations.len(), compared.excuses.get(&Excuse::Moved)), (0, Some(&1)));
    world.before = world.after.clone();
    assert_eq!(world.kinds(), [Kind::State]);
}

#[test]
fn other_terms_are_allowed_only_where_a_change_to_them_is_unanswered() {
    for place in ["replace", "given_up"] {
        let mut world = agreeing();
        world.after["orders"][0]["limit"] = json!("228");
        world.before = world.after.clone();
        assert_eq!(world.kinds(), [Kind::Terms]);
        let pending = |spec: &Value| {
            if place == "replace" { json!({ place: change(spec) }) } else { json!({ place: [change(spec)] }) }
        };
        world.view["orders"][0]["pending"] = pending(&terms("5", "227"));
        assert_eq!(world.kinds(), [Kind::Terms], "not to these");
        world.view["orders"][0]["pending"] = pending(&terms("5", "228"));
        let compared = world.compared();
        assert_eq!((compared.violations.len(), compared.excuses.get(&Excuse::EitherTerms)), (0, Some(&1)));
    }
}

#[test]
fn an_ended_order_may_have_the_terms_that_were_asked_for_last_and_no_others() {
    let mut world = agreeing();
    world.after["orders"][1]["limit"] = json!("230");
    world.before = world.after.clone();
    let [before, after] = [&world.before, &world.after].map(Truth::read);
    let view = Shown::read(&world.view).unwrap();
    for (asked, found) in [("230", None), ("231", Some(Kind::Terms))] {
        let mut history = History::of(world.kept[1].clone());
        history.ask(2, serde_json::from_value(terms("5", asked)).unwrap());
        let books = Books::holding([("a", History::of(world.kept[0].clone())), ("b", history)], &[]);
        let compared = compare(&view, [&before, &after], &books);
        assert_eq!(compared.violations.first().map(|it| it.kind), found, "{compared:?}");
        assert_eq!(compared.excuses.contains_key(&Excuse::EndedFirst), found.is_none());
    }
}

#[test]
fn only_news_that_can_be_late_are_looked_at_again() {
    let late: Vec<Kind> = Kind::ALL.into_iter().filter(|kind| kind.may_be_late()).collect();
    assert_eq!(
        late,
        [
            Kind::State,
            Kind::Filled,
            Kind::Commission,
            Kind::Terms,
            Kind::Leaves,
            Kind::Fills,
            Kind::Positions
        ]
    );
}
