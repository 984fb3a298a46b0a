//! What is finished is forgotten: the gateway holds no more after many orders than after few. The long run of
//! the same, which watches the process's memory, is `cargo xtask soak`.

use alphec_twsim::GatewayConfig;
use alphec_twsim::desk::Desk;
use alphec_twsim::venue::Retention;
use alphec_twsim::wire::format_stamp;

use crate::frames::{hello, ids};
use crate::load::Load;

const START: i64 = 1_763_870_277_000_000_000;
const SECOND: i64 = 1_000_000_000;

#[test]
fn fifty_thousand_orders_leave_no_more_behind_than_five_thousand() {
    let retention = Retention { finished_orders: 1_000, executions: 1_000, bar_slots: 20 };
    let config = GatewayConfig { retention, walk_every: None, ..GatewayConfig::default() };
    let mut desk = Desk::new(config, START);
    let mut load = Load::from(0);
    let mut now = START;
    let early = run(&mut desk, &mut load, &mut now, 5_000);
    let late = run(&mut desk, &mut load, &mut now, 50_000);
    assert_eq!(early, late);
    let held = |name| late.iter().find(|(known, _)| *known == name).unwrap().1;
    assert_eq!(held("working orders"), 0);
    assert_eq!(held("finished orders"), 1_000);
    assert_eq!(held("executions"), 1_000);
    assert_eq!(desk.counters().malformed, 0);
    assert!(desk.truth().executions.len() == 1_000 && desk.counters().orders >= 50_000);
}

/// Runs until so many orders were placed in all, in sessions that come and go, and says what is held then.
fn run(desk: &mut Desk, load: &mut Load, now: &mut i64, orders: u64) -> Vec<(&'static str, usize)> {
    while load.orders() < orders {
        let conn = desk.open();
        desk.receive(*now, conn, &hello(7));
        for _ in 0..100 {
            *now += SECOND / 20;
            desk.receive(*now, conn, &load.next(&format_stamp(*now + SECOND)));
            assert!(!ids(&desk.take_output(conn).bytes).is_empty());
        }
        desk.closed(conn);
    }
    *now += 5 * SECOND;
    desk.wake(*now);
    desk.sizes()
}
