//! The link: down, recovering, ready, degraded; which login it is; what a restart remembers.

use alphec_core::Mode;
use alphec_model::broker::ServerLink;
use alphec_model::{AlertKind, ApiClientId, BrokerEvent, FarmKind, FarmState, Generation, OrderState, Side};

use crate::support::World;
use crate::support::broker::{Books, execution, position};
use crate::support::setup::{account, seconds};

#[test]
fn a_lost_connection_puts_unanswered_orders_in_doubt_and_leaves_working_ones() {
    let mut world = World::working("works", Side::Buy, "1");
    world.submit("new", Side::Buy, "2");
    let seen = world.disconnect();
    assert_eq!((world.state("works"), world.state("new")), (OrderState::Working, OrderState::InDoubt));
    assert_eq!((seen.alerts(AlertKind::Disconnected), seen.alerts(AlertKind::OrderInDoubt)), (1, 1));
    assert_eq!(world.reserved_buys("AAPL"), "3");
    assert_eq!(world.wait(seconds(600)).0.requests.len(), 0, "nothing is resent");
}

#[test]
fn a_connection_that_replaces_one_without_a_word_is_an_end_of_it_too() {
    let mut world = World::ready();
    world.submit("new", Side::Buy, "2");
    world.connect();
    assert_eq!(world.state("new"), OrderState::InDoubt);
}

#[test]
fn an_end_of_an_older_connection_is_no_end_of_this_one() {
    let mut world = World::ready();
    world.reconnect();
    world.books(Books::default());
    let generation = Generation::new(1);
    world.event(BrokerEvent::Disconnected { generation, why: "late".into() });
    assert!(world.core.readiness().is_ready());
}

#[test]
fn events_in_any_state_of_the_link_are_taken() {
    let mut world = World::working("a", Side::Buy, "10");
    let generation = world.generation;
    world.event(BrokerEvent::ServerLink { generation, link: ServerLink::Lost });
    world.fill("a", "e1.01", "4");
    world.disconnect();
    world.fill("a", "e2.01", "6");
    assert_eq!((world.state("a"), world.position("AAPL")), (OrderState::Filled, "10".into()));
}

#[test]
fn repeated_failed_attempts_raise_an_alert() {
    let mut world = World::started();
    let mut told = 0;
    for attempt in 1..=6 {
        let error = "connection refused".to_owned();
        let event = BrokerEvent::ConnectFailed { attempt, retry_in_ms: Some(1_000), error };
        told += world.event(event).alerts(AlertKind::ReconnectFailing);
    }
    assert_eq!(told, 2);
    let event = BrokerEvent::ConnectFailed { attempt: 7, retry_in_ms: None, error: "refused".into() };
    assert_eq!(world.event(event).alerts(AlertKind::ReconnectFailing), 1);
}

#[test]
fn while_the_gateway_is_cut_off_no_lists_are_read() {
    let mut world = World::ready();
    world.submit("a", Side::Buy, "1");
    let generation = world.generation;
    world.event(BrokerEvent::ServerLink { generation, link: ServerLink::Lost });
    assert_eq!(world.wait(seconds(300)).snapshots(), 0);
    assert_eq!(world.state("a"), OrderState::InDoubt, "the silence still counts");
    let seen = world.event(BrokerEvent::ServerLink { generation, link: ServerLink::Restored });
    assert_eq!(seen.snapshots(), 1);
    let books = world.rows(&["a"]);
    world.books(books);
    assert_eq!(world.state("a"), OrderState::Working);
    assert!(world.core.readiness().is_ready());
}

#[test]
fn what_lists_began_to_prove_is_forgotten_when_the_servers_were_lost() {
    let mut world = World::working("a", Side::Buy, "1");
    world.reconnect();
    world.books(Books::default());
    let generation = world.generation;
    world.event(BrokerEvent::ServerLink { generation, link: ServerLink::Lost });
    world.event(BrokerEvent::ServerLink { generation, link: ServerLink::RestoredDataLost });
    world.books(Books::default());
    assert_eq!(world.state("a"), OrderState::Working, "one round before and one after are not two");
    world.next_books(Books::default());
    assert_eq!(world.state("a"), OrderState::InDoubt);
}

#[test]
fn a_gap_reads_the_books_before_anything_new_is_sent() {
    let mut world = World::ready();
    let generation = world.generation;
    world.wait(seconds(10));
    let seen = world.event(BrokerEvent::Gap { generation, why: "the stream lagged".into() });
    assert_eq!((seen.snapshots(), world.core.readiness().is_ready()), (1, false));
    let mut asked = 0;
    for _ in 0..1_000 {
        asked += world.event(BrokerEvent::Gap { generation, why: "again".into() }).snapshots();
    }
    assert_eq!(asked, 0, "gaps do not ask faster than the spacing");
    world.books(Books::default());
    assert!(!world.core.readiness().is_ready(), "the answer on its way was older than the last gap");
    world.next_books(Books::default());
    assert!(world.core.readiness().is_ready());
}

