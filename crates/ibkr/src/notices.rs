//! The one table of the broker's codes: what each means for the order it names.
//!
//! Source: IBKR's message codes and the field reports collected in the research notes (§1.8, §2.6).
//! A code that is not here is [`NoticeClass::Unlisted`]: the order is in doubt, never assumed dead.
//! Texts are localised by the gateway, so only 399 looks at its text, where the code alone says nothing.

use alphec_model::broker::{Notice, NoticeClass, ServerLink};
use alphec_model::{BrokerOrderId, FarmKind, FarmState};

/// ibapi mints request ids from here upwards and refuses order ids there, so an id names its domain.
pub(crate) const REQUEST_ID_FLOOR: i32 = 1_500_000_000;

/// The gateway moves its API port and is about to drop the socket.
pub(crate) const PORT_MOVED: i32 = 1300;

/// What `code` means for the order it names.
#[must_use]
pub fn classify(code: i32, text: &str) -> NoticeClass {
    match code {
        // Negative codes are ibapi's own (see `gap`); code 0 is a frame without a code, such as
        // "Approaching max rate of 50 messages per second".
        ..=0 => NoticeClass::Informational,

        // Too many messages: each excess one was refused, a few close the session.
        100 => NoticeClass::Pacing,

        // Order ids: below one already used, or not valid at all (0, an unbound manual order).
        103 | 10149 => NoticeClass::IdTrouble,

        // Only a change can be meant: the order is filled, the change touches more than price and size,
        // failed to transmit, touches the type, the clearing fields or an algo, comes before the
        // acknowledgement (444) or too soon (2102), or the order is fractional or monetary (10241).
        104 | 105 | 134 | 329 | 422 | 440 | 444 | 2102 | 10241 => NoticeClass::ModifyRefused,

        // Canceled: by us, by the broker, by the venue, or expired. Not an error.
        202 => NoticeClass::Canceled,
        // Not cancellable where it stands; the text of 10148 ends with its state, often `Filled`.
        136 | 161 | 10148 => NoticeClass::CancelRefused,
        // Unknown to the broker. Seen for live orders too, so no proof of absence.
        135 | 10147 => NoticeClass::NotFound,

        // Refused, often without any status: cannot transmit, incomplete, off the tick (110), type or life
        // not possible here, submit failed, bad size or price or field.
        106 | 107 | 110 | 111 | 113 | 133 | 140 | 141 | 145 => NoticeClass::Dead,
        // No such contract; rejected (reason in the text); product not allowed for the account.
        200 | 201 | 203 => NoticeClass::Dead,
        // Unreadable; fails validation (read-only mode too); processing failed; server error.
        320..=323 => NoticeClass::Dead,
        // Size against the market rule or the minimum; type unsupported; bad time; contract expired or
        // not available; bad stop price; what-if; short in a cash account; zero size; account or
        // allocation missing; no permission.
        355 | 387 | 388 | 391 | 392 | 403 | 412 | 413 | 426 | 434 | 435 | 436 | 460 => NoticeClass::Dead,
        // Child before its parent; fractional or monetary terms not possible; attributes that the broker
        // dropped (e-trade only, firm quote only, NBBO cap); cash quantity required; no preset.
        10006 | 10242..=10252 | 10268..=10270 | 10289 | 10293 | 10355 => NoticeClass::Dead,

        // Generic order message: a line that starts with `Warning:` means accepted but held or altered.
        // Any other text can be a rejection, so it stays in doubt.
        399 if is_warning(text) => NoticeClass::Informational,
        // Short locate: held and live. Life rewritten by a preset: live (taken for a cancel, it once led
        // to fifteen resubmissions that all filled). Cash preset used. Direct-routing fee notice.
        404 | 10349 | 10233 | 10311 => NoticeClass::Informational,

        // Connectivity: the gateway's link to the servers, its port, the client id.
        326 | 327 | 1100..=1102 | PORT_MOVED | 2110 => NoticeClass::Link,
        // The 21xx band informs: farms (2103 to 2108, 2119, 2157, 2158), outside hours ignored (2109),
        // cross-side (2137), attributes dropped (2168, 2169), zone assumed (2174), …
        2100..=2199 => NoticeClass::Informational,

        // Answers to data requests: ticker ids, subscriptions, history, depth, scanners, data farms.
        101 | 102 | 162 | 165 | 300..=302 | 309 | 310 | 316 | 317 | 319 | 330 | 331 => NoticeClass::Request,
        354 | 357 | 365 | 366 | 385 | 386 | 420 => NoticeClass::Request,
        10089..=10091 | 10167 | 10168 | 10185 | 10186 | 10190 | 10197 | 10225 => NoticeClass::Request,

        // Deliberately unlisted: precautionary limits (109, 163, 164, 382, 383, 451) wait for a click in
        // TWS; 411, 463 and 10318 are not documented well enough to call an order dead.
        _ => NoticeClass::Unlisted,
    }
}

