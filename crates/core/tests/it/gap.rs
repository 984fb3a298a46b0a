//! Gap epochs: what consumers see of messages that may be missing (reliability notes §4.4, §1.8 of the
//! broker's behaviours: nothing of an outage is replayed).

use alphec_model::broker::{OrderNames, ServerLink};
use alphec_model::{AlertKind, Body, BrokerEvent, CancelScope, Command, CorrelationId, Side};

use crate::support::broker::Books;
use crate::support::setup::seconds;
use crate::support::{Seen, World};

/// Gap events of a step: the epoch, and whether it opens.
fn gaps(seen: &Seen) -> Vec<(u64, bool)> {
    let of = |body: &Body| match body {
        Body::GapOpened { epoch, .. } => Some((*epoch, true)),
        Body::GapClosed { epoch } => Some((*epoch, false)),
        _ => None,
    };
    seen.0.events.iter().filter_map(|event| of(&event.record.body)).collect()
}

#[test]
fn every_way_to_miss_messages_opens_a_gap_that_complete_lists_close() {
    let mut world = World::ready();
    assert_eq!(world.core.readiness().gap, None);
    let mut epoch = 1;
    let lost = |world: &World, link| BrokerEvent::ServerLink { generation: world.generation, link };
    let ways: [fn(&mut World) -> Seen; 3] = [
        |world| world.disconnect(),
        |world| world.event(BrokerEvent::Gap { generation: world.generation, why: "lagged".into() }),
        |world| world.connect(),
    ];
    for way in ways {
        epoch += 1;
        let seen = way(&mut world);
        assert_eq!(gaps(&seen), [(epoch, true)]);
        assert_eq!(world.core.readiness().gap, Some(epoch));
        if !world.core.readiness().is_ready() && world.asked.is_none() {
            world.connect();
        }
        assert_eq!(gaps(&world.next_books(Books::default())), [(epoch, false)]);
        assert!(world.core.readiness().is_ready());
    }
    for link in [ServerLink::Lost, ServerLink::RestoredDataLost] {
        let event = lost(&world, link);
        let seen = world.event(event);
        assert_eq!(gaps(&seen).len(), usize::from(link == ServerLink::Lost), "one outage is one gap");
    }
    assert_eq!(gaps(&world.next_books(Books::default())), [(epoch + 1, false)]);
}

#[test]
fn a_difference_right_after_a_gap_is_looked_at_twice_before_the_gap_closes() {
    let ways: [&[ServerLink]; 3] =
        [&[], &[ServerLink::Lost, ServerLink::Restored], &[ServerLink::Lost, ServerLink::RestoredDataLost]];
    for way in ways {
        let mut world = World::ready();
        let generation = world.generation;
        for link in way {
            world.event(BrokerEvent::ServerLink { generation, link: *link });
        }
        if way.is_empty() {
            world.event(BrokerEvent::Gap { generation, why: "lagged".into() });
        }
        let positions = vec![crate::support::broker::position("AAPL", "5")];
        let differs = Books { positions, ..Books::default() };
        assert_eq!(gaps(&world.next_books(differs.clone())), [], "{way:?}");
        assert!(!world.core.readiness().is_ready(), "{way:?}");
        let seen = world.next_books(differs);
        assert!(seen.has("position_broken") && gaps(&seen) == [(2, false)], "{way:?}");
    }
}

#[test]
fn lists_asked_for_before_the_gap_do_not_close_it() {
    let mut world = World::ready();
    let generation = world.generation;
    let lag = || BrokerEvent::Gap { generation, why: "lagged".into() };
    world.wait(seconds(60));
    let early = world.asked.take().unwrap();
    world.event(lag());
    let seen = world.event(Books::default().snapshot(early, generation));
    assert_eq!(gaps(&seen), []);
    assert!(!world.core.readiness().is_ready());
    world.next_books(Books::default());
    assert!(world.core.readiness().is_ready());
}

#[test]
fn a_failed_list_leaves_the_gap_open_and_the_time_without_a_process_is_a_gap() {
    let mut world = World::working("a", Side::Buy, "1");
    assert_eq!(gaps(&world.restart()), [(2, true)]);
    world.resolve();
    world.connect();
    let (id, generation) = (world.asked.take().unwrap(), world.generation);
    world.event(BrokerEvent::SnapshotFailed { id, generation, why: "timed out".into() });
    assert_eq!(world.core.readiness().gap, Some(2));
}

#[test]
fn a_ready_link_on_which_nothing_happens_has_the_books_read_every_minute() {
    let mut world = World::ready();
    world.next_books(Books::default());
    let waits: Vec<_> = (0..5)
        .map(|_| {
            let before = world.now;
            world.next_books(Books::default());
            world.now.since(before)
        })
        .collect();
    assert_eq!(waits, [seconds(60); 5]);
}

