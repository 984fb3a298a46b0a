//! What a code does depends on where the order stands.

use alphec_model::broker::{Notice, NoticeClass};
use alphec_model::{AlertKind, BrokerEvent, OrderState, Side};

use crate::support::World;
use crate::support::broker::Books;
use crate::support::setup::seconds;

const DEAD: [i32; 4] = [110, 200, 201, 203];

fn pending() -> World {
    let mut world = World::ready();
    world.submit("a", Side::Buy, "10");
    world
}

fn code(world: &World) -> Option<i32> {
    world.order("a").reject_reason.map(|reason| reason.code)
}

#[test]
fn a_code_alone_rejects_an_order_that_was_not_acknowledged() {
    for number in DEAD {
        let mut world = pending();
        let seen = world.notice("a", number, NoticeClass::Dead);
        assert_eq!((world.state("a"), code(&world)), (OrderState::Rejected, Some(number)));
        assert_eq!(seen.alerts(AlertKind::OrderRejected), 1);
        assert_eq!(world.reserved_buys("AAPL"), "0");
    }
    let mut world = pending();
    let seen = world.notice("a", 103, NoticeClass::IdTrouble);
    assert_eq!((world.state("a"), seen.alerts(AlertKind::Anomaly)), (OrderState::Rejected, 1));
}

#[test]
fn a_refusal_with_a_status_rejects_in_whatever_order_they_come() {
    type Script = &'static [&'static str];
    let scripts: [Script; 6] = [
        &["201", "Inactive"],
        &["Inactive", "201"],
        &["201", "Cancelled"],
        &["Cancelled", "201"],
        &["PreSubmitted", "201", "Inactive"],
        &["PreSubmitted", "201", "Cancelled"],
    ];
    for script in scripts {
        let mut world = pending();
        for word in script {
            match *word {
                "201" => world.notice("a", 201, NoticeClass::Dead),
                status => world.status("a", status, "0"),
            };
        }
        assert_eq!((world.state("a"), code(&world)), (OrderState::Rejected, Some(201)), "{script:?}");
        world.open_order("a", "Inactive");
        assert_eq!(world.state("a"), OrderState::Rejected, "{script:?}");
    }
}

#[test]
fn inactive_alone_stays_live() {
    let mut world = pending();
    world.open_order("a", "Inactive");
    world.status("a", "Inactive", "0");
    assert_eq!((world.state("a"), world.reserved_buys("AAPL")), (OrderState::Working, "10".into()));
}

#[test]
fn a_rejected_order_that_stays_listed_as_inactive_stays_rejected() {
    let mut world = pending();
    world.notice("a", 201, NoticeClass::Dead);
    world.now = world.now.saturating_add(seconds(1));
    let mut books = world.rows(&["a"]);
    books.open[0].status = alphec_model::broker::BrokerStatus::Inactive;
    world.next_books(books);
    assert_eq!(world.state("a"), OrderState::Rejected);
}

#[test]
fn a_dead_code_about_a_live_order_decides_nothing_by_itself() {
    let mut world = World::working("a", Side::Buy, "10");
    let seen = world.notice("a", 201, NoticeClass::Dead);
    assert_eq!((world.state("a"), seen.alerts(AlertKind::Anomaly)), (OrderState::Working, 1));
    assert!(seen.snapshots() == 1 || world.wait(seconds(3)).snapshots() == 1, "the lists are asked");
}

#[test]
fn a_code_that_may_answer_the_cancel_does_not_reject_an_order_in_doubt() {
    let mut world = pending();
    world.wait(seconds(5));
    world.cancel("a");
    world.notice("a", 321, NoticeClass::Dead);
    assert_eq!((world.state("a"), world.reserved_buys("AAPL")), (OrderState::InDoubt, "10".into()));
    let mut world = pending();
    world.wait(seconds(5));
    world.notice("a", 201, NoticeClass::Dead);
    assert_eq!(world.state("a"), OrderState::Rejected, "no cancel: it answers the order");
}

#[test]
fn canceled_by_the_broker_keeps_its_reason_and_canceled_by_us_has_none() {
    let mut world = World::working("a", Side::Buy, "10");
    world.notice("a", 202, NoticeClass::Canceled);
    assert_eq!((world.state("a"), code(&world)), (OrderState::Canceled, Some(202)));
    let mut world = World::working("a", Side::Buy, "10");
    world.cancel("a");
    world.status("a", "Cancelled", "0");
    world.notice("a", 202, NoticeClass::Canceled);
    assert_eq!((world.state("a"), code(&world)), (OrderState::Canceled, None));
    let mut world = World::working("a", Side::Buy, "10");
    world.cancel("a");
    world.notice("a", 202, NoticeClass::Canceled);
    assert_eq!((world.state("a"), code(&world)), (OrderState::Canceled, None));
}