/// The rule by which ibapi and the broker tell the two forms of 399 apart.
fn is_warning(text: &str) -> bool {
    text.lines().any(|line| line.trim_start().starts_with("Warning:"))
}

/// What a code says about the gateway's link to the broker's servers.
pub(crate) const fn server_link(code: i32) -> Option<ServerLink> {
    match code {
        1100 | 2110 => Some(ServerLink::Lost),
        1101 => Some(ServerLink::RestoredDataLost),
        1102 => Some(ServerLink::Restored),
        _ => None,
    }
}

/// What a code says about a data farm, and the farm's name, which ends the text (`tws-behaviour.md` §1.8).
pub(crate) fn farm(code: i32, text: &str) -> Option<(FarmKind, FarmState, String)> {
    let (kind, state) = match code {
        2103 => (FarmKind::MarketData, FarmState::Down),
        2104 => (FarmKind::MarketData, FarmState::Up),
        2108 => (FarmKind::MarketData, FarmState::Dormant),
        2119 => (FarmKind::MarketData, FarmState::Connecting),
        2105 => (FarmKind::History, FarmState::Down),
        2106 => (FarmKind::History, FarmState::Up),
        2107 => (FarmKind::History, FarmState::Dormant),
        2157 => (FarmKind::Definitions, FarmState::Down),
        2158 => (FarmKind::Definitions, FarmState::Up),
        _ => return None,
    };
    let name = text.rsplit_once(':').or_else(|| text.rsplit_once('.')).map_or(text, |(_, name)| name).trim();
    Some((kind, state, name.to_owned()))
}

/// Whether the code is one that ibapi makes up when frames are lost: an undecodable handshake frame (-4),
/// an unknown message, the shape of a framing slip (-5), a lagging stream (-6, -7), a reconnect (-8).
pub(crate) const fn is_gap(code: i32) -> bool {
    matches!(code, -8..=-4)
}

/// Whether ibapi dropped notices that belong to no request, those about the link among them.
pub(crate) const fn lost_notices(code: i32) -> bool {
    code == -7
}

/// Whether the code is about the connection, whichever request it came with: the gateway may put the latest one's id on it
/// (`tws-behaviour.md` §1.10).
pub(crate) fn is_of_connection(code: i32, text: &str) -> bool {
    server_link(code).is_some() || code == PORT_MOVED || farm(code, text).is_some()
}

/// Whether ibapi met a message type that it does not know.
pub(crate) const fn is_unknown_frame(code: i32) -> bool {
    code == -5
}

/// Whether a notice without an id may be the refusal of a list request: those carry no id, and 321 in
/// read-only mode never ends the request. Losing the servers spoils a list as well.
pub(crate) fn spoils_lists(code: i32, text: &str) -> bool {
    match classify(code, text) {
        NoticeClass::Informational | NoticeClass::Request => false,
        NoticeClass::Link => matches!(server_link(code), Some(ServerLink::Lost)) || code == PORT_MOVED,
        NoticeClass::Dead
        | NoticeClass::ModifyRefused
        | NoticeClass::Canceled
        | NoticeClass::CancelRefused
        | NoticeClass::NotFound
        | NoticeClass::Pacing
        | NoticeClass::IdTrouble
        | NoticeClass::Unlisted => true,
    }
}

