//! Alert sinks that come with the library: the log, and a webhook.

use std::time::Duration;

use alphec_engine::{AlertSink, Delivery, DeliveryError};
use alphec_model::{Alert, Severity};
use secrecy::{ExposeSecret, SecretString};

use crate::config::ConfigError;

/// How long one attempt may take.
const ATTEMPT: Duration = Duration::from_secs(5);
/// What is waited before the second and third attempt.
const BACKOFF: [Duration; 2] = [Duration::from_millis(250), Duration::from_secs(1)];

/// Alerts as log lines, by severity.
#[derive(Debug, Clone, Copy, Default)]
pub struct LogSink;

impl AlertSink for LogSink {
    fn name(&self) -> &str {
        "log"
    }

    fn deliver<'a>(&'a self, alert: &'a Alert) -> Delivery<'a> {
        let order = alert.client_order_id.as_ref().map(tracing::field::display);
        let work = alert.correlation_id.as_ref().map(tracing::field::display);
        let Alert { kind, text, .. } = alert;
        match alert.severity {
            Severity::Info => {
                tracing::info!(alert = %kind, client_order_id = order, correlation_id = work, "{text}")
            }
            Severity::Warning => {
                tracing::warn!(alert = %kind, client_order_id = order, correlation_id = work, "{text}");
            }
            Severity::Critical => {
                tracing::error!(alert = %kind, client_order_id = order, correlation_id = work, "{text}");
            }
        }
        Box::pin(std::future::ready(Ok(())))
    }
}

/// Posts each alert as JSON. The address is a secret: only its host is ever shown.
///
/// A refused connection, a timeout, a server error and "too many requests" are tried again twice;
/// any other answer is final. Redirects are not followed.
pub struct WebhookSink {
    client: reqwest::Client,
    address: SecretString,
    name: String,
}

impl core::fmt::Debug for WebhookSink {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("WebhookSink").field("name", &self.name).finish_non_exhaustive()
    }
}

impl WebhookSink {
    /// Posts to this address: `https`, or `http` on this machine.
    ///
    /// # Errors
    /// [`ConfigError::Webhook`] for another kind of address, and on a system without certificates.
    pub fn new(address: SecretString) -> Result<Self, ConfigError> {
        let refuse = |why: &str| ConfigError::Webhook { why: why.to_owned() };
        // The parser's complaint could repeat the address.
        let url = reqwest::Url::parse(address.expose_secret().trim())
            .map_err(|_| refuse("what the reference gives is no address; it begins with https://"))?;
        let host = url.host_str().unwrap_or_default().to_owned();
        let is_here = matches!(host.as_str(), "localhost" | "127.0.0.1" | "[::1]");
        let is_plain = match url.scheme() {
            "https" => false,
            "http" if is_here => true,
            "http" => return Err(refuse("http would show it to the network; use https")),
            _ => return Err(refuse("it must begin with https://")),
        };
        let mut builder = reqwest::Client::builder()
            .timeout(ATTEMPT)
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("alphec-execution/", env!("CARGO_PKG_VERSION")))
            .tls_backend_preconfigured(tls(is_plain)?);
        if is_here {
            builder = builder.no_proxy();
        }
        let client =
            builder.build().map_err(|error| ConfigError::Webhook { why: error.without_url().to_string() })?;
        Ok(Self { client, address, name: format!("webhook {host}") })
    }

    async fn post(&self, alert: &Alert) -> Result<(), Refused> {
        let sent = self.client.post(self.address.expose_secret().trim()).json(alert).send().await;
        let answer = sent.map_err(|error| Refused { why: reason(error), is_final: false })?;
        let status = answer.status();
        if status.is_success() {
            return Ok(());
        }
        let is_final = !status.is_server_error() && status != reqwest::StatusCode::TOO_MANY_REQUESTS;
        Err(Refused { why: format!("the server answered {status}"), is_final })
    }
}

impl AlertSink for WebhookSink {
    fn name(&self) -> &str {
        &self.name
    }

    fn deliver<'a>(&'a self, alert: &'a Alert) -> Delivery<'a> {
        Box::pin(async move {
            let mut delays = BACKOFF.into_iter();
            loop {
                let Err(refused) = self.post(alert).await else { return Ok(()) };
                match delays.next().filter(|_| !refused.is_final) {
                    Some(delay) => tokio::time::sleep(delay).await,
                    None => return Err(DeliveryError { sink: self.name.clone(), why: refused.why }),
                }
            }
        })
    }
}

/// An attempt that did not work.
struct Refused {
    why: String,
    is_final: bool,
}

/// What happened, without the address.
fn reason(error: reqwest::Error) -> String {
    let error = error.without_url();
    let what = if error.is_timeout() {
        "no answer in time"
    } else if error.is_connect() {
        "no connection"
    } else {
        "the request failed"
    };
    let mut source = std::error::Error::source(&error);
    let mut root = None;
    while let Some(error) = source {
        (root, source) = (Some(error.to_string()), error.source());
    }
    root.map_or_else(|| what.to_owned(), |root| format!("{what}: {root}"))
}

/// TLS by ring, given here: a library installs no provider for the whole process, and does not
/// depend on one. A plain connection needs no certificates, so it works where there are none.
fn tls(is_plain: bool) -> Result<rustls::ClientConfig, ConfigError> {
    use rustls_platform_verifier::BuilderVerifierExt;
    let trouble = |error: rustls::Error| ConfigError::Webhook {
        why: format!("{error}; it needs the system's certificates: install the package ca-certificates"),
    };
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(trouble)?;
    if is_plain {
        return Ok(builder.with_root_certificates(rustls::RootCertStore::empty()).with_no_client_auth());
    }
    Ok(builder.with_platform_verifier().map_err(trouble)?.with_no_client_auth())
}
