//! Every field of an order that the client crate can send, compared as one value with what comes back.

use ibapi::contracts::TagValue;
use ibapi::orders::conditions::TriggerMethod;
use ibapi::orders::{
    Action, ExecutionCondition, MarginCondition, OcaType, Order, OrderCondition, OrderOpenClose, OrderOrigin,
    PercentChangeCondition, PriceCondition, Rule80A, SoftDollarTier, TimeCondition, TimeInForce,
    VolumeCondition,
};

use crate::kit::{aapl, connect, limit, still};
use crate::lists::collect;

#[tokio::test]
async fn an_order_comes_back_as_it_was_sent() {
    let gateway = still().start().await.unwrap();
    let client = connect(&gateway, 9).await;
    for sent in [identity(), routing(), scale(), volatility(), adjustments(), conditional(), algorithm()] {
        let id = client.next_order_id();
        client.submit_order(id, &aapl(), &sent).await.unwrap();
        let echo = listed(&client, id).await;
        assert_eq!(echo, as_the_gateway_fills_it_in(sent, &echo));
        assert_eq!((echo.order_id, echo.client_id, echo.account.as_str()), (id, 9, "DU1234567"));
    }
}

#[tokio::test]
async fn a_change_replaces_what_was_carried() {
    let gateway = still().start().await.unwrap();
    let client = connect(&gateway, 9).await;
    let id = client.next_order_id();
    client.submit_order(id, &aapl(), &algorithm()).await.unwrap();
    client.submit_order(id, &aapl(), &identity()).await.unwrap();
    let echo = listed(&client, id).await;
    assert_eq!(echo, as_the_gateway_fills_it_in(identity(), &echo));
}

/// The order as the open-order list has it. The crate mixes updates that were on their way into the list; the
/// list itself comes last.
async fn listed(client: &ibapi::Client, id: i32) -> Order {
    let orders = collect(client.all_open_orders().await.unwrap()).await;
    orders.into_iter().rfind(|order| order.order_id == id).expect("an open order").order
}

/// Ids, account and the defaults that the broker writes into every order.
fn as_the_gateway_fills_it_in(sent: Order, echo: &Order) -> Order {
    Order {
        order_id: echo.order_id,
        client_id: echo.client_id,
        perm_id: echo.perm_id,
        account: echo.account.clone(),
        oca_type: if sent.oca_type == OcaType::None { OcaType::ReduceWithoutBlock } else { sent.oca_type },
        clearing_intent: if sent.clearing_intent.is_empty() {
            "IB".to_owned()
        } else {
            sent.clearing_intent.clone()
        },
        exempt_code: if sent.exempt_code == 0 { -1 } else { sent.exempt_code },
        dont_use_auto_price_for_hedge: true,
        ..sent
    }
}

fn resting() -> Order {
    Order { tif: TimeInForce::GoodTillCanceled, ..limit(Action::Buy, 10.0, 219.25) }
}

fn identity() -> Order {
    Order {
        order_ref: "ref 1".to_owned(),
        open_close: Some(OrderOpenClose::Open),
        origin: OrderOrigin::Firm,
        rule_80_a: Some(Rule80A::Individual),
        settling_firm: "firm".to_owned(),
        clearing_account: "cleared".to_owned(),
        clearing_intent: "Away".to_owned(),
        model_code: "model".to_owned(),
        designated_location: "there".to_owned(),
        exempt_code: 2,
        solicited: true,
        soft_dollar_tier: SoftDollarTier {
            name: "tier".to_owned(),
            value: "5".to_owned(),
            ..Default::default()
        },
        is_oms_container: true,
        ext_operator: "operator".to_owned(),
        mifid2_decision_maker: "maker".to_owned(),
        mifid2_decision_algo: "decider".to_owned(),
        mifid2_execution_trader: "trader".to_owned(),
        mifid2_execution_algo: "executor".to_owned(),
        algo_id: "id-1".to_owned(),
        customer_account: "customer".to_owned(),
        professional_customer: true,
        advanced_error_override: "8229=IBDBUYTX".to_owned(),
        manual_order_indicator: Some(1),
        ..resting()
    }
}

