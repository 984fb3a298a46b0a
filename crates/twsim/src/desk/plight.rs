//! States that faults bring the whole gateway into: silence, absence, lost servers.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::BufMut;

use super::later::Later;
use super::{ConnId, Desk};
use crate::faults::{Fault, Knob, When};
use crate::venue::{DAY_NS, Meddle, OrderKey, OrderKind, UtcNs, VenueInput, VenueOutput, day_start};

/// Most requests kept while the servers are lost; the rest is dropped, as the gateway's own store would.
const STORED_MAX: usize = 10_000;

/// Most orders about which something is remembered for a fault.
const REMEMBERED_MAX: usize = 65_536;

/// The servers are back, and what was subscribed to is not.
const SUBSCRIPTIONS_LOST: i32 = 1101;

/// What the gateway is going through.
#[derive(Debug, Default)]
pub(super) struct Plight {
    /// No connection is taken before this instant.
    pub(super) closed_until: Option<UtcNs>,
    /// Nobody listens at the port.
    pub(super) port_closed: bool,
    /// The broker's servers are lost.
    pub(super) offline: Option<Offline>,
    /// Arrival of new orders, for faults that ask how long ago.
    pub(super) placed_at: HashMap<OrderKey, UtcNs>,
    /// Terms that go on being shown after a modification, until an instant.
    pub(super) old_terms: HashMap<OrderKey, (OrderKind, UtcNs)>,
    /// Orders over whose late cancel was answered.
    pub(super) cancel_answered: HashMap<OrderKey, ()>,
    /// Attempts left for client ids that stay taken.
    pub(super) held_ids: HashMap<i32, i64>,
    /// Open-order lists served since the last `clear`.
    pub(super) lists_served: i64,
}

/// The time between 1100 and 1101 or 1102.
#[derive(Debug)]
pub(super) struct Offline {
    pub(super) fault: Arc<Fault>,
    pub(super) stored: Vec<VenueInput>,
    pub(super) unheard: Vec<VenueOutput>,
}

/// Inserts, and forgets everything when there is too much of it: only the recent past matters here.
pub(super) fn remember<T>(map: &mut HashMap<OrderKey, T>, key: OrderKey, value: T) {
    if map.len() >= REMEMBERED_MAX {
        map.clear();
    }
    map.insert(key, value);
}

impl Desk {
    /// Something begins.
    pub(super) fn begin(&mut self, now: UtcNs, fault: &Arc<Fault>) {
        match fault.knob {
            Knob::HalfOpen => self.fall_silent(now, fault),
            Knob::Disconnect => self.cut_all(fault.is("how", "rst")),
            Knob::Outage => self.go_down(now, fault.span("for")),
            Knob::Restart => self.restart(now, fault, "down"),
            Knob::DailyRestart => self.plan_daily(now, fault),
            Knob::LostServers => self.lose_servers(now, fault),
            Knob::Notice => {
                let (id, code) = (fault.code("id"), fault.code("code"));
                self.tell_all(now, id, (code, &text_of(code, &fault.words("text"))));
            }
            Knob::PortChanged => {
                let text = format!(
                    "TWS socket port has been reset and this connection is being dropped. Please reconnect on the new port - {}",
                    fault.int("port")
                );
                self.tell_all(now, -1, (1300, &text));
                self.cut_all(false);
            }
            Knob::Garble => self.garble(now, &fault.words("how")),
            Knob::DepthReset => self.reset_depth(now),
            Knob::PortRefused => {
                self.plight.port_closed = true;
                self.later(now, fault.span("for"), Later::OpenPort);
            }
            _ => debug_assert!(false, "{} does not begin by itself", fault.knob.row().name),
        }
    }

    /// True when a request that meets this beginning is not read any more.
    pub(super) fn takes_request(knob: Knob) -> bool {
        matches!(knob, Knob::HalfOpen | Knob::Disconnect | Knob::Outage | Knob::Restart | Knob::PortChanged)
    }

    fn fall_silent(&mut self, now: UtcNs, fault: &Fault) {
        self.mute_all();
        let resume = match (fault.span("resume"), fault.when) {
            (0, When::Span(from, to)) => to - from,
            (0, _) => return,
            (resume, _) => resume,
        };
        self.later(now, resume, Later::Resume);
    }

    pub(super) fn cut_all(&mut self, reset: bool) {
        let all: Vec<ConnId> = self.lines.sessions.keys().copied().collect();
        for conn in all {
            self.lines.cut(conn, reset);
        }
    }

    fn go_down(&mut self, now: UtcNs, down: i64) {
        self.cut_all(true);
        self.plight.closed_until = Some(now.saturating_add(down));
    }

    fn restart(&mut self, now: UtcNs, fault: &Fault, down: &str) {
        let code = fault.code("code");
        if code != 0 {
            self.tell_all(now, -1, (code, &text_of(code, "")));
        }
        self.go_down(now, fault.span(down));
        self.apply(now, VenueInput::Meddle(Meddle::DropParked));
    }

    fn plan_daily(&mut self, now: UtcNs, fault: &Arc<Fault>) {
        let at = fault.words("at");
        let minutes = at
            .split_once(':')
            .and_then(|(hour, minute)| Some(hour.parse::<i64>().ok()? * 60 + minute.parse::<i64>().ok()?))
            .unwrap_or(23 * 60 + 45);
        let today = day_start(now) + minutes * 60_000_000_000;
        let next = if today > now { today } else { today + DAY_NS };
        self.later(now, next - now, Later::Daily(Arc::clone(fault)));
    }

