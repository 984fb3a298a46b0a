//! Books in a file: a gateway that starts again has the broker's books, whatever ended the one before.

use std::path::{Path, PathBuf};
use std::time::Duration;

use alphec_twsim::venue::VenueInput;
use alphec_twsim::{Clock, Gateway, GatewayBuilder, GatewayError, GatewayHandle};
use ibapi::orders::{Action, Order};

use crate::kit::{Tape, aapl, connect, dec, limit, order};

fn place() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("books.jsonl");
    (folder, path)
}

fn kept(path: &Path) -> GatewayBuilder {
    Gateway::builder().clock(Clock::STILL).books(path)
}

/// A day's work: fills, a rest, a change, a cancel, an order by hand, one that is parked, and prices that walk.
async fn work(gateway: &GatewayHandle) {
    let client = connect(gateway, 7).await;
    let mut tape = Tape::of(&client).await;
    let mut send = async |id: i32, order: &Order, until: &str| {
        client.submit_order(id, &aapl(), order).await.unwrap();
        tape.until_status(until).await;
    };
    send(1, &order(Action::Buy, 100.0, "MKT"), "Filled").await;
    send(2, &limit(Action::Buy, 10.0, 200.0), "Submitted").await;
    send(3, &limit(Action::Buy, 10.0, 201.0), "Submitted").await;
    send(3, &limit(Action::Buy, 20.0, 202.0), "Submitted").await;
    gateway.advance_clock(Duration::from_secs(90));
    drop(client.cancel_order(2, "").await.unwrap());
    tape.until_status("Cancelled").await;
    gateway.place_manual(gateway.truth().by_ref("").map_or_else(
        || (*gateway.truth().orders[0].report.spec).clone(),
        |order| (*order.report.spec).clone(),
    ));
    let parked = Order { transmit: false, ..limit(Action::Buy, 1.0, 199.0) };
    client.submit_order(9, &aapl(), &parked).await.unwrap();
    client.server_time().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_that_starts_again_has_the_same_books_and_goes_on() {
    let (_folder, path) = place();
    let gateway = kept(&path).start().await.unwrap();
    work(&gateway).await;
    let (before, now, quote) = (gateway.truth(), gateway.now(), gateway.quote(265_598));
    assert!(!before.executions.is_empty() && before.orders.len() >= 4, "{before:?}");
    // No goodbye: it is dropped, and its file is as it is.
    drop(gateway);
    for _ in 0..2 {
        let again = restarted(&path).await;
        assert_eq!((again.truth(), again.now(), again.quote(265_598)), (before.clone(), now, quote));
        drop(again);
    }
    let again = restarted(&path).await;
    let client = connect(&again, 7).await;
    let mut tape = Tape::of(&client).await;
    // Ids and permanent ids go on; what was parked is gone (tws-behaviour 2.3).
    let next = client.next_valid_order_id().await.unwrap();
    assert!(next >= 4, "{next}");
    drop(client.cancel_order(9, "").await.unwrap());
    assert_eq!(tape.until_error().await.0, 10_147);
    client.submit_order(next, &aapl(), &order(Action::Sell, 100.0, "MKT")).await.unwrap();
    tape.until_status("Filled").await;
    let after = again.truth();
    let mut ids: Vec<_> = after.executions.iter().map(|it| it.exec_id.clone()).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), after.executions.len());
    assert_eq!(after.executions[..before.executions.len()], before.executions[..]);
}

/// A dropped gateway lets its file go a moment later.
async fn restarted(path: &Path) -> GatewayHandle {
    loop {
        match kept(path).start().await {
            Err(GatewayError::Books { what, .. }) if what.contains("another gateway") => {
                tokio::task::yield_now().await;
            }
            other => return other.unwrap(),
        }
    }
}

#[tokio::test]
async fn books_that_end_within_a_line_are_those_without_it() {
    let (_folder, path) = place();
    let gateway = kept(&path).start().await.unwrap();
    for price in ["231", "232"] {
        assert!(gateway.set_price("AAPL", dec(price)));
    }
    gateway.stop().await;
    let whole = std::fs::read(&path).unwrap();
    let last = whole[..whole.len() - 1].iter().rposition(|byte| *byte == b'\n').unwrap() + 1;
    for end in [last, last + 1, whole.len() - 1] {
        std::fs::write(&path, &whole[..end]).unwrap();
        let gateway = kept(&path).start().await.unwrap();
        assert_eq!(gateway.quote(265_598).unwrap().bid, Some(dec("231")), "{end} of {}", whole.len());
        gateway.control(VenueInput::Wake);
        gateway.stop().await;
        let kept = std::fs::read(&path).unwrap();
        assert!(kept.starts_with(&whole[..last]) && kept.ends_with(b"\n"));
    }
}

#[tokio::test]
async fn books_of_another_beginning_damaged_or_taken_are_refused_and_left_alone() {
    let (_folder, path) = place();
    let gateway = kept(&path).start().await.unwrap();
    assert!(gateway.set_price("AAPL", dec("231")));
    let refusal = |builder: GatewayBuilder| async {
        match builder.start().await.unwrap_err() {
            GatewayError::Books { what, .. } => what,
            other => panic!("{other}"),
        }
    };
    assert!(refusal(kept(&path)).await.contains("another gateway has them open"));
    gateway.stop().await;
    let whole = std::fs::read(&path).unwrap();
    assert!(refusal(kept(&path).seed(2)).await.contains("begun with other options"));
    assert_eq!(std::fs::read(&path).unwrap(), whole);
    let damaged = String::from_utf8(whole).unwrap().replacen("SetQuote", "SetQuota", 1);
    std::fs::write(&path, &damaged).unwrap();
    assert!(refusal(kept(&path)).await.contains("line 2 is none of theirs"));
    assert_eq!(std::fs::read(&path).unwrap(), damaged.as_bytes());
    let (version, later) = (concat!("\"", env!("CARGO_PKG_VERSION"), "\""), "\"999.0.0\"");
    let of_another_version = damaged.replacen("SetQuota", "SetQuote", 1).replacen(version, later, 1);
    assert!(of_another_version.contains(later));
    std::fs::write(&path, &of_another_version).unwrap();
    assert!(refusal(kept(&path)).await.contains("by another version"));
    assert_eq!(std::fs::read(&path).unwrap(), of_another_version.as_bytes());
    // Somebody else's file, without a single end of a line.
    for foreign in [
        &br#"{"name":"minified","books":[1,2]}"#[..],
        br#"{"books":[1,2]}"#,
        b"call Anna",
        &[0, 159, 146, 150],
    ] {
        std::fs::write(&path, foreign).unwrap();
        assert!(refusal(kept(&path)).await.contains("something else in that file"), "{foreign:?}");
        assert_eq!(std::fs::read(&path).unwrap(), foreign);
    }
}

#[tokio::test]
async fn books_whose_first_line_was_cut_off_are_begun_anew() {
    let (_folder, path) = place();
    kept(&path).start().await.unwrap().stop().await;
    let first = std::fs::read(&path).unwrap();
    assert_eq!(first.iter().filter(|byte| **byte == b'\n').count(), 1);
    for end in [0, 1, 9, 40, first.len() - 1] {
        std::fs::write(&path, &first[..end]).unwrap();
        kept(&path).start().await.unwrap().stop().await;
        assert_eq!(std::fs::read(&path).unwrap(), first, "{end} of {}", first.len());
    }
}
