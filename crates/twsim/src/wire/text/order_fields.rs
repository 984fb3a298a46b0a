//! openOrder and completedOrder in text. How an unset field looks is copied from real gateways' frames
//! (server versions 164 and 172): empty, 0, or one of the sentinels, field by field.

use super::contract::{Blanks, write_head, write_tail};
use super::place::{condition_kind, is_type};
use super::since;
use super::writer::{Writer, unset};
use crate::wire::layout::{CompletedOrder, Contract, OpenOrder, Order, OrderCondition, OrderState, TagValue};

/// The two lists share most fields, but not all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum List {
    Open,
    Completed,
}

pub(super) fn write_open_order(writer: &mut Writer<'_>, message: &OpenOrder) {
    let (Some(contract), Some(order), Some(state)) =
        (&message.contract, &message.order, &message.order_state)
    else {
        return;
    };
    writer.int(message.order_id, unset::ZERO);
    write_common(writer, (contract, order), List::Open);
    write_preview(writer, order, state);
    write_after_state(writer, order);
    write_adjustments(writer, order);
    write_newer_terms(writer, order);
}

pub(super) fn write_completed_order(writer: &mut Writer<'_>, message: &CompletedOrder) {
    let (Some(contract), Some(order), Some(state)) =
        (&message.contract, &message.order, &message.order_state)
    else {
        return;
    };
    write_common(writer, (contract, order), List::Completed);
    writer.opt(state.status.as_deref());
    write_after_state(writer, order);
    write_completion(writer, order, state);
}

/// Everything up to the state.
fn write_common(writer: &mut Writer<'_>, (contract, order): (&Contract, &Order), list: List) {
    write_head(writer, contract, Blanks::Order);
    write_tail(writer, contract);
    write_main_terms(writer, order, list);
    write_allocation(writer, order, list);
    write_sizes(writer, order, list);
    write_volatility(writer, order, list);
    write_combination(writer, contract, order);
    write_scale(writer, order);
    write_clearing(writer, contract, order, list);
    write_algorithm(writer, order);
}

fn write_main_terms(writer: &mut Writer<'_>, order: &Order, list: List) {
    writer
        .opt(order.action.as_deref())
        .size(order.total_quantity.as_deref(), unset::ZERO)
        .opt(order.order_type.as_deref())
        .double(order.lmt_price, unset::ZERO_DOUBLE)
        .double(order.aux_price, unset::ZERO_DOUBLE)
        .opt(order.tif.as_deref())
        .opt(order.oca_group.as_deref())
        .opt(order.account.as_deref())
        .opt(order.open_close.as_deref())
        .int(order.origin, unset::ZERO)
        .opt(order.order_ref.as_deref());
    if list == List::Open {
        writer.int(order.client_id, unset::ZERO);
    }
    writer
        .perm_id(order.perm_id)
        .flag(order.outside_rth)
        .flag(order.hidden)
        .double(order.discretionary_amt, unset::ZERO)
        .opt(order.good_after_time.as_deref());
    if list == List::Open {
        // Shares allocation: permanent id, account and size.
        let account = order.account.as_deref().unwrap_or_default();
        let size = order.total_quantity.as_deref().unwrap_or_default();
        let perm_id = order.perm_id.unwrap_or(0);
        writer.text(&format!("{perm_id}.0/{account}/{size}"));
    }
}

fn write_allocation(writer: &mut Writer<'_>, order: &Order, list: List) {
    writer.opt(order.fa_group.as_deref()).opt(order.fa_method.as_deref()).opt(order.fa_percentage.as_deref());
    if writer.version < since::NO_FA_PROFILE {
        writer.opt(order.fa_profile.as_deref());
    }
    writer
        .opt(order.model_code.as_deref())
        .opt(order.good_till_date.as_deref())
        .opt(order.rule80_a.as_deref())
        .double(order.percent_offset, unset::EMPTY)
        .opt(order.settling_firm.as_deref())
        .int(order.short_sale_slot, unset::ZERO)
        .opt(order.designated_location.as_deref())
        .int(order.exempt_code, "-1");
    if list == List::Open {
        writer.int(order.auction_strategy, unset::ZERO);
    }
    writer
        .double(order.starting_price, unset::EMPTY)
        .double(order.stock_ref_price, unset::EMPTY)
        .double(order.delta, unset::EMPTY)
        .double(order.stock_range_lower, unset::EMPTY)
        .double(order.stock_range_upper, unset::EMPTY);
}

