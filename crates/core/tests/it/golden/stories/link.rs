//! The connection, and what is said on it beside orders.

use alphec_model::broker::{Notice, NoticeClass, ServerLink};
use alphec_model::{BrokerEvent, FarmKind, FarmState, Generation, Side};

use crate::support::World;
use crate::support::broker::{self, Books};
use crate::support::setup::instrument;

const CLASSES: [NoticeClass; 11] = [
    NoticeClass::Dead,
    NoticeClass::Informational,
    NoticeClass::ModifyRefused,
    NoticeClass::Canceled,
    NoticeClass::CancelRefused,
    NoticeClass::NotFound,
    NoticeClass::Link,
    NoticeClass::Pacing,
    NoticeClass::IdTrouble,
    NoticeClass::Request,
    NoticeClass::Unlisted,
];

fn farms(world: &mut World) {
    let kinds = [FarmKind::MarketData, FarmKind::History, FarmKind::Definitions];
    let states = [FarmState::Up, FarmState::Down, FarmState::Dormant, FarmState::Connecting];
    for (kind, state) in kinds.into_iter().cycle().zip(states) {
        let (generation, name) = (world.generation, "usfarm".to_owned());
        world.event(BrokerEvent::Farm { generation, kind, name, state });
    }
}

pub(super) fn links() -> World {
    let mut world = World::started();
    let failed =
        |retry_in_ms| BrokerEvent::ConnectFailed { attempt: 1, retry_in_ms, error: "refused".into() };
    world.event(failed(Some(1_000)));
    world.event(failed(None));
    world.resolve();
    world.event(BrokerEvent::InstrumentUnknown { instrument: instrument("SAP"), why: "several".into() });
    world.session(&["DU1", "DU2"], 42);
    let (id, generation) = (world.asked.take().unwrap(), world.generation);
    world.event(BrokerEvent::SnapshotFailed { id, generation, why: "timed out".into() });
    world.next_books(Books::default());
    world.feed();
    world.submit("a", Side::Buy, "1");
    for link in [ServerLink::Lost, ServerLink::RestoredDataLost, ServerLink::Lost, ServerLink::Restored] {
        world.event(BrokerEvent::ServerLink { generation, link });
    }
    let books = world.rows(&["a"]);
    world.next_books(books);
    world.event(BrokerEvent::Gap { generation, why: "the stream lagged".into() });
    let books = world.rows(&["a"]);
    world.next_books(books);
    farms(&mut world);
    for class in CLASSES {
        world.event(BrokerEvent::Notice(Notice {
            broker_order_id: None,
            code: 399,
            text: "text".into(),
            class,
        }));
    }
    let names = broker::names(&world.order("a"));
    world.event(BrokerEvent::Undecodable { names, why: "no size".into(), raw: "3,?".into() });
    world.event(BrokerEvent::Disconnected { generation: Generation::new(0), why: "late".into() });
    world.disconnect();
    world
}
