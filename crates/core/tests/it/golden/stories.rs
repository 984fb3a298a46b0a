//! What the golden journals tell. A story is told once, when its file is written; what the machine decides may change
//! later, and then the file stays as it is. They are run all the same: each step of a world is checked.

mod link;
mod orders;
mod stops;

use alphec_model::{OrderRef, OrderSpec, Side};

use crate::support::World;
use crate::support::setup::limit;

/// Told into the payloads of a journal.
pub(super) type Story = fn() -> Vec<String>;

pub(super) const STORIES: [(&str, Story); 11] = [
    ("a_day", || told(&orders::a_day())),
    ("changes", || told(&orders::changes())),
    ("doubts", || told(&orders::doubts())),
    ("groups", || told(&orders::groups())),
    ("refusals", || told(&orders::refusals())),
    ("stops", || told(&stops::stops())),
    ("others", || told(&stops::others())),
    ("links", || told(&link::links())),
    ("twice", || told(&orders::twice())),
    ("watches", || told(&orders::watches())),
    ("first_references", first_references),
];

fn told(world: &World) -> Vec<String> {
    world.checker.records.iter().map(|record| serde_json::to_string(record).unwrap()).collect()
}

fn buy(qty: &str) -> OrderSpec {
    limit(Side::Buy, qty, "100")
}

/// As before references had a print of the terms: `ax1.<log>.<number>.<check>`.
fn first_references() -> Vec<String> {
    let mut world = World::working("a", Side::Buy, "10");
    world.submit("b", Side::Sell, "5");
    world.open_order("b", "Submitted");
    world.fill("a", "0001.01", "4");
    let references: Vec<OrderRef> =
        ["a", "b"].iter().map(|name| world.order(name).order_ref.unwrap()).collect();
    let first_form = |text: String, reference: &OrderRef| {
        text.replace(reference.as_str(), first_form_of(reference).as_str())
    };
    told(&world).into_iter().map(|text| references.iter().fold(text, first_form)).collect()
}

/// The one check character that makes it a reference.
fn first_form_of(reference: &OrderRef) -> OrderRef {
    let intent = reference.intent().unwrap();
    let of = |check| OrderRef::new(format!("ax1.{}.{}.{check}", intent.log, intent.number)).unwrap();
    ('a'..='z').chain('2'..='7').map(of).find(|reference| reference.intent().is_some()).unwrap()
}
