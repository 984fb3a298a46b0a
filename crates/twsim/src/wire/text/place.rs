//! placeOrder in text: some 150 fields, a good part of which is there only for some orders and versions.

use super::contract;
use super::fields::{FieldProblem, Fields};
use super::since;
use crate::wire::frame::FrameError;
use crate::wire::layout::{Contract, Order, OrderCondition, PlaceOrderRequest, SoftDollarTier, TagValue};

type Read<T = ()> = Result<T, FrameError>;

pub(super) fn read(fields: &mut Fields<'_>, version: i32) -> Read<PlaceOrderRequest> {
    let order_id = fields.id()?;
    let mut contract = contract::read(fields)?;
    contract.sec_id_type = fields.text()?;
    contract.sec_id = fields.text()?;
    let mut order = Order::default();
    main_terms(fields, &mut order)?;
    if contract.sec_type.as_deref() == Some("BAG") {
        combination(fields, &mut contract, &mut order)?;
    }
    dates_and_allocation(fields, &mut order, version)?;
    routing(fields, &mut order)?;
    volatility(fields, &mut order)?;
    scale_and_hedge(fields, &mut order)?;
    contract.delta_neutral_contract = contract::read_delta_neutral(fields)?;
    algorithm(fields, &mut order)?;
    pegged_to_benchmark(fields, &mut order)?;
    conditions(fields, &mut order)?;
    adjustments(fields, &mut order)?;
    regulation(fields, &mut order)?;
    newer_terms(fields, &contract, &mut order, version)?;
    Ok(PlaceOrderRequest {
        order_id: Some(order_id),
        contract: Some(contract),
        order: Some(order),
        attached_orders: None,
    })
}

fn main_terms(fields: &mut Fields<'_>, order: &mut Order) -> Read {
    order.action = fields.text()?;
    order.total_quantity = fields.text()?;
    order.order_type = fields.text()?;
    order.lmt_price = fields.double()?;
    order.aux_price = fields.double()?;
    order.tif = fields.text()?;
    order.oca_group = fields.text()?;
    order.account = fields.text()?;
    order.open_close = fields.text()?;
    order.origin = fields.int()?;
    order.order_ref = fields.text()?;
    order.transmit = fields.flag()?;
    order.parent_id = fields.int()?;
    order.block_order = fields.flag()?;
    order.sweep_to_fill = fields.flag()?;
    order.display_size = fields.int()?;
    order.trigger_method = fields.int()?;
    order.outside_rth = fields.flag()?;
    order.hidden = fields.flag()?;
    Ok(())
}

fn combination(fields: &mut Fields<'_>, contract: &mut Contract, order: &mut Order) -> Read {
    for _ in 0..fields.count()? {
        contract.combo_legs.push(contract::read_leg(fields)?);
    }
    for at in 0..fields.count()? {
        let price = fields.double()?;
        match contract.combo_legs.get_mut(at) {
            Some(leg) => leg.per_leg_price = price,
            // A price for a leg that is not there.
            None => return Err(fields.last_problem(FieldProblem::Unknown)),
        }
    }
    order.smart_combo_routing_params = parameters(fields)?;
    Ok(())
}

fn dates_and_allocation(fields: &mut Fields<'_>, order: &mut Order, version: i32) -> Read {
    // Shares allocation, abolished.
    fields.skip(1)?;
    order.discretionary_amt = fields.double()?;
    order.good_after_time = fields.text()?;
    order.good_till_date = fields.text()?;
    order.fa_group = fields.text()?;
    order.fa_method = fields.text()?;
    order.fa_percentage = fields.text()?;
    if version < since::NO_FA_PROFILE {
        order.fa_profile = fields.text()?;
    }
    order.model_code = fields.text()?;
    order.short_sale_slot = fields.int()?;
    order.designated_location = fields.text()?;
    order.exempt_code = fields.int()?;
    order.oca_type = fields.int()?;
    Ok(())
}

fn routing(fields: &mut Fields<'_>, order: &mut Order) -> Read {
    order.rule80_a = fields.text()?;
    order.settling_firm = fields.text()?;
    order.all_or_none = fields.flag()?;
    order.min_qty = fields.int()?;
    order.percent_offset = fields.double()?;
    // Electronic trade only, firm quote only, NBBO price cap: abolished.
    fields.skip(3)?;
    order.auction_strategy = fields.int()?;
    order.starting_price = fields.double()?;
    order.stock_ref_price = fields.double()?;
    order.delta = fields.double()?;
    order.stock_range_lower = fields.double()?;
    order.stock_range_upper = fields.double()?;
    order.override_percentage_constraints = fields.flag()?;
    Ok(())
}