#[test]
fn a_broken_farm_is_shown_and_told_once_and_carries_no_orders() {
    let mut world = World::ready();
    let farm = |world: &mut World, state| {
        let (generation, name) = (world.generation, "usfarm".to_owned());
        world.event(BrokerEvent::Farm { generation, kind: FarmKind::MarketData, name, state })
    };
    assert_eq!(farm(&mut world, FarmState::Down).alerts(AlertKind::FarmDown), 1);
    assert_eq!(farm(&mut world, FarmState::Down).alerts(AlertKind::FarmDown), 0);
    let shown = world.core.readiness();
    assert_eq!(shown.farms_down, [(FarmKind::MarketData, "usfarm".to_owned())]);
    assert!(shown.is_ready());
    assert_eq!(world.submit("a", Side::Buy, "10").places(), 1, "prices are still fresh");
    assert_eq!(farm(&mut world, FarmState::Connecting).alerts(AlertKind::FarmBack), 0);
    assert_eq!(world.core.readiness().farms_down.len(), 1, "on its way is not there yet");
    assert_eq!(farm(&mut world, FarmState::Dormant).alerts(AlertKind::FarmBack), 1);
    assert_eq!(farm(&mut world, FarmState::Up).alerts(AlertKind::FarmBack), 0);
    assert!(world.core.readiness().farms_down.is_empty());
    farm(&mut world, FarmState::Down);
    world.reconnect();
    assert!(world.core.readiness().farms_down.is_empty(), "a new connection tells anew");
}

#[test]
fn coming_back_is_told_and_the_first_time_is_not() {
    let mut world = World::started();
    world.resolve();
    world.connect();
    assert_eq!(world.books(Books::default()).alerts(AlertKind::Reconnected), 0);
    world.reconnect();
    assert_eq!(world.books(Books::default()).alerts(AlertKind::Reconnected), 1);
}

#[test]
fn the_accounts_of_the_login_decide_not_the_port() {
    // (profile accounts, mode, login, believed)
    let table: [(&[&str], Mode, &[&str], bool); 7] = [
        (&["DU1"], Mode::Paper, &["DU1"], true),
        (&["DU1"], Mode::Paper, &["DU1", "DU2"], true),
        (&["DU1"], Mode::Paper, &["DU2"], false),
        (&["DU1"], Mode::Paper, &["DU1", "U1"], false),
        (&["U1"], Mode::Live, &["U1", "U2"], true),
        (&["U1"], Mode::Live, &["DU1"], false),
        (&["DU1"], Mode::Paper, &[], false),
    ];
    for (accounts, mode, login, believed) in table {
        let mut world = World::started_with(|config| {
            config.mode = mode;
            config.accounts = accounts.iter().map(|text| account(text)).collect();
        });
        world.resolve();
        let seen = world.session(login, 1);
        assert_eq!(seen.alerts(AlertKind::AccountMismatch), usize::from(!believed), "{login:?}");
        world.books(Books::default());
        assert_eq!(world.core.readiness().is_ready(), believed, "{accounts:?} {login:?}");
    }
}

#[test]
fn a_paper_account_in_a_live_profile_is_refused_order_by_order() {
    let mut world = World::ready_with(|config| {
        config.mode = Mode::Live;
        config.armed_until = Some(alphec_model::UtcNanos::from_nanos(i64::MAX));
    });
    let reason = world.submit("a", Side::Buy, "1").denied();
    assert_eq!(reason.rule(), alphec_model::Rule::AllowedAccount, "{reason}");
}

#[test]
fn another_login_ends_nothing_fills_nothing_and_sets_no_baseline() {
    let mut world = World::working("a", Side::Buy, "10");
    world.submit("b", Side::Buy, "10");
    world.disconnect();
    world.session(&["DU9"], 1);
    for _ in 0..6 {
        world.next_books(Books::default());
        world.notice("b", 10_147, alphec_model::broker::NoticeClass::NotFound);
        world.status("b", "Cancelled", "0");
        world.notice("a", 202, alphec_model::broker::NoticeClass::Canceled);
    }
    assert_eq!((world.state("a"), world.state("b")), (OrderState::Working, OrderState::InDoubt));
    assert_eq!(world.reserved_buys("AAPL"), "20");

    let mut world = World::started();
    world.resolve();
    world.session(&["DU9"], 1);
    world.books(Books::default());
    world.reconnect();
    world.books(Books { positions: vec![position("AAPL", "7")], ..Books::default() });
    assert_eq!(world.position("AAPL"), "7", "the first sight of the right login counts");
}

