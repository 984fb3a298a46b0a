//! One connection attempt: socket, handshake, and the order stream before anyone hears of it.
//!
//! ibapi's own reconnect is off (no attempts): a lost socket ends every stream, and ours decides.

use std::sync::{Arc, Mutex, PoisonError};

use alphec_model::{AccountId, BrokerOrderId, UtcNanos};
use ibapi::orders::OrderUpdate;
use ibapi::subscriptions::{NoticeStream, Subscription};
use ibapi::{Client, Error, StartupMessage};
use time_tz::TimeZone as _;

use crate::config::Config;
use crate::convert::names;
use crate::convert::stamp::GatewayClock;

/// Most unasked order messages kept from a handshake; the rest is a gap.
const STARTUP_MAX: usize = 20_000;

/// A finished handshake with every stream open.
pub(crate) struct Link {
    pub(crate) client: Arc<Client>,
    pub(crate) clock: GatewayClock,
    pub(crate) updates: Subscription<OrderUpdate>,
    pub(crate) notices: NoticeStream,
    pub(crate) startup: Startup,
    pub(crate) next_order_id: BrokerOrderId,
    pub(crate) accounts: Vec<AccountId>,
}

/// What the gateway sent unasked before the handshake was done ("Download open orders on connection").
#[derive(Debug, Default)]
pub(crate) struct Startup {
    pub(crate) messages: Vec<StartupMessage>,
    pub(crate) dropped: usize,
}

/// Connects; bounded by the configured timeout.
pub(crate) async fn connect(config: &Config) -> Result<Link, String> {
    match tokio::time::timeout(config.connect_timeout, attempt(config)).await {
        Ok(result) => result.map_err(|error| explain(config, &error)),
        Err(_) => Err(format!(
            "no handshake with {} within {:?}: the port is open but the API does not answer; look for a dialog \
             in TWS or Gateway, wait for its restart, or check that API clients are enabled",
            config.address(),
            config.connect_timeout
        )),
    }
}

async fn attempt(config: &Config) -> Result<Link, Error> {
    let startup = Arc::new(Mutex::new(Startup::default()));
    let keep = Arc::clone(&startup);
    let (client, notices) = Client::builder()
        .address(config.address())
        .client_id(config.api_client_id.get())
        .max_reconnect_attempts(0)
        .startup_callback(move |message| {
            let mut kept = keep.lock().unwrap_or_else(PoisonError::into_inner);
            if kept.messages.len() < STARTUP_MAX {
                kept.messages.push(message);
            } else {
                kept.dropped = kept.dropped.saturating_add(1);
            }
        })
        .connect_with_notice_stream()
        .await?;
    // Before anything else awaits: frames that arrive with no stream open are lost.
    let updates = client.order_update_stream().await?;
    let (next_order_id, accounts) = identity(&client).await?;
    let startup = std::mem::take(&mut *startup.lock().unwrap_or_else(PoisonError::into_inner));
    let clock = clock(&client, config.clock.now());
    Ok(Link { client: Arc::new(client), clock, updates, notices, startup, next_order_id, accounts })
}

/// The clock that the gateway writes bare times by.
fn clock(client: &Client, now: UtcNanos) -> GatewayClock {
    let said = client.connection_time().and_then(|at| i64::try_from(at.unix_timestamp_nanos()).ok());
    let zone = client.time_zone().map(|zone| zone.name());
    GatewayClock::of_handshake(zone, said.map(UtcNanos::from_nanos), now)
}

/// The next order id and the accounts. ibapi stops waiting for them after 100 other frames and then
/// offers zero and none, so what is missing is asked for.
async fn identity(client: &Client) -> Result<(BrokerOrderId, Vec<AccountId>), Error> {
    let mut next = client.next_order_id();
    if next < 1 {
        next = client.next_valid_order_id().await?;
    }
    let mut accounts = client.handshake_managed_accounts().to_vec();
    if accounts.is_empty() {
        accounts = client.managed_accounts().await?;
    }
    let accounts: Result<Vec<AccountId>, _> =
        accounts.iter().map(|text| names::account(text.trim())).collect();
    match accounts {
        Ok(accounts) if !accounts.is_empty() && next >= 1 => Ok((BrokerOrderId::new(next), accounts)),
        Ok(_) => Err(Error::ConnectionRejected(format!("no account, or no order id (next is {next})"))),
        Err(refused) => Err(Error::ConnectionRejected(refused.to_string())),
    }
}

/// What happened and what to do about it.
fn explain(config: &Config, error: &Error) -> String {
    let address = config.address();
    match error {
        Error::Io(source) => format!(
            "cannot connect to {address}: {source}; start TWS or Gateway, and check host, port and that API \
             clients are enabled"
        ),
        // The gateway can hold the session of a dead client for a while. Another id would connect at once
        // and could then neither see nor cancel our orders, so it is never tried.
        Error::ClientIdInUse { client_id } => format!(
            "client id {client_id} is in use at {address} (326): stop the other program that uses it, or wait \
             for the gateway to notice that its old session is dead; retrying with the same id"
        ),
        Error::ConnectionRejected(why) => format!(
            "{address} closed the connection during the handshake ({why}): add this host to the trusted \
             addresses of TWS or Gateway"
        ),
        Error::ServerVersion(needed, found, _) => {
            format!("TWS or Gateway at {address} speaks protocol {found}, {needed} is needed: update it")
        }
        other => format!("handshake with {address} failed: {other}"),
    }
}

#[cfg(test)]
mod tests {
    use alphec_model::ApiClientId;

    use super::*;
    use crate::config::Clock;

    #[test]
    fn each_failure_says_what_to_do() {
        let config = Config::new("localhost", 4002, ApiClientId::new(7), Clock::new(|| UtcNanos::EPOCH));
        let refused = std::io::Error::from(std::io::ErrorKind::ConnectionRefused);
        let table = [
            (Error::Io(refused), "start TWS or Gateway"),
            (Error::ClientIdInUse { client_id: 7 }, "client id 7 is in use"),
            (Error::ConnectionRejected("eof".to_owned()), "trusted"),
            (Error::ServerVersion(213, 178, String::new()), "update it"),
        ];
        for (error, advice) in table {
            let text = explain(&config, &error);
            assert!(text.contains(advice) && text.contains("localhost:4002"), "{text}");
        }
    }
}