fn volatility(fields: &mut Fields<'_>, order: &mut Order) -> Read {
    order.volatility = fields.double()?;
    order.volatility_type = fields.int()?;
    order.delta_neutral_order_type = fields.text()?;
    order.delta_neutral_aux_price = fields.double()?;
    if order.delta_neutral_order_type.is_some() {
        order.delta_neutral_con_id = fields.int()?;
        order.delta_neutral_settling_firm = fields.text()?;
        order.delta_neutral_clearing_account = fields.text()?;
        order.delta_neutral_clearing_intent = fields.text()?;
        order.delta_neutral_open_close = fields.text()?;
        order.delta_neutral_short_sale = fields.flag()?;
        order.delta_neutral_short_sale_slot = fields.int()?;
        order.delta_neutral_designated_location = fields.text()?;
    }
    order.continuous_update = fields.flag()?;
    order.reference_price_type = fields.int()?;
    order.trail_stop_price = fields.double()?;
    order.trailing_percent = fields.double()?;
    Ok(())
}

fn scale_and_hedge(fields: &mut Fields<'_>, order: &mut Order) -> Read {
    order.scale_init_level_size = fields.int()?;
    order.scale_subs_level_size = fields.int()?;
    order.scale_price_increment = fields.double()?;
    if order.scale_price_increment.is_some_and(|increment| increment > 0.0) {
        order.scale_price_adjust_value = fields.double()?;
        order.scale_price_adjust_interval = fields.int()?;
        order.scale_profit_offset = fields.double()?;
        order.scale_auto_reset = fields.flag()?;
        order.scale_init_position = fields.int()?;
        order.scale_init_fill_qty = fields.int()?;
        order.scale_random_percent = fields.flag()?;
    }
    order.scale_table = fields.text()?;
    order.active_start_time = fields.text()?;
    order.active_stop_time = fields.text()?;
    order.hedge_type = fields.text()?;
    if order.hedge_type.is_some() {
        order.hedge_param = fields.text()?;
    }
    order.opt_out_smart_routing = fields.flag()?;
    order.clearing_account = fields.text()?;
    order.clearing_intent = fields.text()?;
    order.not_held = fields.flag()?;
    Ok(())
}

fn algorithm(fields: &mut Fields<'_>, order: &mut Order) -> Read {
    order.algo_strategy = fields.text()?;
    if order.algo_strategy.is_some() {
        order.algo_params = parameters(fields)?;
    }
    order.algo_id = fields.text()?;
    order.what_if = fields.flag()?;
    order.order_misc_options = joined_parameters(fields.str()?);
    order.solicited = fields.flag()?;
    order.randomize_size = fields.flag()?;
    order.randomize_price = fields.flag()?;
    Ok(())
}

fn pegged_to_benchmark(fields: &mut Fields<'_>, order: &mut Order) -> Read {
    if is_type(order, &["PEG BENCH", "PEGBENCH"]) {
        order.reference_contract_id = fields.int()?;
        order.is_pegged_change_amount_decrease = fields.flag()?;
        order.pegged_change_amount = fields.double()?;
        order.reference_change_amount = fields.double()?;
        order.reference_exchange_id = fields.text()?;
    }
    Ok(())
}

fn conditions(fields: &mut Fields<'_>, order: &mut Order) -> Read {
    for _ in 0..fields.count()? {
        order.conditions.push(condition(fields)?);
    }
    if !order.conditions.is_empty() {
        order.conditions_ignore_rth = fields.flag()?;
        order.conditions_cancel_order = fields.flag()?;
    }
    Ok(())
}

/// Kinds of conditions, by their numbers.
pub(super) mod condition_kind {
    pub(in crate::wire::text) const PRICE: i32 = 1;
    pub(in crate::wire::text) const TIME: i32 = 3;
    pub(in crate::wire::text) const MARGIN: i32 = 4;
    pub(in crate::wire::text) const EXECUTION: i32 = 5;
    pub(in crate::wire::text) const VOLUME: i32 = 6;
    pub(in crate::wire::text) const PERCENT_CHANGE: i32 = 7;
}

fn condition(fields: &mut Fields<'_>) -> Read<OrderCondition> {
    let kind = fields.id()?;
    let known = [
        condition_kind::PRICE,
        condition_kind::TIME,
        condition_kind::MARGIN,
        condition_kind::EXECUTION,
        condition_kind::VOLUME,
        condition_kind::PERCENT_CHANGE,
    ];
    if !known.contains(&kind) {
        return Err(fields.last_problem(FieldProblem::Unknown));
    }
    let conjunction = match fields.str()? {
        "a" => true,
        "o" => false,
        _ => return Err(fields.last_problem(FieldProblem::Unknown)),
    };
    let mut condition = OrderCondition {
        kind: Some(kind),
        is_conjunction_connection: Some(conjunction),
        ..OrderCondition::default()
    };
    if kind == condition_kind::EXECUTION {
        condition.sec_type = fields.text()?;
        condition.exchange = fields.text()?;
        condition.symbol = fields.text()?;
        return Ok(condition);
    }
    condition.is_more = Some(fields.flag()?.unwrap_or(false));
    match kind {
        condition_kind::PRICE => condition.price = fields.double()?,
        condition_kind::TIME => condition.time = fields.text()?,
        condition_kind::MARGIN => condition.percent = whole(fields)?,
        condition_kind::VOLUME => condition.volume = fields.int()?,
        _ => condition.change_percent = fields.double()?,
    }
    if [condition_kind::PRICE, condition_kind::VOLUME, condition_kind::PERCENT_CHANGE].contains(&kind) {
        condition.con_id = fields.int()?;
        condition.exchange = fields.text()?;
    }
    if kind == condition_kind::PRICE {
        condition.trigger_method = fields.int()?;
    }
    Ok(condition)
}