fn write_sizes(writer: &mut Writer<'_>, order: &Order, list: List) {
    writer.int(order.display_size, unset::INT);
    if list == List::Open {
        writer.flag(order.block_order);
    }
    writer
        .flag(order.sweep_to_fill)
        .flag(order.all_or_none)
        .int(order.min_qty, unset::EMPTY)
        .int(order.oca_type, unset::ZERO);
    if list == List::Open {
        // Electronic trade only, firm quote only, NBBO price cap: abolished.
        writer.show(0).show(0).text(unset::EMPTY).int(order.parent_id, unset::ZERO);
    }
    writer.int(order.trigger_method, unset::ZERO);
}

fn write_volatility(writer: &mut Writer<'_>, order: &Order, list: List) {
    writer
        .double(order.volatility, unset::EMPTY)
        .int(order.volatility_type, unset::ZERO)
        .text(order.delta_neutral_order_type.as_deref().unwrap_or("None"))
        .double(order.delta_neutral_aux_price, unset::EMPTY)
        // Present whenever the type before it is not empty, and "None" is not.
        .int(order.delta_neutral_con_id, unset::ZERO);
    if list == List::Open {
        writer
            .opt(order.delta_neutral_settling_firm.as_deref())
            .opt(order.delta_neutral_clearing_account.as_deref())
            .opt(order.delta_neutral_clearing_intent.as_deref())
            .text(order.delta_neutral_open_close.as_deref().unwrap_or("?"));
    }
    writer
        .flag(order.delta_neutral_short_sale)
        .int(order.delta_neutral_short_sale_slot, unset::ZERO)
        .opt(order.delta_neutral_designated_location.as_deref())
        .flag(order.continuous_update)
        .int(order.reference_price_type, unset::ZERO)
        .double(order.trail_stop_price, unset::EMPTY)
        .double(order.trailing_percent, unset::EMPTY);
    if list == List::Open {
        // Basis points and their type, which only the gateway's own screens can set.
        writer.text(unset::EMPTY).text(unset::EMPTY);
    }
}

fn write_combination(writer: &mut Writer<'_>, contract: &Contract, order: &Order) {
    writer.opt(contract.combo_legs_descrip.as_deref()).show(contract.combo_legs.len());
    for leg in &contract.combo_legs {
        writer
            .int(leg.con_id, unset::ZERO)
            .int(leg.ratio, unset::ZERO)
            .opt(leg.action.as_deref())
            .opt(leg.exchange.as_deref())
            .int(leg.open_close, unset::ZERO)
            .int(leg.short_sales_slot, unset::ZERO)
            .opt(leg.designated_location.as_deref())
            .int(leg.exempt_code, "-1");
    }
    if contract.combo_legs.iter().any(|leg| leg.per_leg_price.is_some()) {
        writer.show(contract.combo_legs.len());
        for leg in &contract.combo_legs {
            writer.double(leg.per_leg_price, unset::EMPTY);
        }
    } else {
        writer.show(0);
    }
    write_parameters(writer, &order.smart_combo_routing_params);
}

fn write_scale(writer: &mut Writer<'_>, order: &Order) {
    writer
        .int(order.scale_init_level_size, unset::INT)
        .int(order.scale_subs_level_size, unset::INT)
        .double(order.scale_price_increment, unset::EMPTY);
    if order.scale_price_increment.is_some_and(|increment| increment > 0.0) {
        writer
            .double(order.scale_price_adjust_value, unset::EMPTY)
            .int(order.scale_price_adjust_interval, unset::EMPTY)
            .double(order.scale_profit_offset, unset::EMPTY)
            .flag(order.scale_auto_reset)
            .int(order.scale_init_position, unset::EMPTY)
            .int(order.scale_init_fill_qty, unset::EMPTY)
            .flag(order.scale_random_percent);
    }
}

fn write_clearing(writer: &mut Writer<'_>, contract: &Contract, order: &Order, list: List) {
    writer.opt(order.hedge_type.as_deref());
    if order.hedge_type.as_deref().is_some_and(|kind| !kind.is_empty()) {
        writer.opt(order.hedge_param.as_deref());
    }
    if list == List::Open {
        writer.flag(order.opt_out_smart_routing);
    }
    writer.opt(order.clearing_account.as_deref()).opt(order.clearing_intent.as_deref()).flag(order.not_held);
    match &contract.delta_neutral_contract {
        Some(hedge) => writer
            .show(1)
            .int(hedge.con_id, unset::ZERO)
            .double(hedge.delta, unset::ZERO)
            .double(hedge.price, unset::ZERO),
        None => writer.show(0),
    };
}

