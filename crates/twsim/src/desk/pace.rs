//! The message rate: what is above it waits, or costs the connection (tws-behaviour 5).

use bytes::Bytes;

use super::later::Later;
use super::{ConnId, Desk};
use crate::faults::{Knob, On};
use crate::venue::UtcNs;

const SECOND: i64 = 1_000_000_000;

impl Desk {
    /// Counts a message against the rate. False when it may not be read now, or not at all.
    pub(super) fn keeps_pace(&mut self, now: UtcNs, conn: ConnId, payload: &Bytes) -> bool {
        let Some(fault) = self.faults.quiet_level(now, Knob::Pacing).cloned() else { return true };
        let Some(session) = self.lines.sessions.get_mut(&conn) else { return true };
        let rate = u32::try_from(fault.int("rate")).unwrap_or(u32::MAX);
        if now.saturating_sub(session.pace.0) >= SECOND {
            session.pace = (now, 0);
        }
        session.pace.1 += 1;
        let (begun, count) = session.pace;
        if count <= rate {
            if count == (rate - rate / 10).max(1) && rate > 1 {
                // Sent without a code.
                let text = format!("Approaching max rate of {rate} messages per second ({count})");
                self.lines.error(now, conn, -1, (0, &text));
            }
            return true;
        }
        if fault.is("mode", "queue") {
            session.unread(payload);
            session.paced = true;
            self.later(now, begun + SECOND - now, Later::Read(conn));
            return false;
        }
        session.strikes += 1;
        let strikes = session.strikes;
        let client = session.client_id;
        let _logged = self.faults.level(now, Knob::Pacing, On::client(client));
        let text =
            format!("Max rate of messages per second has been exceeded: max={rate} rec={count} ({strikes})");
        self.lines.error(now, conn, -1, (100, &text));
        if i64::from(strikes) >= fault.int("strikes") {
            self.lines.close(conn);
        }
        false
    }
}