/// A whole number that some clients keep in a double.
fn whole(fields: &mut Fields<'_>) -> Read<Option<i32>> {
    let Some(number) = fields.double()? else { return Ok(None) };
    let fits = number.fract() == 0.0 && number.abs() <= f64::from(i32::MAX);
    #[expect(clippy::cast_possible_truncation, reason = "checked to be whole and in range")]
    if fits { Ok(Some(number as i32)) } else { Err(fields.last_problem(FieldProblem::NotANumber)) }
}

fn adjustments(fields: &mut Fields<'_>, order: &mut Order) -> Read {
    order.adjusted_order_type = fields.text()?;
    order.trigger_price = fields.double()?;
    order.lmt_price_offset = fields.double()?;
    order.adjusted_stop_price = fields.double()?;
    order.adjusted_stop_limit_price = fields.double()?;
    order.adjusted_trailing_amount = fields.double()?;
    order.adjustable_trailing_unit = fields.int()?;
    Ok(())
}

fn regulation(fields: &mut Fields<'_>, order: &mut Order) -> Read {
    order.ext_operator = fields.text()?;
    let (name, value) = (fields.text()?, fields.text()?);
    if name.is_some() || value.is_some() {
        order.soft_dollar_tier = Some(SoftDollarTier { name, value, display_name: None });
    }
    order.cash_qty = fields.double()?;
    order.mifid2_decision_maker = fields.text()?;
    order.mifid2_decision_algo = fields.text()?;
    order.mifid2_execution_trader = fields.text()?;
    order.mifid2_execution_algo = fields.text()?;
    order.dont_use_auto_price_for_hedge = fields.flag()?;
    order.is_oms_container = fields.flag()?;
    order.discretionary_up_to_limit_price = fields.flag()?;
    order.use_price_mgmt_algo = fields.int()?;
    Ok(())
}

fn newer_terms(fields: &mut Fields<'_>, contract: &Contract, order: &mut Order, version: i32) -> Read {
    if version >= since::DURATION {
        order.duration = fields.int()?;
    }
    if version >= since::POST_TO_ATS {
        order.post_to_ats = fields.int()?;
    }
    if version >= since::AUTO_CANCEL_PARENT {
        order.auto_cancel_parent = fields.flag()?;
    }
    if version >= since::ADVANCED_REJECT {
        order.advanced_error_override = fields.text()?;
    }
    if version >= since::MANUAL_ORDER_TIME {
        order.manual_order_time = fields.text()?;
    }
    if version >= since::PEG_OFFSETS {
        peg_offsets(fields, contract, order)?;
    }
    if version >= since::CUSTOMER_ACCOUNT {
        order.customer_account = fields.text()?;
    }
    if version >= since::PROFESSIONAL_CUSTOMER {
        order.professional_customer = fields.flag()?;
    }
    if (since::RFQ_FIELDS..since::UNDO_RFQ_FIELDS).contains(&version) {
        fields.skip(2)?;
    }
    if version >= since::INCLUDE_OVERNIGHT {
        order.include_overnight = fields.flag()?;
    }
    if version >= since::CME_TAGGING {
        order.manual_order_indicator = fields.int()?;
    }
    if version >= since::IMBALANCE_ONLY {
        order.imbalance_only = fields.flag()?;
    }
    Ok(())
}

fn peg_offsets(fields: &mut Fields<'_>, contract: &Contract, order: &mut Order) -> Read {
    if contract.exchange.as_deref() == Some("IBKRATS") {
        order.min_trade_qty = fields.int()?;
    }
    let mut has_mid_offsets = is_type(order, &["PEG MID", "PEGMID"]);
    if is_type(order, &["PEG BEST", "PEGBEST"]) {
        order.min_compete_size = fields.int()?;
        order.compete_against_best_offset = fields.double()?;
        // Infinity stands for "up to the midpoint".
        has_mid_offsets = order.compete_against_best_offset == Some(f64::INFINITY);
    }
    if has_mid_offsets {
        order.mid_offset_at_whole = fields.double()?;
        order.mid_offset_at_half = fields.double()?;
    }
    Ok(())
}

fn parameters(fields: &mut Fields<'_>) -> Read<Vec<TagValue>> {
    let mut all = Vec::new();
    for _ in 0..fields.count()? {
        all.push(TagValue { tag: fields.text()?, value: fields.text()? });
    }
    Ok(all)
}

/// `tag=value;tag=value;` in one field.
fn joined_parameters(text: &str) -> Vec<TagValue> {
    let pair = |item: &str| {
        let (tag, value) = item.split_once('=').unwrap_or((item, ""));
        TagValue { tag: Some(tag.to_owned()), value: Some(value.to_owned()) }
    };
    text.split(';').filter(|item| !item.is_empty()).map(pair).collect()
}

pub(super) fn is_type(order: &Order, names: &[&str]) -> bool {
    order.order_type.as_deref().is_some_and(|kind| names.contains(&kind))
}
