//! A look at the gateway of a profile without an engine, for `doctor`. Places nothing.

use std::sync::Arc;

use alphec_engine::{Clock, SystemClock};
use alphec_ibkr::{Probe, ProbeError};
use alphec_model::ApiClientId;

use crate::Profile;

/// Asks the profile's gateway what it is, under any client id: two of the same id shut each other out.
///
/// # Errors
/// [`ProbeError`] says what happened and what to do when there is no handshake.
pub async fn probe(profile: &Profile, client_id: ApiClientId) -> Result<Probe, ProbeError> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let clock = alphec_ibkr::Clock::new(move || clock.now());
    let mut config = alphec_ibkr::Config::new(profile.host.clone(), profile.port, client_id, clock);
    config.connect_timeout = profile.connect_timeout;
    alphec_ibkr::probe(&config).await
}