/// A notice of ibapi as one of ours. An id in the request range belongs to a data request, -1 and
/// `i32::MAX` to nothing; every other id, negative ones included, is an order's.
pub(crate) fn convert(notice: ibapi::Notice) -> Notice {
    let ibapi::Notice { request_id, code, message, error_time: _, advanced_order_reject_json } = notice;
    let is_request = request_id.is_some_and(|id| (REQUEST_ID_FLOOR..i32::MAX).contains(&id));
    let class = if is_request { NoticeClass::Request } else { classify(code, &message) };
    let broker_order_id = request_id.filter(|id| *id != -1 && *id < REQUEST_ID_FLOOR).map(BrokerOrderId::new);
    let text = if advanced_order_reject_json.is_empty() {
        message
    } else {
        format!("{message} {advanced_order_reject_json}")
    };
    Notice { broker_order_id, code, text, class }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn class(code: i32) -> NoticeClass {
        classify(code, "")
    }

    #[test]
    fn every_listed_code_has_the_class_of_the_research_table() {
        let table: [(NoticeClass, &[i32]); 9] = [
            (NoticeClass::Dead, &[110, 200, 201, 203, 320, 321, 322, 323, 387, 434, 435, 460, 10006, 10355]),
            (NoticeClass::ModifyRefused, &[104, 105, 329, 422, 440, 444, 2102, 10241]),
            (NoticeClass::Canceled, &[202]),
            (NoticeClass::CancelRefused, &[136, 161, 10148]),
            (NoticeClass::NotFound, &[135, 10147]),
            (NoticeClass::IdTrouble, &[103, 10149]),
            (NoticeClass::Pacing, &[100]),
            (NoticeClass::Link, &[326, 1100, 1101, 1102, 1300, 2110]),
            (
                NoticeClass::Informational,
                &[0, 404, 10349, 10233, 10311, 2100, 2104, 2109, 2137, 2148, 2174, 2199],
            ),
        ];
        for (expected, codes) in table {
            for code in codes {
                assert_eq!(class(*code), expected, "{code}");
            }
        }
    }

    #[test]
    fn an_unlisted_code_is_in_doubt_and_never_dead() {
        for code in [1, 109, 163, 382, 383, 411, 451, 463, 999, 2200, 10318, 10999, 1_000_000, i32::MAX] {
            assert_eq!(class(code), NoticeClass::Unlisted, "{code}");
        }
    }

    #[test]
    fn a_generic_order_message_informs_only_when_a_line_warns() {
        let held = "Order Message:\nBUY 1 AAPL\nWarning: Your order will not be placed until 09:30:00";
        assert_eq!(classify(399, held), NoticeClass::Informational);
        assert_eq!(classify(399, "Order Message: not accepted"), NoticeClass::Unlisted);
        assert_eq!(classify(399, "Achtung: gehalten"), NoticeClass::Unlisted, "texts are localised");
    }

    #[test]
    fn an_id_in_the_request_range_is_never_an_order() {
        let notice = |request_id, code| ibapi::Notice {
            request_id,
            code,
            message: "text".to_owned(),
            error_time: None,
            advanced_order_reject_json: String::new(),
        };
        let request = convert(notice(Some(REQUEST_ID_FLOOR), 200));
        assert_eq!((request.broker_order_id, request.class), (None, NoticeClass::Request));
        let order = convert(notice(Some(REQUEST_ID_FLOOR - 1), 200));
        assert_eq!(order.broker_order_id, Some(BrokerOrderId::new(REQUEST_ID_FLOOR - 1)));
        assert_eq!(order.class, NoticeClass::Dead);
        assert_eq!(convert(notice(Some(-7), 202)).broker_order_id, Some(BrokerOrderId::new(-7)));
        for id in [None, Some(-1), Some(i32::MAX)] {
            assert_eq!(convert(notice(id, 321)).broker_order_id, None, "{id:?}");
            assert_eq!(convert(notice(id, 321)).class, NoticeClass::Dead, "{id:?}");
        }
    }

    #[test]
    fn the_link_to_the_servers_is_read_from_four_codes() {
        assert_eq!(server_link(1100), Some(ServerLink::Lost));
        assert_eq!(server_link(2110), Some(ServerLink::Lost));
        assert_eq!(server_link(1101), Some(ServerLink::RestoredDataLost));
        assert_eq!(server_link(1102), Some(ServerLink::Restored));
        assert_eq!(server_link(2103), None, "a data farm is not the link");
    }

    #[test]
    fn the_codes_of_the_farms_say_what_stands_how_and_which() {
        let table = [
            (
                2103,
                "Market data farm connection is broken:usfarm",
                FarmKind::MarketData,
                FarmState::Down,
                "usfarm",
            ),
            (
                2104,
                "Market data farm connection is OK:usfarm.nj",
                FarmKind::MarketData,
                FarmState::Up,
                "usfarm.nj",
            ),
            (
                2105,
                "HMDS data farm connection is broken:ushmds",
                FarmKind::History,
                FarmState::Down,
                "ushmds",
            ),
            (2106, "HMDS data farm connection is OK:ushmds", FarmKind::History, FarmState::Up, "ushmds"),
            (
                2107,
                "… should be available upon demand.ushmds",
                FarmKind::History,
                FarmState::Dormant,
                "ushmds",
            ),
            (2108, "… upon demand.usfarm", FarmKind::MarketData, FarmState::Dormant, "usfarm"),
            (
                2119,
                "Market data farm is connecting:usfarm",
                FarmKind::MarketData,
                FarmState::Connecting,
                "usfarm",
            ),
            (
                2157,
                "Sec-def data farm connection is broken:secdefil",
                FarmKind::Definitions,
                FarmState::Down,
                "secdefil",
            ),
            (
                2158,
                "Sec-def data farm connection is OK:secdefil",
                FarmKind::Definitions,
                FarmState::Up,
                "secdefil",
            ),
        ];
        for (code, text, kind, state, name) in table {
            assert_eq!(farm(code, text), Some((kind, state, name.to_owned())), "{code}");
        }
        assert_eq!(farm(2104, ""), Some((FarmKind::MarketData, FarmState::Up, String::new())));
        assert_eq!(farm(1100, "lost"), None, "the servers are no farm");
    }

    #[test]
    fn a_refusal_without_an_id_spoils_a_list_and_a_farm_notice_does_not() {
        for code in [321, 322, 100, 1100, 1300, 777] {
            assert!(spoils_lists(code, ""), "{code}");
        }
        for code in [0, 2104, 2106, 2158, 1101, 1102, 10197, 354] {
            assert!(!spoils_lists(code, ""), "{code}");
        }
    }
}