fn write_algorithm(writer: &mut Writer<'_>, order: &Order) {
    writer.opt(order.algo_strategy.as_deref());
    if order.algo_strategy.as_deref().is_some_and(|name| !name.is_empty()) {
        write_parameters(writer, &order.algo_params);
    }
    writer.flag(order.solicited);
}

fn write_parameters(writer: &mut Writer<'_>, parameters: &[TagValue]) {
    writer.show(parameters.len());
    for parameter in parameters {
        writer.opt(parameter.tag.as_deref()).opt(parameter.value.as_deref());
    }
}

/// What-if flag, status, margins and commissions.
fn write_preview(writer: &mut Writer<'_>, order: &Order, state: &OrderState) {
    writer.flag(order.what_if).opt(state.status.as_deref());
    let margins = [
        state.init_margin_before,
        state.maint_margin_before,
        state.equity_with_loan_before,
        state.init_margin_change,
        state.maint_margin_change,
        state.equity_with_loan_change,
        state.init_margin_after,
        state.maint_margin_after,
        state.equity_with_loan_after,
    ];
    for margin in margins {
        writer.double(margin, unset::DOUBLE);
    }
    writer
        .double(state.commission_and_fees, unset::EMPTY)
        .double(state.min_commission_and_fees, unset::EMPTY)
        .double(state.max_commission_and_fees, unset::EMPTY)
        .opt(state.commission_and_fees_currency.as_deref());
    if writer.version >= since::FULL_PREVIEW {
        write_full_preview(writer, state);
    }
    writer.opt(state.warning_text.as_deref());
}

fn write_full_preview(writer: &mut Writer<'_>, state: &OrderState) {
    writer.opt(state.margin_currency.as_deref());
    let margins = [
        state.init_margin_before_outside_rth,
        state.maint_margin_before_outside_rth,
        state.equity_with_loan_before_outside_rth,
        state.init_margin_change_outside_rth,
        state.maint_margin_change_outside_rth,
        state.equity_with_loan_change_outside_rth,
        state.init_margin_after_outside_rth,
        state.maint_margin_after_outside_rth,
        state.equity_with_loan_after_outside_rth,
    ];
    for margin in margins {
        writer.double(margin, unset::DOUBLE);
    }
    writer
        .opt(state.suggested_size.as_deref())
        .opt(state.reject_reason.as_deref())
        .show(state.order_allocations.len());
    for share in &state.order_allocations {
        writer
            .opt(share.account.as_deref())
            .opt(share.position.as_deref())
            .opt(share.position_desired.as_deref())
            .opt(share.position_after.as_deref())
            .opt(share.desired_alloc_qty.as_deref())
            .opt(share.allowed_alloc_qty.as_deref())
            .flag(share.is_monetary);
    }
}

/// Randomising, benchmark and conditions: after the state in both lists.
fn write_after_state(writer: &mut Writer<'_>, order: &Order) {
    writer.flag(order.randomize_size).flag(order.randomize_price);
    if is_type(order, &["PEG BENCH", "PEGBENCH"]) {
        writer
            .int(order.reference_contract_id, unset::ZERO)
            .flag(order.is_pegged_change_amount_decrease)
            .double(order.pegged_change_amount, unset::ZERO)
            .double(order.reference_change_amount, unset::ZERO)
            .opt(order.reference_exchange_id.as_deref());
    }
    writer.show(order.conditions.len());
    for condition in &order.conditions {
        write_condition(writer, condition);
    }
    if !order.conditions.is_empty() {
        writer.flag(order.conditions_ignore_rth).flag(order.conditions_cancel_order);
    }
}

fn write_condition(writer: &mut Writer<'_>, condition: &OrderCondition) {
    let kind = condition.kind.unwrap_or(0);
    // In protobuf an absent flag is no.
    let conjunction = if condition.is_conjunction_connection == Some(true) { "a" } else { "o" };
    writer.show(kind).text(conjunction);
    if kind == condition_kind::EXECUTION {
        writer
            .opt(condition.sec_type.as_deref())
            .opt(condition.exchange.as_deref())
            .opt(condition.symbol.as_deref());
        return;
    }
    writer.flag(condition.is_more);
    match kind {
        condition_kind::PRICE => writer.double(condition.price, unset::ZERO),
        condition_kind::TIME => writer.opt(condition.time.as_deref()),
        condition_kind::MARGIN => writer.int(condition.percent, unset::ZERO),
        condition_kind::VOLUME => writer.int(condition.volume, unset::ZERO),
        _ => writer.double(condition.change_percent, unset::ZERO),
    };
    if [condition_kind::PRICE, condition_kind::VOLUME, condition_kind::PERCENT_CHANGE].contains(&kind) {
        writer.int(condition.con_id, unset::ZERO).opt(condition.exchange.as_deref());
    }
    if kind == condition_kind::PRICE {
        writer.int(condition.trigger_method, unset::ZERO);
    }
}