#[test]
fn another_client_id_than_the_journals_is_refused() {
    let mut world = World::working("a", Side::Buy, "1");
    let mut config = crate::support::setup::config();
    config.api_client_id = ApiClientId::new(8);
    world.restart_with(config);
    world.resolve();
    world.event(BrokerEvent::Connected(alphec_model::broker::Session {
        generation: Generation::new(1),
        server_version: 213,
        api_client_id: ApiClientId::new(8),
        next_order_id: alphec_model::BrokerOrderId::new(1),
        accounts: vec![account("DU1")],
    }));
    assert!(world.core.readiness().refused.is_some_and(|why| why.contains("client id")));
    assert_eq!(world.cancel("a").cancels().len(), 0, "under that client id it is another order");
}

#[test]
fn halted_outlives_restarts_until_resumed() {
    let mut world = World::ready();
    world.halt();
    let seen = world.restart();
    assert_eq!(seen.alerts(AlertKind::Halted), 1);
    assert!(world.core.readiness().halted.is_some_and(|why| why.contains("drill")));
    assert!(
        matches!(world.resume().misuse(), alphec_core::Misuse::NotClean(_)),
        "the books were not read yet"
    );
    world.resolve();
    world.connect();
    world.books(Books::default());
    world.resume();
    world.restart();
    assert_eq!(world.core.readiness().halted, None);
}

#[test]
fn a_restart_puts_unanswered_orders_in_doubt_and_keeps_the_rest() {
    let mut world = World::working("works", Side::Buy, "1");
    world.submit("new", Side::Buy, "2");
    let seen = world.restart();
    assert_eq!((world.state("works"), world.state("new")), (OrderState::Working, OrderState::InDoubt));
    assert_eq!((seen.places(), world.reserved_buys("AAPL")), (0, "3".into()));
}

#[test]
fn stopping_names_what_is_left_and_tells_people_of_what_is_unsettled() {
    let stop = |world: &mut World| {
        let seen = world.input(alphec_core::Input::Stop);
        let Some(alphec_model::Body::Stopped { left_working }) =
            seen.0.records.last().map(|record| record.body.clone())
        else {
            panic!("no record of the stop");
        };
        (left_working.len(), seen.alerts(AlertKind::LeftWorking))
    };
    let mut world = World::working("asked", Side::Buy, "1");
    world.cancel("asked");
    assert_eq!(stop(&mut world), (1, 1), "a cancel that was not answered");
    let mut world = World::ready();
    world.submit("new", Side::Buy, "1");
    assert_eq!(stop(&mut world), (1, 1), "an order that was not answered");
    let mut world = World::working("kept", Side::Buy, "1");
    assert_eq!(stop(&mut world).0, 1, "what is kept on purpose is in the record");
    let mut world = World::ready();
    assert_eq!(stop(&mut world), (0, 0));
}

#[test]
fn live_orders_pass_until_the_arming_ends_and_cancels_after_it_too() {
    let until = alphec_model::UtcNanos::from_nanos(1_800_000_000_000_000_000).saturating_add(seconds(5));
    let mut world = World::started_with(|config| {
        config.mode = Mode::Live;
        config.accounts = [account("U1")].into();
        config.armed_until = Some(until);
    });
    world.resolve();
    world.session(&["U1"], 1);
    world.feed();
    let value = |value| BrokerEvent::Account { account: account("U1"), value };
    let (amount, currency) = (crate::support::setup::dec("1000000"), alphec_model::Currency::USD);
    world.event(value(alphec_model::AccountValue::NetLiquidation { amount, currency }));
    world.event(value(alphec_model::AccountValue::Ready { ready: true }));
    world.books(Books::default());
    let order = |name: &str| {
        let terms = crate::support::setup::limit(Side::Buy, "1", "100");
        let mut request = crate::support::setup::request(name, "AAPL", terms);
        request.account = account("U1");
        request
    };
    assert_eq!(world.submit_request(order("a")).places(), 1);
    world.now = until;
    assert!(world.submit_request(order("b")).denied().is_not_ready());
    assert_eq!(world.cancel("a").cancels().len(), 1);
}

#[test]
fn an_execution_shown_by_a_login_without_its_account_is_booked_with_its_order_once_the_login_is_ours() {
    let mut world = World::working("a", Side::Buy, "10");
    let executions = vec![execution(&world.order("a"), "e1.01", "10", "100")];
    world.disconnect();
    world.session(&["U9"], 2);
    world.books(Books { executions: executions.clone(), ..Books::default() });
    assert_eq!((world.state("a"), world.position("AAPL")), (OrderState::Working, "0".into()));

    world.disconnect();
    world.session(&["DU1"], 2);
    let positions = vec![position("AAPL", "10")];
    world.books(Books { executions, positions, ..Books::default() });
    assert_eq!((world.state("a"), world.position("AAPL")), (OrderState::Filled, "10".into()));
}
