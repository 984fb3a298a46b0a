//! Gate completeness: the books come first.

use alphec_model::BrokerEvent;
use alphec_model::broker::ServerLink;

use super::{Invariant, ON_ITS_WAY, Scene, Verdict};
use crate::clock::Instant;
use crate::sight::Sight;
use crate::wire::Sent;

/// Since when messages may be missing that no complete lists have made good.
#[derive(Default)]
pub(super) struct BooksFirst {
    unread_since: Option<Instant>,
    /// When the lists were asked for that are being read.
    asked: Instant,
    has_no_servers: bool,
}

impl Invariant for BooksFirst {
    fn number(&self) -> u8 {
        8
    }

    fn sentence(&self) -> &'static str {
        "No order or change leaves before the broker's complete lists were asked for and read since messages may \
         last have been missed, nor while the gateway has no servers."
    }

    fn see(&mut self, scene: &Scene<'_>) -> Verdict {
        match scene.sight {
            Sight::Told(BrokerEvent::Connected(_)) => {
                (self.unread_since, self.has_no_servers) = (Some(Instant::MIN), false);
            }
            Sight::Told(BrokerEvent::Gap { .. }) => self.missed(scene.now),
            Sight::Told(BrokerEvent::ServerLink { link, .. }) => {
                self.has_no_servers = *link == ServerLink::Lost;
                self.missed(scene.now);
            }
            Sight::Wire(Sent::Books) => self.asked = scene.now,
            Sight::Told(BrokerEvent::Snapshot(_)) if !self.has_no_servers => {
                self.unread_since.take_if(|missed| *missed <= self.asked);
            }
            Sight::Wire(Sent::Place(ticket) | Sent::Replace(ticket)) => {
                let since = self.unread_since.filter(|at| scene.now.saturating_sub(*at) > ON_ITS_WAY);
                if since.is_some() {
                    let id = ticket.broker_order_id;
                    return Err(format!(
                        "order {id} leaves and messages may be missing: no lists were read since"
                    ));
                }
            }
            _ => {}
        }
        Ok(())
    }
}

impl BooksFirst {
    fn missed(&mut self, now: Instant) {
        let since = self.unread_since.unwrap_or(now);
        self.unread_since = Some(since.max(now));
    }
}
