//! What positions tie up by kind, what an account may therefore buy, and its money in several currencies.

use std::collections::BTreeMap;

use alphec_twsim::venue::{
    AccountConfig, ConId, Instrument, Margin, MarginRule, OrderKey, OrderKind, OrderSpec, Refusal, Side,
    TimeInForce, Venue, VenueConfig, VenueInput, VenueOutput,
};
use alphec_twsim::{Gateway, GatewayError};
use futures::StreamExt;
use ibapi::accounts::AccountSummaryResult;
use ibapi::accounts::types::AccountGroup;
use ibapi::contracts::Contract;
use ibapi::orders::Action;
use ibapi::subscriptions::SubscriptionItem;
use rust_decimal::Decimal;

use crate::kit::{Tape, aapl, connect, dec, order, still};

const AAPL: ConId = 265_598;
const ES: ConId = 649_180_695;
const EURO: ConId = 12_087_792;
const CALL: ConId = 713_000_001;

fn account(currency: &str, cash: &str) -> AccountConfig {
    AccountConfig { id: "DU1".to_owned(), cash: vec![(currency.to_owned(), dec(cash))] }
}

fn venue(cash: &str) -> Venue {
    Venue::new(VenueConfig { accounts: vec![account("USD", cash)], ..VenueConfig::default() })
}

fn market(con_id: ConId, side: Side, quantity: &str) -> OrderSpec {
    OrderSpec {
        con_id,
        exchange: "SMART".into(),
        account: "DU1".into(),
        side,
        quantity: dec(quantity),
        kind: OrderKind::Market,
        tif: TimeInForce::Day,
        order_ref: "".into(),
        parent_id: 0,
        transmit: true,
        outside_rth: false,
        extra: None,
        carried: Vec::new().into(),
    }
}

/// The code of a refusal, 0 when there is none.
fn place(venue: &mut Venue, order_id: i32, spec: OrderSpec) -> (i32, String) {
    let said = venue.handle(1, VenueInput::Place { key: OrderKey::new(1, order_id), spec });
    let refused = said.iter().find_map(|output| match output {
        VenueOutput::Refused { refusal, .. } => Some((refusal.code(), refusal.text())),
        _ => None,
    });
    refused.unwrap_or_default()
}

/// AAPL 230.00/230.01, ES 5800.00/5800.25, EUR.USD 1.08500/1.08505, the call 7.5/7.6: what the cash carries is taken,
/// one more is not.
#[test]
fn an_account_buys_and_sells_as_much_of_each_kind_as_its_margin_allows() {
    let table = [
        // A quarter of 230.01 each; three tenths of 230.00 when sold short.
        ("1000", AAPL, Side::Buy, "17", "18"),
        ("1000", AAPL, Side::Sell, "14", "15"),
        // So much for each contract, long or short.
        ("40000", ES, Side::Buy, "2", "3"),
        ("40000", ES, Side::Sell, "2", "3"),
        // The premium; and when sold, a fifth of 230.005 less the 19.995 out of the money.
        ("2000", CALL, Side::Buy, "2", "3"),
        ("5300", CALL, Side::Sell, "2", "3"),
        // 3 %.
        ("700", EURO, Side::Buy, "20000", "22000"),
    ];
    for (cash, con_id, side, most, too_many) in table {
        assert_eq!(
            place(&mut venue(cash), 1, market(con_id, side, most)).0,
            0,
            "{most} of {con_id} {side:?}"
        );
        let (code, text) = place(&mut venue(cash), 1, market(con_id, side, too_many));
        assert_eq!(code, 201, "{too_many} of {con_id} {side:?}");
        assert!(text.contains("insufficient margin"), "{text}");
    }
}

