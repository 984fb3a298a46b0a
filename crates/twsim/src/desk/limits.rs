//! What a login and a session may have open at once, and the errors that say so.

use std::collections::BTreeSet;

use super::{ConnId, Desk};
use crate::client::Subscriptions;
use crate::venue::{ConId, UtcNs};

impl Desk {
    /// Whether one more market-data line may be opened. The login has so many instruments at once (tws-behaviour 5);
    /// a session has no more subscriptions than that either. Bars as they happen are lines too.
    pub(super) fn takes_line(&mut self, now: UtcNs, conn: ConnId, (req_id, con_id): (i32, ConId)) -> bool {
        let most = self.config.limits.market_data_lines;
        let mut instruments: BTreeSet<ConId> = BTreeSet::from([con_id]);
        let mut own = 0;
        for (other, session) in &self.lines.sessions {
            // A request under the same id takes the place of the one before it.
            let kept = |(id, _): &(i32, ConId)| *other != conn || *id != req_id;
            let open: Vec<ConId> =
                lines(&session.subscriptions).filter(kept).map(|(_, con_id)| con_id).collect();
            own += if *other == conn { open.len() } else { 0 };
            instruments.extend(open);
        }
        let fits = instruments.len() <= most && own < most;
        if !fits {
            self.lines.error(now, conn, req_id, (101, "Max number of tickers has been reached."));
        }
        fits
    }

    /// Whether a session may have one more subscription of a kind of which it has `open`.
    pub(super) fn takes_one_more(
        &mut self,
        now: UtcNs,
        conn: ConnId,
        (req_id, open): (i32, usize),
        most: usize,
    ) -> bool {
        if open >= most {
            let text =
                "Error processing request.-'sim' : cause - Maximum number of requests of this kind exceeded";
            self.lines.error(now, conn, req_id, (322, text));
        }
        open < most
    }
}

/// Request ids and instruments.
fn lines(open: &Subscriptions) -> impl Iterator<Item = (i32, ConId)> {
    let ticks = open.market_data.iter().map(|(req_id, con_id)| (*req_id, *con_id));
    ticks.chain(open.live_bars.iter().map(|(req_id, feed)| (*req_id, feed.con_id)))
}
