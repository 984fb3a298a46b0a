//! Times in other zones than the gateway's own (tws-behaviour 1.2, 2.6, 3.7).

use crate::bench::{Bench, SECOND, START, count, id, limit, market};
use crate::frames::Body;

const GOOD_TILL: u32 = 26;
const GOOD_AFTER: u32 = 25;

/// START is 2025-11-23 03:44:37 UTC, which is 22:44:37 on the evening before in New York.
#[test]
fn orders_begin_and_end_at_times_of_other_zones() {
    let same = [
        "20251122 22:44:47 US/Eastern",
        "20251123 03:44:47 UTC",
        "20251123-03:44:47",
        "20251123 12:44:47 Asia/Tokyo",
    ];
    for until in same {
        let mut bench = Bench::new(&[]);
        let conn = bench.client(1);
        bench.place(conn, 1, limit(200.0).text(11, "GTD").text(GOOD_TILL, until));
        bench.place(conn, 2, market().text(GOOD_AFTER, until));
        let heard = bench.lines(conn);
        assert_eq!(count(&heard, "ER"), 0, "{until}: {heard:?}");
        bench.pass(9 * SECOND);
        assert_eq!(bench.lines(conn), [""; 0], "{until}");
        bench.pass(SECOND);
        let heard = bench.lines(conn);
        assert_eq!(count(&heard, "OS 1 Cancelled"), 1, "{until}: {heard:?}");
        assert_eq!(count(&heard, "OS 2 Filled"), 1, "{until}: {heard:?}");
    }
}

/// Section 2.6: 2174, "date-time without explicit zone; accepted, zone assumed"; 391 for a zone that does not exist.
#[test]
fn a_time_without_a_zone_is_accepted_with_2174_and_one_with_an_unknown_zone_is_refused() {
    let mut bench = Bench::new(&[]);
    let conn = bench.client(1);
    bench.place(conn, 1, limit(200.0).text(11, "GTD").text(GOOD_TILL, "20251123 03:44:47"));
    let heard = bench.lines(conn);
    assert_eq!((heard[0].as_str(), count(&heard, "OS 1 Submitted")), ("ER 1 2174", 1), "{heard:?}");
    bench.place(conn, 2, limit(200.0).text(11, "GTD").text(GOOD_TILL, "20251123 03:44:47 Mars/Base"));
    assert_eq!(bench.lines(conn), ["ER 2 391"]);
    bench.pass(10 * SECOND);
    assert_eq!(count(&bench.lines(conn), "OS 1 Cancelled"), 1, "the gateway's zone is UTC");
}

/// Section 3.3: the filter's time is "at or after", in any zone.
#[test]
fn executions_are_filtered_by_times_of_other_zones() {
    let mut bench = Bench::new(&[]);
    let conn = bench.client(1);
    bench.place(conn, 1, market());
    bench.pass(60 * SECOND);
    bench.place(conn, 2, market());
    bench.lines(conn);
    assert_eq!(bench.now, START + 60 * SECOND);
    for (time, found, warned) in [
        ("20251122 22:45:00 US/Eastern", 1, 0),
        ("20251122 22:44:00 US/Eastern", 2, 0),
        ("20251123 03:45:00 UTC", 1, 0),
        ("20251123 03:45:00", 1, 1),
        ("20251123 05:00:00 Europe/Berlin", 0, 0),
    ] {
        let filter = Body::default().text(3, time);
        bench.send(conn, id::EXECUTIONS, &Body::default().int(1, 7).nested(2, &filter));
        let heard = bench.lines(conn);
        assert_eq!((count(&heard, "EX"), count(&heard, "ER 7 2174")), (found, warned), "{time}: {heard:?}");
    }
}

/// Section 1.2: "the zone text comes from the gateway host's OS locale": known zones on their own clock, any text at all.
#[test]
fn the_handshake_names_the_zone_of_the_host_and_shows_its_clock() {
    for (zone, clock) in [
        ("US/Eastern", "20251122 22:44:37 US/Eastern"),
        ("PST", "20251122 19:44:37 PST"),
        ("China Standard Time", "20251123 03:44:37 China Standard Time"),
        ("中国标准时间", "20251123 03:44:37 中国标准时间"),
    ] {
        let mut bench = Bench::new(&[&format!("time-zone={zone}")]);
        let conn = bench.desk.open();
        bench.desk.receive(bench.now, conn, &crate::frames::greeting("v213..226"));
        let (bytes, _) = bench.raw(conn);
        assert_eq!(std::str::from_utf8(&bytes[4..]).unwrap(), format!("226\0{clock}\0"));
    }
}

/// Section 3.7: the forms in which execution times were seen.
#[test]
fn execution_times_come_in_every_form_that_was_seen() {
    for (zone, versions, expected) in [
        ("US/Eastern", "v213..226", "20251122 22:44:37 US/Eastern"),
        ("dash", "v213..226", "20251123-03:44:37Z"),
        ("dash", "v213..213", "20251123-03:44:37"),
        ("none", "v213..226", "20251123  03:44:37"),
        ("instrument", "v213..226", "20251123 03:44:37 UTC"),
    ] {
        let mut bench = Bench::new(&[&format!("execution-zone={zone}")]);
        let conn = bench.desk.open();
        bench.desk.receive(bench.now, conn, &crate::frames::greeting(versions));
        bench.send(conn, id::START_API, &Body::default().int(1, 1));
        bench.place(conn, 1, market());
        bench.send(conn, id::EXECUTIONS, &Body::default().int(1, 7));
        let (bytes, _) = bench.raw(conn);
        let found = bytes.windows(expected.len() + 1).filter(|it| it[0] as usize == expected.len());
        assert_eq!(found.filter(|it| it[1..] == *expected.as_bytes()).count(), 2, "{zone}: live and listed");
    }
}