#[test]
fn informational_link_and_data_codes_do_nothing() {
    for class in [NoticeClass::Informational, NoticeClass::Link, NoticeClass::Request] {
        let mut world = pending();
        let seen = world.notice("a", 399, class);
        assert_eq!((seen.kinds(), seen.0.requests.len()), (vec!["observed"], 0));
        assert_eq!(world.state("a"), OrderState::PendingNew);
    }
}

#[test]
fn an_unlisted_code_or_a_pacing_one_puts_an_unanswered_order_in_doubt() {
    for class in [NoticeClass::Unlisted, NoticeClass::Pacing] {
        let mut world = pending();
        world.notice("a", 10_318, class);
        assert_eq!((world.state("a"), world.reserved_buys("AAPL")), (OrderState::InDoubt, "10".into()));
        assert_eq!(world.wait(seconds(3)).snapshots(), 1);
        let mut world = World::working("a", Side::Buy, "10");
        world.notice("a", 10_318, class);
        assert_eq!(world.state("a"), OrderState::Working);
    }
}

#[test]
fn an_error_that_names_no_order_asks_for_the_books_while_one_is_unanswered() {
    let mut world = pending();
    let event = || {
        let class = NoticeClass::Dead;
        BrokerEvent::Notice(Notice { broker_order_id: None, code: 321, text: "read-only".into(), class })
    };
    world.event(event());
    assert_eq!(world.state("a"), OrderState::PendingNew);
    assert_eq!(world.wait(seconds(3)).snapshots(), 1);
}

#[test]
fn a_storm_of_codes_asks_for_the_books_at_a_bounded_rate() {
    let mut world = World::working("a", Side::Buy, "10");
    let mut asked = 0;
    for _ in 0..1_000 {
        asked += world.notice("a", 10_318, NoticeClass::Unlisted).snapshots();
        asked += world.wait(std::time::Duration::from_millis(10)).snapshots();
        if world.asked.is_some() {
            let books = world.rows(&["a"]);
            world.books(books);
        }
    }
    assert!((1..=4).contains(&asked), "{asked} readings in ten seconds, one each three at most");
}

#[test]
fn the_same_anomaly_is_told_once_a_connection() {
    let mut world = World::working("a", Side::Buy, "10");
    let mut told = 0;
    for _ in 0..50 {
        told += world.notice("a", 10_318, NoticeClass::Unlisted).alerts(AlertKind::Anomaly);
    }
    assert_eq!(told, 1);
    world.reconnect();
    assert_eq!(world.notice("a", 10_318, NoticeClass::Unlisted).alerts(AlertKind::Anomaly), 1);
}

#[test]
fn what_cannot_be_understood_is_raised_and_the_books_are_asked_for() {
    let mut world = World::working("a", Side::Buy, "10");
    let names = crate::support::broker::names(&world.order("a"));
    let raw = "3,?".to_owned();
    let seen = world.event(BrokerEvent::Undecodable { names, why: "no size".into(), raw });
    assert_eq!(seen.alerts(AlertKind::Anomaly), 1);
    assert_eq!(seen.snapshots() + world.wait(seconds(3)).snapshots(), 1);
}

#[test]
fn books_that_cannot_be_read_are_asked_for_again_and_told_once() {
    let mut world = World::started();
    world.resolve();
    world.connect();
    let mut told = 0;
    for _ in 0..5 {
        let id = world.asked.take().unwrap();
        let (generation, why) = (world.generation, "321 read-only".to_owned());
        told += world.event(BrokerEvent::SnapshotFailed { id, generation, why }).alerts(AlertKind::Anomaly);
        assert_eq!(world.wait(seconds(3)).snapshots(), 1);
        assert!(!world.core.readiness().is_ready());
    }
    assert_eq!(told, 1);
    world.books(Books::default());
    assert!(world.core.readiness().is_ready());
}

#[test]
fn books_that_never_come_are_asked_for_anew_and_the_late_answer_is_no_list() {
    let mut world = World::started();
    world.resolve();
    world.connect();
    let first = world.asked.unwrap();
    let seen = world.wait(seconds(121));
    assert_eq!((seen.snapshots(), seen.alerts(AlertKind::Anomaly)), (1, 1));
    world.event(Books::default().snapshot(first, world.generation));
    assert!(!world.core.readiness().is_ready());
    world.books(Books::default());
    assert!(world.core.readiness().is_ready());
}
