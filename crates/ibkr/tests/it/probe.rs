//! One look at a gateway.

use core::time::Duration;
use std::time::SystemTime;

use alphec_ibkr::{Clock, Config, probe};
use alphec_model::{ApiClientId, UtcNanos};
use alphec_twsim::Gateway;

fn system_clock() -> Clock {
    Clock::new(|| {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        UtcNanos::EPOCH.saturating_add(since)
    })
}

#[tokio::test]
async fn a_gateway_says_its_version_its_accounts_and_its_time() {
    let gateway = Gateway::builder().account("DU1").account("DU2").server_version(220).start().await.unwrap();
    let addr = gateway.addr();
    let config = Config::new(addr.ip().to_string(), addr.port(), ApiClientId::new(9), system_clock());
    let found = probe(&config).await.unwrap();
    assert_eq!(found.server_version, 220);
    assert_eq!(found.accounts.iter().map(|account| account.as_str()).collect::<Vec<_>>(), ["DU1", "DU2"]);
    assert_eq!(found.is_read_only, Some(false));
    let clock = found.clock.unwrap();
    let ahead = Duration::from_nanos(clock.ahead_ns.unsigned_abs());
    assert!(ahead <= clock.uncertainty + Duration::from_millis(1), "{clock:?}");
    gateway.stop().await;
}

#[tokio::test]
async fn a_read_only_gateway_is_told_from_one_that_lets_orders_through() {
    let gateway = Gateway::builder().with(|config| config.read_only = true).start().await.unwrap();
    let addr = gateway.addr();
    let config = Config::new(addr.ip().to_string(), addr.port(), ApiClientId::new(9), system_clock());
    assert_eq!(probe(&config).await.unwrap().is_read_only, Some(true));
    gateway.stop().await;
}

#[tokio::test]
async fn a_gateway_that_is_not_there_is_an_error_that_says_what_to_do() {
    let gateway = Gateway::builder().start().await.unwrap();
    let addr = gateway.addr();
    gateway.stop().await;
    let config = Config::new(addr.ip().to_string(), addr.port(), ApiClientId::new(9), system_clock());
    let error = probe(&config).await.unwrap_err();
    assert!(error.to_string().contains("start TWS or Gateway"), "{error}");
}
