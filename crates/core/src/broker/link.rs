//! The link: connect, verify the accounts, read the books, and only then be ready.

use alphec_model::broker::{LinkState, ServerLink, Session as BrokerSession};
use alphec_model::{
    AccountId, AlertKind, Body, FarmKind, FarmState, Generation, OrderState, Provenance, planted,
};

use super::snapshot::ATTEMPTS_AT_FIRST;
use crate::config::Mode;
use crate::machine::{About, Turn};

/// Failed attempts in a row after which people are told, and again at each multiple.
const FAILED_ATTEMPTS_ALERT: u32 = 3;

/// Broken farms that are remembered; there are some twenty.
const FARMS_MAX: usize = 100;

impl Turn<'_> {
    pub(super) fn connect_failed(&mut self, attempt: u32, error: &str, retry_in_ms: Option<u64>) {
        let gave_up = retry_in_ms.is_none();
        if gave_up || attempt.is_multiple_of(FAILED_ATTEMPTS_ALERT) {
            let next = if gave_up { "giving up" } else { "still trying" };
            let text = format!("connection attempt {attempt} failed ({error}); {next}");
            self.alert(AlertKind::ReconnectFailing, text, None);
        }
    }

    pub(super) fn connected(&mut self, session: &BrokerSession) {
        // An end that was never told: what was not answered on the old connection is in doubt.
        self.open_gap("a new connection");
        self.doubt_unanswered("a new connection replaced the one it was written to");
        self.core.session.forget_connection();
        self.core.session.link.generation = session.generation;
        self.raise_id_floor(session.next_order_id);
        if planted::is("a-low-next-valid-id-is-believed") {
            let body = Body::IdFloorRaised { next: session.next_order_id, intents: None };
            self.record(About::default(), Provenance::Observed, body);
        }
        let wrong_client = self.wrong_client(session);
        let is_believed = wrong_client.is_none();
        let accounts = session.accounts.iter().filter(|_| is_believed).cloned().collect();
        self.core.session.link.accounts = Some(accounts);
        self.core.session.link.refused = wrong_client.or_else(|| self.wrong_accounts(session));
        if let Some(why) = self.core.session.link.refused.clone() {
            self.alert(AlertKind::AccountMismatch, why, None);
        }
        let why = format!("connected at server version {}", session.server_version);
        self.change_link(LinkState::Recovering, why);
        self.send_waiting_cancels();
        self.ask_snapshot();
        if planted::is("ready-before-the-books-are-read") {
            self.recovered();
        }
    }

    /// Order ids belong to a client id: under another one, the ids of this journal are not ours.
    fn wrong_client(&self, session: &BrokerSession) -> Option<String> {
        let ours = self.core.config.api_client_id;
        let journal = self.core.book.api_client_id().unwrap_or(ours);
        if session.api_client_id != ours {
            let theirs = session.api_client_id;
            Some(format!(
                "connected under client id {theirs} instead of {ours}: give the profile its client id"
            ))
        } else if journal != ours {
            Some(format!("the journal belongs to client id {journal}, not {ours}: give the profile that one"))
        } else {
            None
        }
    }

    /// Why the accounts of this login are not those of the profile, if so. The list that the
    /// broker sends decides whether it is paper, never the port.
    fn wrong_accounts(&self, session: &BrokerSession) -> Option<String> {
        if planted::is("any-login-is-accepted") {
            return None;
        }
        let config = &self.core.config;
        let missing: Vec<&str> = config
            .accounts
            .iter()
            .filter(|account| !session.accounts.contains(account))
            .map(AccountId::as_str)
            .collect();
        let listed = session.accounts.iter().map(AccountId::as_str).collect::<Vec<_>>().join(", ");
        let live = session.accounts.iter().find(|account| !account.as_str().starts_with('D'));
        if session.accounts.is_empty() {
            return Some("the broker lists no account: log in to TWS or Gateway".to_owned());
        }
        match (config.mode, live) {
            (Mode::Paper, Some(live)) => Some(format!(
                "account {live} is a live account and this is a paper profile: log in to the paper account"
            )),
            _ if !missing.is_empty() => Some(format!(
                "the profile names account {} but the broker lists {listed}: mend the profile or the login",
                missing.join(", ")
            )),
            _ => None,
        }
    }

    pub(super) fn disconnected(&mut self, generation: Generation, why: &str) {
        if generation != self.core.session.link.generation {
            return;
        }
        let was_up = self.is_connected();
        self.open_gap(why);
        self.core.session.forget_connection();
        self.change_link(LinkState::Down, why.to_owned());
        // A stop lets go of the link on purpose.
        if was_up && !self.core.session.stopping {
            self.alert(
                AlertKind::Disconnected,
                format!("disconnected: {why}; no new orders until recovered"),
                None,
            );
        }
        self.doubt_unanswered(&format!("the connection was lost before the broker answered: {why}"));
    }

    fn doubt_unanswered(&mut self, why: &str) {
        if planted::is("a-lost-connection-raises-no-doubt") {
            return;
        }
        for ix in self.core.book.live() {
            if self.state(ix) == Some(OrderState::PendingNew) {
                self.doubt(ix, why.to_owned());
            }
        }
    }

    /// Events may be missing: the books are read again before anything new is sent.
    pub(super) fn gap(&mut self, generation: Generation, why: &str) {
        if generation != self.core.session.link.generation || !self.is_connected() {
            return;
        }
        if planted::is("a-gap-is-let-pass") {
            return;
        }
        self.open_gap(why);
        if self.core.session.link.state == LinkState::Ready {
            self.change_link(LinkState::Recovering, why.to_owned());
        }
        self.core.session.forget_lists();
        self.look_again();
        if self.core.session.asked_in_vain >= ATTEMPTS_AT_FIRST {
            let text =
                "the broker's books are broken off time and again: nothing new is sent until they are read";
            if self.core.session.is_news(text) {
                self.alert(AlertKind::Anomaly, format!("{text} ({why})"), None);
            }
        }
    }

    pub(super) fn server_link(&mut self, generation: Generation, link: ServerLink) {
        if generation != self.core.session.link.generation || !self.is_connected() {
            return;
        }
        self.open_gap("the gateway lost the broker's servers");
        match link {
            ServerLink::Lost if planted::is("lost-servers-stop-nothing") => {}
            ServerLink::Lost => {
                self.core.session.forget_lists();
                self.change_link(LinkState::Degraded, "the gateway lost the broker's servers".to_owned());
                let text =
                    "the gateway lost the broker's servers: no new orders until they are back".to_owned();
                self.alert(AlertKind::Disconnected, text, None);
            }
            ServerLink::Restored | ServerLink::RestoredDataLost => {
                self.change_link(LinkState::Recovering, "the broker's servers are back".to_owned());
                self.core.session.forget_lists();
                self.core.session.asked_in_vain = 0;
                self.forget_sent_cancels();
                self.ask_snapshot();
            }
        }
    }

    /// A data farm: none of them carries orders, so the link stays as it is. What it served grows old, and the gate
    /// denies by age.
    pub(super) fn farm(&mut self, generation: Generation, farm: (FarmKind, String), state: FarmState) {
        if generation != self.core.session.link.generation {
            return;
        }
        let farms_down = &mut self.core.session.farms_down;
        let (kind, name) = (farm.0, farm.1.clone());
        match state {
            FarmState::Up | FarmState::Dormant if farms_down.remove(&farm) => {
                self.alert(AlertKind::FarmBack, format!("the broker's {kind} farm {name} is back"), None);
            }
            FarmState::Down if farms_down.len() < FARMS_MAX && farms_down.insert(farm) => {
                let text = format!(
                    "the broker's {kind} farm {name} is broken: orders are denied once its data is too old"
                );
                self.alert(AlertKind::FarmDown, text, None);
            }
            // On its way is not there yet.
            FarmState::Up | FarmState::Dormant | FarmState::Down | FarmState::Connecting => {}
        }
    }

    /// The books are read: orders may go out again, once every account has its starting position.
    pub(super) fn recovered(&mut self) {
        let knows_all = self.core.config.accounts.iter().all(|account| self.core.book.is_baselined(account));
        let link = &self.core.session.link;
        if link.refused.is_some() || link.state != LinkState::Recovering || !knows_all {
            return;
        }
        self.close_gap();
        self.change_link(LinkState::Ready, "the broker's books are read".to_owned());
        if self.core.session.link.was_ready {
            self.alert(AlertKind::Reconnected, "connected and reconciled again".to_owned(), None);
        }
        self.core.session.link.was_ready = true;
    }

    /// Messages may be missing from here on, until complete lists asked for later are taken over.
    pub(crate) fn open_gap(&mut self, why: &str) {
        if self.core.book.gap().is_none() {
            let epoch = self.core.book.next_gap();
            let body = Body::GapOpened { epoch, why: why.to_owned() };
            self.record(About::default(), Provenance::Observed, body);
        }
    }

    fn close_gap(&mut self) {
        if let Some(epoch) = self.core.book.gap().map(|gap| gap.epoch) {
            self.record(About::default(), Provenance::Inferred, Body::GapClosed { epoch });
        }
    }

    pub(crate) fn change_link(&mut self, to: LinkState, why: String) {
        let from = self.core.session.link.state;
        self.core.session.link.state = to;
        if from != to {
            self.record(About::default(), Provenance::Observed, Body::LinkChanged { from, to, why });
        }
    }
}