#[test]
fn totals_hold_each_kind_to_its_rule() {
    let mut venue = venue("100000");
    let totals = |venue: &Venue| venue.totals("DU1").unwrap();
    assert_eq!(place(&mut venue, 1, market(ES, Side::Buy, "1")).0, 0);
    let future = totals(&venue);
    assert_eq!((future.initial_margin, future.maintenance_margin), (dec("19140"), dec("17400")));
    assert_eq!(place(&mut venue, 2, market(AAPL, Side::Sell, "100")).0, 0);
    let short = totals(&venue);
    // 100 at 230.005: three tenths, and half of it by the rule of the day's end.
    assert_eq!(short.initial_margin - future.initial_margin, dec("6900.15"));
    assert_eq!(short.reg_t_margin, dec("11500.25"));
    assert_eq!(place(&mut venue, 3, market(CALL, Side::Buy, "2")).0, 0);
    let option = totals(&venue);
    // Two calls worth 7.55 on average: paid for, and nobody lends on them.
    assert_eq!(option.initial_margin, short.initial_margin);
    assert_eq!(option.net_liquidation - option.equity_with_loan, dec("1510"));
    assert_eq!(option.available_funds, option.equity_with_loan - option.initial_margin);
    assert_eq!(option.excess_liquidity, option.equity_with_loan - option.maintenance_margin);
    assert_eq!(place(&mut venue, 4, market(CALL, Side::Sell, "3")).0, 0);
    let written = totals(&venue);
    // One call short: its 7.55 and 26.006 beyond.
    assert_eq!(written.initial_margin - option.initial_margin, dec("3355.6"));
}

/// An order that reduces needs nothing, also in an account that has nothing left.
#[test]
fn closing_is_always_allowed_and_turning_a_position_around_needs_the_new_one() {
    let mut venue = venue("6000");
    assert_eq!(place(&mut venue, 1, market(AAPL, Side::Buy, "100")).0, 0);
    assert_eq!(place(&mut venue, 2, market(AAPL, Side::Buy, "10")).0, 201);
    assert_eq!(
        place(&mut venue, 3, market(AAPL, Side::Sell, "300")).0,
        201,
        "200 short is more than 100 long"
    );
    assert_eq!(place(&mut venue, 4, market(AAPL, Side::Sell, "100")).0, 0);
}

#[test]
fn margins_of_a_symbol_can_be_set() {
    let rule = MarginRule::PerContract(Margin { initial: dec("1000"), maintenance: dec("900") });
    let builder = still().margin("ES", rule);
    let listed = builder.config().instruments.iter().find(|it| it.con_id == ES).unwrap();
    assert_eq!(listed.margin, rule);
}

fn yen_stock() -> Instrument {
    Instrument { currency: "JPY".to_owned(), ..Instrument::stock(7203, "7203", dec("2800")) }
}

fn listed(pairs: &[(&str, &str, &str)]) -> Vec<Instrument> {
    let pairs = pairs
        .iter()
        .zip(1..)
        .map(|((base, quote, price), id)| Instrument::forex(id, base, quote, dec(price)));
    std::iter::once(yen_stock()).chain(pairs).collect()
}

fn rate(base: &str, pairs: &[(&str, &str, &str)]) -> Option<Decimal> {
    let config = VenueConfig {
        accounts: vec![account(base, "1000000")],
        instruments: listed(pairs),
        ..VenueConfig::default()
    };
    Venue::new(config).exchange_rate("JPY", base)
}

#[test]
fn rates_are_direct_inverse_or_across_dollars_and_never_made_up() {
    // Mid prices are half a tick above the first bid.
    let yen = Decimal::ONE / dec("150.0025");
    assert_eq!(rate("USD", &[("USD", "JPY", "150")]), Some(yen));
    assert_eq!(rate("USD", &[("JPY", "USD", "0.00670")]), Some(dec("0.006725")));
    let euro = Decimal::ONE / dec("1.085025");
    assert_eq!(rate("EUR", &[("USD", "JPY", "150"), ("EUR", "USD", "1.085")]), Some(yen * euro));
    assert_eq!(rate("EUR", &[("EUR", "USD", "1.085")]), None);
    assert_eq!(rate("USD", &[]), None);
}