#[test]
fn nothing_new_is_sent_once_the_books_could_not_be_read_for_three_rounds() {
    let mut world = World::ready();
    let every = world.core.config().reconcile_every;
    let began = world.now;
    while world.core.readiness().is_ready() {
        assert!(world.now.since(began) <= every * 5, "it goes on for ever");
        while world.asked.is_none() {
            world.wait(seconds(1));
        }
        let (id, generation) = (world.asked.take().unwrap(), world.generation);
        world.event(BrokerEvent::SnapshotFailed { id, generation, why: "a row does not decode".into() });
    }
    assert!(world.now.since(began) >= every * 2, "{:?}", world.now.since(began));
    world.feed();
    assert!(world.submit("a", Side::Buy, "1").denied().to_string().contains("link"));
    world.next_books(Books::default());
    assert!(world.core.readiness().is_ready());
}

/// What keeps the books from being read, in three ways.
const SPOILED: [fn(&mut World); 3] = [
    |world| {
        world.event(BrokerEvent::Gap {
            generation: world.generation,
            why: "an order without its size".into(),
        });
    },
    |world| {
        let (id, generation) = (world.asked.take().unwrap(), world.generation);
        world.event(BrokerEvent::SnapshotFailed { id, generation, why: "refused".into() });
    },
    |world| {
        let (names, raw) = (OrderNames::default(), String::new());
        world.event(BrokerEvent::Undecodable { names, why: "a position without its size".into(), raw });
        SPOILED[1](world);
    },
];

/// How long after each attempt that is spoiled this way the next one is made.
fn waits(world: &mut World, spoil: fn(&mut World), attempts: usize) -> Vec<u64> {
    let wait = |_| {
        let before = world.now;
        spoil(world);
        world.asked = None;
        while world.asked.is_none() {
            world.wait(seconds(1));
        }
        world.now.since(before).as_secs()
    };
    (0..attempts).map(wait).collect()
}

/// What the lists hold and cannot be understood is in them the next time too: read every few seconds it would fill
/// the journal and keep the broker busy for nothing.
#[test]
fn books_that_cannot_be_read_are_read_ever_more_rarely_up_to_once_a_minute() {
    let expected = [3, 3, 3, 3, 3, 6, 12, 24, 48, 60, 60];
    for spoil in SPOILED {
        let mut world = World::ready();
        world.wait(seconds(60));
        assert_eq!(waits(&mut world, spoil, 11), expected);
        // Nobody who asks is kept waiting, and whoever asked is served as if nothing had been before.
        spoil(&mut world);
        world.asked = None;
        world.wait(seconds(5));
        assert!(world.asked.is_none());
        world.command(Command::Reconcile { correlation_id: CorrelationId::new("work").unwrap() });
        assert!(world.asked.is_some());
        assert_eq!(waits(&mut world, spoil, 11), expected);
        // So does a new connection, servers that are back, and books that were read.
        world.connect();
        assert_eq!(waits(&mut world, spoil, 11), expected);
        let generation = world.generation;
        for link in [ServerLink::Lost, ServerLink::Restored] {
            world.event(BrokerEvent::ServerLink { generation, link });
        }
        assert_eq!(waits(&mut world, spoil, 11), expected);
        world.next_books(Books::default());
        world.wait(seconds(60));
        assert_eq!(waits(&mut world, spoil, 11), expected);
    }
}

#[test]
fn while_a_cancel_or_a_kill_waits_for_the_books_attempts_are_at_most_a_quarter_of_a_minute_apart() {
    for is_kill in [false, true] {
        let mut world = World::working("a", Side::Buy, "1");
        world.wait(seconds(60));
        if is_kill {
            world.kill(CancelScope::All);
            world.status("a", "Cancelled", "0");
        } else {
            world.cancel("a");
        }
        world.connect();
        let lasting = waits(&mut world, SPOILED[0], 12);
        assert_eq!(lasting[8..], [15; 4], "{is_kill}");
    }
}

#[test]
fn books_that_are_broken_off_time_and_again_are_told_once() {
    let mut world = World::ready();
    world.wait(seconds(60));
    let mut told = 0;
    for _ in 0..12 {
        let (generation, why) = (world.generation, "lagged".to_owned());
        told += world.event(BrokerEvent::Gap { generation, why }).alerts(AlertKind::Anomaly);
        world.wait(seconds(60));
    }
    assert_eq!(told, 1);
}

/// The answer on its way may be older than what asked for another look.
#[test]
fn a_look_that_is_asked_for_during_a_reading_follows_it() {
    let mut world = World::ready();
    world.wait(seconds(60));
    let during = world.asked.take().unwrap();
    world.command(Command::Reconcile { correlation_id: CorrelationId::new("work").unwrap() });
    assert_eq!(world.asked, None);
    world.event(Books::default().snapshot(during, world.generation));
    world.wait(seconds(3));
    assert!(world.asked.is_some());
}

#[test]
fn a_message_about_an_order_that_cannot_be_understood_opens_a_gap_and_one_about_none_does_not() {
    let mut world = World::working("a", Side::Buy, "1");
    let undecodable = |names| BrokerEvent::Undecodable { names, why: "no size".into(), raw: String::new() };
    world.event(undecodable(OrderNames::default()));
    assert!(world.core.readiness().is_ready());
    let names = crate::support::broker::names(&world.order("a"));
    assert!(world.event(undecodable(names)).has("gap_opened"));
    assert!(!world.core.readiness().is_ready());
    let books = world.rows(&["a"]);
    world.next_books(books);
    assert!(world.core.readiness().is_ready());
}