fn write_adjustments(writer: &mut Writer<'_>, order: &Order) {
    let tier = order.soft_dollar_tier.clone().unwrap_or_default();
    writer
        .text(order.adjusted_order_type.as_deref().unwrap_or("None"))
        .double(order.trigger_price, unset::DOUBLE)
        .double(order.trail_stop_price, unset::DOUBLE)
        .double(order.lmt_price_offset, unset::DOUBLE)
        .double(order.adjusted_stop_price, unset::DOUBLE)
        .double(order.adjusted_stop_limit_price, unset::DOUBLE)
        .double(order.adjusted_trailing_amount, unset::DOUBLE)
        .int(order.adjustable_trailing_unit, unset::ZERO)
        .opt(tier.name.as_deref())
        .opt(tier.value.as_deref())
        .opt(tier.display_name.as_deref())
        .double(order.cash_qty, unset::ZERO)
        .flag(order.dont_use_auto_price_for_hedge)
        .flag(order.is_oms_container)
        .flag(order.discretionary_up_to_limit_price)
        .int(order.use_price_mgmt_algo, unset::ZERO);
}

fn write_newer_terms(writer: &mut Writer<'_>, order: &Order) {
    let version = writer.version;
    if version >= since::DURATION {
        writer.int(order.duration, unset::EMPTY);
    }
    if version >= since::POST_TO_ATS {
        writer.int(order.post_to_ats, unset::EMPTY);
    }
    if version >= since::AUTO_CANCEL_PARENT {
        writer.flag(order.auto_cancel_parent);
    }
    write_peg_offsets(writer, order);
    write_customer(writer, order);
    if version >= since::BOND_ACCRUED_INTEREST {
        writer.opt(order.bond_accrued_interest.as_deref());
    }
    if version >= since::INCLUDE_OVERNIGHT {
        writer.flag(order.include_overnight);
    }
    if version >= since::CME_TAGGING_ECHOED {
        writer.opt(order.ext_operator.as_deref()).int(order.manual_order_indicator, unset::EMPTY);
    }
    if version >= since::SUBMITTER {
        writer.opt(order.submitter.as_deref());
    }
    if version >= since::IMBALANCE_ONLY {
        writer.flag(order.imbalance_only);
    }
}

fn write_peg_offsets(writer: &mut Writer<'_>, order: &Order) {
    if writer.version >= since::PEG_OFFSETS {
        writer
            .int(order.min_trade_qty, unset::EMPTY)
            .int(order.min_compete_size, unset::EMPTY)
            .double(order.compete_against_best_offset, unset::EMPTY)
            .double(order.mid_offset_at_whole, unset::EMPTY)
            .double(order.mid_offset_at_half, unset::EMPTY);
    }
}

fn write_customer(writer: &mut Writer<'_>, order: &Order) {
    if writer.version >= since::CUSTOMER_ACCOUNT {
        writer.opt(order.customer_account.as_deref());
    }
    if writer.version >= since::PROFESSIONAL_CUSTOMER {
        writer.flag(order.professional_customer);
    }
}

fn write_completion(writer: &mut Writer<'_>, order: &Order, state: &OrderState) {
    writer
        .double(order.trail_stop_price, unset::DOUBLE)
        .double(order.lmt_price_offset, unset::DOUBLE)
        .double(order.cash_qty, unset::ZERO)
        .flag(order.dont_use_auto_price_for_hedge)
        .flag(order.is_oms_container)
        .opt(order.auto_cancel_date.as_deref())
        .size(order.filled_quantity.as_deref(), unset::ZERO)
        .int(order.ref_futures_con_id, unset::INT)
        .flag(order.auto_cancel_parent)
        .text(order.shareholder.as_deref().unwrap_or("Not an insider or substantial shareholder"))
        .flag(order.imbalance_only)
        .int(order.route_marketable_to_bbo, unset::ZERO);
    match order.parent_perm_id {
        Some(perm_id) => writer.perm_id(Some(perm_id)),
        None => writer.text(unset::LONG),
    };
    writer.opt(state.completed_time.as_deref()).opt(state.completed_status.as_deref());
    write_peg_offsets(writer, order);
    write_customer(writer, order);
    if writer.version >= since::SUBMITTER {
        writer.opt(order.submitter.as_deref());
    }
}
