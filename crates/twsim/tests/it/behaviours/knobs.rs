//! The knobs of section 7.1 of the behaviour study, each with what turns it and the test that shows it. A switch is a
//! fault's name, a setting of `GatewayConfig` (with a dot before it), a flag of the command, or nothing where the venue
//! always does it.

use alphec_twsim::GatewayConfig;
use alphec_twsim::faults::TABLE;

/// Heading, and its knobs: what, switches, test.
pub(super) type Group = (&'static str, &'static [(&'static str, &'static [&'static str], &'static str)]);

#[rustfmt::skip] // A table: one line per row.
pub(super) const KNOBS: &[Group] = &[
    ("Transport", &[
        ("port refusal", &["port-refused"], "the_port_refuses_connections_for_a_while_and_those_that_there_are_go_on"),
        ("accept, then mute", &["handshake-stall"], "a_connection_can_be_reset_or_left_hanging_at_every_stage"),
        ("reset before or after the handshake", &["reset-at-connect", "reset-at-start"], "a_connection_can_be_reset_or_left_hanging_at_every_stage"),
        ("end of the stream after 326", &["hold-client-id"], "a_client_id_stays_taken_for_some_attempts_after_its_session_ended"),
        ("half-open, with resume", &["half-open"], "a_half_open_gateway_keeps_the_socket_says_nothing_and_acts_on_the_backlog_when_it_resumes"),
        ("bad length prefix", &["garble"], "bytes_that_are_no_frame_can_be_sent_in_five_ways"),
        ("slow read", &["slow-read"], "a_gateway_that_reads_slowly_acts_late_on_what_is_written_to_it"),
        ("bulk timeout", &["bulk-timeout"], "a_client_that_takes_nothing_is_disconnected_after_the_bulk_timeout"),
    ]),
    ("Handshake", &[
        ("order of next id and accounts", &["accounts-first"], "handshakes_come_in_every_order_and_with_any_time_zone"),
        ("unsolicited frames before and after", &["early-notices", "no-farms", "download-open-orders"], "handshakes_come_in_every_order_and_with_any_time_zone"),
        ("odd time-zone names", &["time-zone"], "handshakes_come_in_every_order_and_with_any_time_zone"),
        ("server version", &[".server_version", "--server-version"], "the_handshake_gives_version_accounts_and_first_order_id"),
        ("id roll-back", &["roll-back-ids", "reset-ids"], "the_next_order_id_rolls_back_and_ids_that_were_used_are_taken_again"),
        ("client id held for some attempts", &["hold-client-id"], "a_client_id_stays_taken_for_some_attempts_after_its_session_ended"),
    ]),
    ("State flags", &[
        ("read-only", &["read-only", ".read_only", "--read-only"], "in_read_only_mode_orders_and_open_order_lists_get_321_without_an_id_and_the_rest_works"),
        ("reject or pace", &["pacing"], "above_the_message_rate_orders_wait_or_get_100_and_the_session_ends"),
        ("download open orders", &["download-open-orders"], "handshakes_come_in_every_order_and_with_any_time_zone"),
        ("resubmit on reconnect", &["lost-servers"], "an_order_sent_while_the_servers_are_lost_executes_when_they_are_back_or_never"),
        ("negative auto range", &["positive-auto-ids"], "hand_typed_orders_get_negative_ids_or_the_next_positive_ones"),
        ("zero positions", &["no-zero-positions"], "closed_positions_are_sent_as_zero_or_not_at_all"),
        ("time-zone mode", &["time-zone"], "the_handshake_names_the_zone_of_the_host_and_shows_its_clock"),
        ("master id", &["master-client", ".master_client_id"], "the_master_client_hears_of_the_orders_of_all_others"),
    ]),
    ("Order engine", &[
        ("duplicate callbacks", &["duplicate", "execution-again"], "callbacks_are_repeated_and_once_more_after_the_order_is_over"),
        ("missing callbacks", &["no-status", "lose", "commission-missing"], "a_share_of_the_orders_gets_no_status_and_each_order_stays_on_its_side"),
        ("reordered callbacks", &["execution-first", "stale-status"], "an_execution_comes_up_to_a_second_before_the_first_acknowledgement"),
        ("delayed callbacks", &["delay", "status-late", "execution-late", "commission-late", ".commission_delay"], "after_a_fill_the_state_from_before_it_is_sent_once_more"),
        ("acknowledged never", &["swallow"], "orders_in_a_burst_are_swallowed_and_some_appear_minutes_later"),
        ("acknowledged at the open", &["status-late", "swallow", "modify-shows-old"], "an_order_is_acknowledged_when_the_session_opens"),
        ("cancelled at the open", &["cancel-late"], "a_cancel_is_confirmed_when_the_session_opens"),
        ("fill during a cancel", &["fill-during-cancel", "fill-after-cancel", ".cancel_delay"], "an_order_fills_while_its_cancel_is_pending_and_the_cancel_meets_10148"),
        ("fill during a modification", &["fill-during-modify"], "a_modification_can_find_its_order_filled"),
        ("partial fills", &[], "fills_come_in_the_sizes_that_are_shown"),
        ("corrections", &["correction", "bust"], "an_execution_is_corrected_under_the_next_revision_of_its_id"),
        ("legs of combinations", &["legs-apart"], "the_legs_of_a_non_guaranteed_combination_fill_one_after_the_other_at_the_prices_of_then"),
        ("locate hold", &["locate-hold"], "inactive_is_a_hold_that_ends_in_a_fill_or_a_rejection_that_does_not"),
        ("presets", &["preset-tif", "ignore-outside-rth"], "what_is_echoed_is_what_a_preset_made_of_it_and_a_modified_price_is_shown_late"),
        ("brackets", &["child-race", "parent-gone"], "a_child_too_soon_gets_10006_and_a_modification_that_names_a_parent_gets_135"),
        ("OCA types", &[], "in_groups_of_types_2_and_3_the_others_shrink_and_the_last_part_cancels_them"),
        ("expiry at the end of the day while disconnected", &["disconnect", "outage"], "a_day_order_expires_while_its_client_is_away_and_nobody_tells"),
    ]),
    ("Error injection", &[
        ("any code that kills", &["reject", "reject-modify"], "any_code_can_kill_or_only_inform"),
        ("any code that informs", &["inform", "notice"], "any_code_can_kill_or_only_inform"),
        ("localised text", &["error-text"], "an_error_about_an_order_comes_under_another_id_or_none_in_any_language"),
        ("id -1", &["error-id"], "an_error_about_an_order_comes_under_another_id_or_none_in_any_language"),
        ("absent code", &["inform", "reject"], "an_error_can_come_without_a_code"),
    ]),
    ("Recovery", &[
        ("lists with delays", &["lists-late"], "lists_come_late_and_as_they_are_then"),
        ("lists with omissions", &["omit-orders", "empty-lists", "lists-backwards"], "a_live_order_is_missing_from_the_first_list_and_is_in_the_second"),
        ("quirks of completed orders", &["completed-total"], "the_total_of_a_completed_order_is_what_was_left_of_it"),
        ("window of executions", &["execution-window"], "executions_reach_back_to_midnight_only_and_to_earlier_days_when_asked_unless_the_gateway_cannot"),
        ("visibility by client", &["foreign-order", "master-client"], "each_client_lists_its_own_orders_and_one_request_lists_all"),
    ]),
    ("Clock", &[
        ("session open and close", &["--sessions"], "an_order_outside_the_session_is_held_with_a_warning_and_goes_to_work_at_the_open"),
        ("restart at 23:45", &["daily-restart"], "the_daily_restart_comes_at_its_time_every_day"),
        ("midnight roll", &["daily-restart", "execution-window"], "executions_reach_back_to_midnight_only_and_to_earlier_days_when_asked_unless_the_gateway_cannot"),
        ("weekend", &["--sessions"], "a_future_opens_the_evening_before_and_rests_over_the_weekend"),
        ("change of the hour", &["--sessions"], "the_open_follows_the_exchanges_clock_through_the_change_of_the_hour"),
    ]),
    ("Determinism", &[
        ("seed", &[".seed", "--seed"], "the_same_seed_and_input_give_the_same_outputs"),
        ("every decision logged", &[".record", "--record"], "what_two_dialects_say_is_recorded_in_words_and_in_order"),
    ]),
];

/// Whether something of this name can be turned.
pub(super) fn exists(switch: &str, command: &str) -> bool {
    if let Some(setting) = switch.strip_prefix('.') {
        return format!("{:?}", GatewayConfig::default()).contains(&format!(" {setting}: "));
    }
    match switch.strip_prefix("--") {
        Some(flag) => command.contains(&format!("    {}: ", flag.replace('-', "_"))),
        None => TABLE.iter().any(|row| row.name == switch),
    }
}

/// As the page shows it.
pub(super) fn shown(switch: &str) -> String {
    match switch.strip_prefix('.') {
        Some(setting) => format!("`GatewayConfig::{setting}`"),
        None => format!("`{switch}`"),
    }
}