/// A currency without a pair is no currency at par: orders in it are refused, and base values are not told.
#[test]
fn without_a_rate_orders_are_rejected_and_totals_are_unknown() {
    let config = VenueConfig {
        accounts: vec![account("USD", "1000000")],
        instruments: listed(&[]),
        ..VenueConfig::default()
    };
    let mut venue = Venue::new(config);
    let (code, text) = place(&mut venue, 1, market(7203, Side::Buy, "100"));
    assert_eq!((code, text), (201, Refusal::no_rate("JPY", "USD").text()));
    assert!(venue.totals("DU1").is_some(), "there is no yen in it yet");
    let mixed = AccountConfig {
        id: "DU1".to_owned(),
        cash: vec![("USD".to_owned(), dec("1")), ("JPY".to_owned(), dec("1"))],
    };
    let venue = Venue::new(VenueConfig { accounts: vec![mixed], ..VenueConfig::default() });
    assert_eq!(venue.totals("DU1"), None);
}

#[tokio::test]
async fn a_gateway_that_could_not_value_its_accounts_does_not_start_and_says_what_to_list() {
    let refused = Gateway::builder().instrument(yen_stock()).start().await.unwrap_err();
    let GatewayError::Config { what } = &refused else { panic!("{refused}") };
    for word in ["7203 is in JPY", "DU1234567", "list JPY.USD or USD.JPY"] {
        assert!(what.contains(word), "{what}");
    }
    let pair = Instrument::forex(99, "USD", "JPY", dec("150"));
    Gateway::builder().instrument(yen_stock()).instrument(pair).start().await.unwrap().stop().await;
}

async fn summary(client: &ibapi::Client, tag: &str) -> BTreeMap<String, String> {
    let mut rows = client.account_summary(&AccountGroup("All".into()), &[tag]).await.unwrap();
    let mut found = BTreeMap::new();
    loop {
        match rows.next().await.unwrap().unwrap() {
            SubscriptionItem::Data(AccountSummaryResult::Summary(row)) => {
                found.insert(format!("{}/{}", row.tag, row.currency), row.value);
            }
            SubscriptionItem::Data(AccountSummaryResult::End) => return found,
            SubscriptionItem::Notice(_) => {}
        }
    }
}

/// Section 4.2: currency positions are rows of `$LEDGER`.
#[tokio::test]
async fn a_ledger_has_a_line_for_each_currency_one_of_them_or_all_together() {
    let gateway = still().start().await.unwrap();
    let client = connect(&gateway, 1).await;
    let mut tape = Tape::of(&client).await;
    let euro = Contract { contract_id: EURO, exchange: "IDEALPRO".into(), ..Contract::default() };
    client.submit_order(1, &aapl(), &order(Action::Buy, 100.0, "MKT")).await.unwrap();
    client.submit_order(2, &euro, &order(Action::Buy, 20_000.0, "MKT")).await.unwrap();
    tape.until_status("Filled").await;
    tape.until_status("Filled").await;
    let all = summary(&client, "$LEDGER:ALL").await;
    assert_eq!(all["CashBalance/EUR"], "20000.00");
    assert_eq!(all["CashBalance/USD"], "955295.00");
    assert_eq!(all["StockMarketValue/USD"], "23000.50");
    assert_eq!(all["NetLiquidationByCurrency/USD"], "978295.50");
    assert_eq!((all["ExchangeRate/EUR"].as_str(), all["ExchangeRate/BASE"].as_str()), ("1.085025", "1"));
    // 955,295 and 20,000 at 1.085025.
    assert_eq!(all["CashBalance/BASE"], "976995.50");
    let currencies = |rows: &BTreeMap<String, String>| {
        rows.keys().filter_map(|key| key.strip_prefix("Currency/")).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(currencies(&all), ["BASE", "EUR", "USD"]);
    assert_eq!(currencies(&summary(&client, "$LEDGER").await), ["BASE"]);
    assert_eq!(currencies(&summary(&client, "$LEDGER:EUR").await), ["EUR"]);
}