    pub(super) fn restart_daily(&mut self, now: UtcNs, fault: &Arc<Fault>) {
        self.restart(now, fault, "down");
        self.plan_daily(now, fault);
    }

    fn lose_servers(&mut self, now: UtcNs, fault: &Arc<Fault>) {
        self.tell_all(now, -1, (1100, &text_of(1100, "")));
        self.postponed.remove(|later| matches!(later, Later::Online));
        self.later(now, fault.span("for"), Later::Online);
        self.plight.offline =
            Some(Offline { fault: Arc::clone(fault), stored: Vec::new(), unheard: Vec::new() });
    }

    pub(super) fn servers_back(&mut self, now: UtcNs) {
        let Some(offline) = self.plight.offline.take() else { return };
        let code = offline.fault.code("then");
        if code != 0 {
            self.tell_all(now, -1, (code, &text_of(code, "")));
        }
        if code == SUBSCRIPTIONS_LOST {
            self.forget_subscriptions();
        }
        for output in offline.unheard {
            self.deliver(now, output, &super::route::PLAIN);
        }
        for input in offline.stored {
            self.apply(now, input);
        }
    }

    /// What clients have to ask for again after 1101 (tws-behaviour 1.8).
    fn forget_subscriptions(&mut self) {
        for session in self.lines.sessions.values_mut() {
            let open = &mut session.subscriptions;
            open.market_data.clear();
            open.depth.clear();
            open.live_bars.clear();
            open.history.clear();
            open.account = None;
            open.pnl.clear();
            open.pnl_single.clear();
        }
    }

    /// Keeps a request for the time when the servers are back, or drops it. False when they are not lost.
    pub(super) fn store_offline(&mut self, input: &VenueInput) -> bool {
        let Some(offline) = &mut self.plight.offline else { return false };
        if offline.fault.is("orders", "keep") && offline.stored.len() < STORED_MAX {
            offline.stored.push(input.clone());
        }
        true
    }

    pub(super) fn tell_all(&mut self, now: UtcNs, id: i32, (code, text): (i32, &str)) {
        for conn in self.lines.ready() {
            self.lines.error(now, conn, id, (code, text));
        }
    }

    fn garble(&mut self, now: UtcNs, how: &str) {
        for conn in self.lines.ready() {
            self.lines.send_raw(now, conn, |out| match how {
                "zero-length" => out.put_u32(0),
                "oversized" => out.put_u32(0x7fff_ffff),
                // Message 199 exists in no version; both dialects put the id into four bytes from 201 on.
                "unknown-message" => {
                    out.put_u32(8);
                    out.put_i32(399);
                    out.put_u32(0);
                }
                // An order status whose body is cut in the middle of a field.
                "bad-body" => {
                    out.put_u32(7);
                    out.put_i32(203);
                    out.put_slice(&[0x1a, 0x20, b'x']);
                }
                // A frame that promises more than is sent; the connection ends inside it.
                _ => {
                    out.put_u32(64);
                    out.put_i32(203);
                }
            });
            if how == "truncated" {
                self.lines.close(conn);
            }
        }
    }

    /// Ends every state that a fault brought about.
    pub(super) fn end_plight(&mut self, now: UtcNs) {
        self.plight.closed_until = None;
        self.postponed.remove(|later| {
            matches!(later, Later::Resume | Later::Daily(_) | Later::Online | Later::OpenPort)
        });
        self.servers_back(now);
        self.plight = Plight::default();
        self.resume_all(now);
    }
}

/// The broker's wording of the notices that every client meets.
pub(super) fn text_of(code: i32, given: &str) -> String {
    if !given.is_empty() {
        return given.to_owned();
    }
    let text = match code {
        0 => "Approaching max rate of 50 messages per second (42)",
        404 => "Order held while securities are located.",
        1100 => "Connectivity between IBKR and Trader Workstation has been lost.",
        1101 => "Connectivity between IBKR and Trader Workstation has been restored - data lost.",
        1102 => "Connectivity between IBKR and Trader Workstation has been restored - data maintained.",
        2103 => "Market data farm connection is broken:usfarm",
        2104 => "Market data farm connection is OK:usfarm",
        2105 => "HMDS data farm connection is broken:ushmds",
        2106 => "HMDS data farm connection is OK:ushmds",
        2107 => "HMDS data farm connection is inactive but should be available upon demand.ushmds",
        2108 => "Market data farm connection is inactive but should be available upon demand.usfarm",
        2109 => {
            "Order Event Warning: Attribute 'Outside Regular Trading Hours' is ignored based on the order type and destination. PlaceOrder is now being processed."
        }
        2110 => {
            "Connectivity between Trader Workstation and server is broken. It will be restored automatically."
        }
        2119 => "Market data farm is connecting:usfarm",
        2157 => "Sec-def data farm connection is broken:secdefnj",
        2158 => "Sec-def data farm connection is OK:secdefnj",
        10_349 => "Order TIF was set to DAY based on order preset.",
        _ => "injected by the simulator",
    };
    text.to_owned()
}
