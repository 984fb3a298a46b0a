//! What-if previews, section 2.9 of the notes on the real gateway's behaviour: one open order with margins and a
//! commission, or an error, and nothing placed.

use crate::bench::{Bench, limit, sized};
use crate::frames::Body;
use crate::kit::{aapl, connect, still};
use crate::text::{MARKET_ORDER, Text};

/// Of an order on the wire.
const WHAT_IF: u32 = 65;
const TRANSMIT: u32 = 66;
const WHAT_IF_TYPE: u32 = 143;

fn what_if(order: Body) -> Body {
    order.flag(WHAT_IF, true)
}

#[tokio::test]
async fn a_preview_has_margins_and_a_commission_and_leaves_no_order() {
    let gateway = still().start().await.unwrap();
    let client = connect(&gateway, 1).await;
    let state = client.order(&aapl()).buy(100).limit(229.0).analyze().await.unwrap();
    // A quarter of 22 900 is tied up; half a cent a share, at least a dollar.
    assert_eq!(state.status.to_string(), "PreSubmitted");
    assert_eq!(
        (state.initial_margin_before, state.initial_margin_change, state.initial_margin_after),
        (Some(0.0), Some(5725.0), Some(5725.0))
    );
    assert_eq!(
        (state.maintenance_margin_before, state.maintenance_margin_change, state.maintenance_margin_after),
        (Some(0.0), Some(5725.0), Some(5725.0))
    );
    assert_eq!(
        (state.equity_with_loan_before, state.equity_with_loan_change, state.equity_with_loan_after),
        (Some(1_000_000.0), Some(-1.0), Some(999_999.0))
    );
    assert_eq!((state.commission, state.commission_currency.as_str()), (Some(1.0), "USD"));
    let truth = gateway.truth();
    assert!(truth.orders.is_empty() && truth.executions.is_empty());
    // The same order for real costs what the preview said.
    client.order(&aapl()).buy(100).market().submit().await.unwrap();
    let reduced = client.order(&aapl()).sell(100).market().analyze().await.unwrap();
    assert_eq!(reduced.initial_margin_after, Some(0.0), "a preview that reduces says zero, not nothing");
    assert!(reduced.initial_margin_change.is_some_and(|change| change < 0.0));
}

/// Field by field where text has them: what-if, status, nine margins, three commissions, currency.
#[tokio::test]
async fn in_text_the_preview_stands_in_the_state() {
    let gateway = still().start().await.unwrap();
    let mut session = Text::session(&gateway, 164).await;
    let mut fields: Vec<&str> = MARKET_ORDER.split('|').collect();
    // The flag, four more flags and texts, the number of conditions, and the first unset price.
    let price = fields.iter().position(|field| field.starts_with("1.79")).unwrap();
    fields[price - 7] = "1";
    session.send(3, &fields.join("|")).await;
    let open = session.until("5").await;
    let state = open.iter().position(|field| field == "PreSubmitted").unwrap();
    assert_eq!(open[state - 1], "1", "marked as a what-if");
    assert_eq!(open[state + 1..state + 4], ["0.0", "0.0", "1000000.0"]);
    assert_eq!(open[state + 4..state + 7], ["5750.25", "5750.25", "-1.0"]);
    assert_eq!(open[state + 7..state + 10], ["5750.25", "5750.25", "999999.0"]);
    assert_eq!(open[state + 10..state + 14], ["1.0", "", "", "USD"]);
    assert!(gateway.truth().orders.is_empty());
}

/// Section 2.9: "one openOrder …; nothing is placed". The id is used up as that of any order.
#[test]
fn the_answer_is_one_open_order_and_the_lists_stay_empty() {
    let mut bench = Bench::new(&[]);
    let conn = bench.client(1);
    bench.place(conn, 1, what_if(limit(229.0)));
    assert_eq!(bench.lines(conn), ["OO 1 PreSubmitted"]);
    for list in [crate::bench::id::OPEN_ORDERS, crate::bench::id::ALL_OPEN_ORDERS] {
        assert_eq!(bench.ask(conn, list), ["END 53"]);
    }
    assert_eq!(bench.ask(conn, crate::bench::id::COMPLETED_ORDERS), ["END 102"]);
    bench.cancel(conn, 1);
    assert_eq!(bench.lines(conn), ["ER 1 10147"]);
    bench.place(conn, 1, limit(229.0));
    assert_eq!(bench.lines(conn), ["ER 1 103"]);
    assert_eq!(bench.desk.counters().orders, 1, "a question is no order");
}

/// Section 2.9: "rejection comes as an error", here without a status, since there is no order to have one.
#[test]
fn a_preview_gets_the_error_that_the_order_would_get() {
    let mut bench = Bench::with(&[], |config| config.accounts = vec!["DU1=1000".parse().unwrap()]);
    let conn = bench.client(1);
    bench.place(conn, 1, limit(200.0));
    bench.lines(conn);
    for (id, order, code) in [
        (2, what_if(limit(229.005)), 110),
        (3, what_if(sized(229.0, "0")), 434),
        (4, what_if(sized(229.0, "1000")), 201),
        (5, what_if(limit(229.0)).int(4, 77), 10_006),
        (6, what_if(limit(229.0)).flag(TRANSMIT, false), 413),
        (7, limit(229.0).int(WHAT_IF_TYPE, 1), 321),
        (1, what_if(limit(229.0)), 103),
    ] {
        bench.place(conn, id, order);
        assert_eq!(bench.lines(conn), [format!("ER {id} {code}")]);
    }
    assert_eq!(bench.desk.truth().orders.len(), 1);
}

/// Section 1.6: read-only refuses it as any order. An outage has nobody to ask.
#[test]
fn read_only_refuses_a_preview_and_an_outage_leaves_it_unanswered() {
    let mut bench = Bench::new(&["read-only"]);
    let conn = bench.client(1);
    bench.place(conn, 1, what_if(limit(229.0)));
    assert_eq!(bench.lines(conn), ["ER -1 321"]);
    let mut bench = Bench::new(&["lost-servers@1s"]);
    let conn = bench.client(1);
    bench.pass(2 * crate::bench::SECOND);
    bench.lines(conn);
    bench.place(conn, 1, what_if(limit(229.0)));
    assert_eq!(bench.lines(conn), [""; 0]);
}

#[test]
fn armed_faults_of_orders_do_not_meet_a_preview() {
    let mut bench = Bench::new(&["reject@1", "no-status"]);
    let conn = bench.client(1);
    bench.place(conn, 1, what_if(limit(229.0)));
    assert_eq!(bench.lines(conn), ["OO 1 PreSubmitted"]);
    bench.place(conn, 2, limit(229.0));
    assert_eq!(bench.lines(conn)[0], "ER 2 201", "the first order is the first order");
}