fn routing() -> Order {
    Order {
        display_size: Some(4),
        min_qty: Some(2),
        all_or_none: true,
        good_after_time: "20280101 10:00:00 UTC".to_owned(),
        percent_offset: Some(0.5),
        discretionary_amt: 0.25,
        trigger_method: TriggerMethod::Last,
        block_order: true,
        sweep_to_fill: true,
        not_held: true,
        opt_out_smart_routing: true,
        randomize_size: true,
        randomize_price: true,
        discretionary_up_to_limit_price: true,
        use_price_mgmt_algo: true,
        cash_qty: Some(1000.5),
        hidden: true,
        outside_rth: true,
        oca_group: "one".to_owned(),
        oca_type: OcaType::ReduceWithBlock,
        duration: Some(3600),
        post_to_ats: Some(5),
        auto_cancel_parent: true,
        include_overnight: true,
        imbalance_only: true,
        post_only: true,
        allow_pre_open: true,
        ignore_open_auction: true,
        ..resting()
    }
}

fn scale() -> Order {
    Order {
        scale_init_level_size: Some(5),
        scale_subs_level_size: Some(3),
        scale_price_increment: Some(0.05),
        scale_price_adjust_value: Some(0.01),
        scale_price_adjust_interval: Some(60),
        scale_profit_offset: Some(0.1),
        scale_auto_reset: true,
        scale_init_position: Some(7),
        scale_init_fill_qty: Some(1),
        scale_random_percent: true,
        scale_table: "table".to_owned(),
        active_start_time: "20270101 10:00:00 UTC".to_owned(),
        active_stop_time: "20280101 10:00:00 UTC".to_owned(),
        ..resting()
    }
}

fn volatility() -> Order {
    Order {
        volatility: Some(0.35),
        delta_neutral_order_type: "LMT".to_owned(),
        delta_neutral_aux_price: Some(10.5),
        delta_neutral_con_id: 265_598,
        delta_neutral_settling_firm: "dn firm".to_owned(),
        delta_neutral_clearing_account: "dn account".to_owned(),
        delta_neutral_clearing_intent: "PTA".to_owned(),
        delta_neutral_open_close: "O".to_owned(),
        delta_neutral_short_sale: true,
        delta_neutral_short_sale_slot: 2,
        delta_neutral_designated_location: "dn place".to_owned(),
        continuous_update: true,
        starting_price: Some(1.5),
        stock_ref_price: Some(2.5),
        delta: Some(0.5),
        stock_range_lower: Some(200.5),
        stock_range_upper: Some(260.5),
        ..resting()
    }
}

fn adjustments() -> Order {
    Order {
        adjusted_order_type: "STP LMT".to_owned(),
        trigger_price: Some(221.5),
        adjusted_stop_price: Some(220.5),
        adjusted_stop_limit_price: Some(219.5),
        adjusted_trailing_amount: Some(1.5),
        adjustable_trailing_unit: 1,
        limit_price_offset: Some(0.75),
        min_trade_qty: Some(2),
        min_compete_size: Some(4),
        compete_against_best_offset: Some(0.02),
        mid_offset_at_whole: Some(0.1),
        mid_offset_at_half: Some(0.2),
        ..resting()
    }
}

fn conditional() -> Order {
    let (exchange, contract_id) = ("SMART".to_owned(), 265_598);
    Order {
        conditions: vec![
            OrderCondition::Price(PriceCondition {
                contract_id,
                exchange: exchange.clone(),
                price: 240.25,
                trigger_method: TriggerMethod::Last,
                is_more: true,
                is_conjunction: true,
            }),
            OrderCondition::Time(TimeCondition {
                time: "20281231 23:59:59 UTC".to_owned(),
                is_more: true,
                is_conjunction: false,
            }),
            OrderCondition::Margin(MarginCondition { percent: 30, is_more: false, is_conjunction: true }),
            OrderCondition::Execution(ExecutionCondition {
                symbol: "MSFT".to_owned(),
                security_type: "STK".to_owned(),
                exchange: exchange.clone(),
                is_conjunction: true,
            }),
            OrderCondition::Volume(VolumeCondition {
                contract_id,
                exchange: exchange.clone(),
                volume: 1_000_000,
                is_more: true,
                is_conjunction: false,
            }),
            OrderCondition::PercentChange(PercentChangeCondition {
                contract_id,
                exchange,
                percent: 1.25,
                is_more: false,
                is_conjunction: true,
            }),
        ],
        conditions_cancel_order: true,
        conditions_ignore_rth: true,
        ..resting()
    }
}

fn algorithm() -> Order {
    let parameter = |tag: &str, value: &str| TagValue { tag: tag.to_owned(), value: value.to_owned() };
    Order {
        algo_strategy: "Twap".to_owned(),
        algo_params: vec![parameter("strategyType", "Marketable")],
        order_misc_options: vec![parameter("one", "1")],
        ..resting()
    }
}
