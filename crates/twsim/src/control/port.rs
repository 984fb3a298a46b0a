//! The sockets of the control port. A client that misbehaves loses its own connection; the gateway never waits for
//! one.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::answer;
use crate::gateway::GatewayError;
use crate::server::Server;

/// Most connections at once; the rest is closed on arrival.
const CONNECTIONS_MAX: usize = 16;

/// Longest request. Whoever sends more without an end of the line is cut off.
const LINE_MAX: usize = 64 * 1024;

/// Whoever takes nothing of an answer for this long is cut off.
const WRITE_STALL: Duration = Duration::from_secs(30);

/// Pause after a failed accept.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Opens the port at a loopback address, and at no other.
pub(crate) async fn bind(address: &str) -> Result<(TcpListener, SocketAddr), GatewayError> {
    let addr = loopback(address).ok_or_else(|| GatewayError::Config {
        what: format!(
            "the control port is for this machine only, and {address:?} is no loopback address: \
             write 127.0.0.1:PORT, or 127.0.0.1:0 for any free port"
        ),
    })?;
    let failed = |source| GatewayError::Listen { address: address.to_owned(), source };
    let listener = TcpListener::bind(addr).await.map_err(failed)?;
    let addr = listener.local_addr().map_err(failed)?;
    Ok((listener, addr))
}

/// The names that mean this machine: no lookup, which could be made to answer something else.
fn loopback(address: &str) -> Option<SocketAddr> {
    let local = address
        .strip_prefix("localhost:")
        .and_then(|port| port.parse().ok())
        .map(|port| SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port));
    local.or_else(|| address.parse().ok()).filter(|addr: &SocketAddr| addr.ip().is_loopback())
}

/// Serves until the gateway stops.
pub(crate) async fn listen(
    server: Arc<Server>,
    listener: TcpListener,
    stop: CancellationToken,
    tasks: TaskTracker,
) {
    let seats = Arc::new(tokio::sync::Semaphore::new(CONNECTIONS_MAX));
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => {
                let Ok(seat) = Arc::clone(&seats).try_acquire_owned() else {
                    tracing::warn!(%peer, "the control port is full");
                    continue;
                };
                let (server, stop) = (Arc::clone(&server), stop.clone());
                tasks.spawn(async move {
                    tokio::select! {
                        () = stop.cancelled() => {}
                        ended = converse(&server, stream) => {
                            if let Err(error) = ended {
                                tracing::debug!(%peer, %error, "control connection ended");
                            }
                        }
                    }
                    drop(seat);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "accept failed at the control port");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn converse(server: &Server, mut stream: TcpStream) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut inbox = BytesMut::new();
    let mut is_first = true;
    loop {
        while let Some(end) = inbox.iter().position(|byte| *byte == b'\n') {
            let line = inbox.split_to(end + 1);
            let line = line.trim_ascii();
            if line.is_empty() {
                continue;
            }
            let answer = answer(server, line);
            if let Some(problem) = server.books_problem() {
                // What it did, or read, may be in no books: it is as if nobody had asked.
                return Err(std::io::Error::other(problem));
            }
            say(&mut stream, answer.text).await?;
            // A browser, or a TWS client at the wrong port: nothing that follows is meant for us.
            if is_first && answer.is_nonsense {
                return stream.shutdown().await;
            }
            is_first = false;
        }
        if inbox.len() > LINE_MAX {
            let refusal = r#"{"ok":false,"error":"the line is longer than 65536 bytes","hint":"send one request a line"}"#;
            say(&mut stream, refusal.to_owned()).await?;
            return stream.shutdown().await;
        }
        if stream.read_buf(&mut inbox).await? == 0 {
            return Ok(());
        }
    }
}

async fn say(stream: &mut TcpStream, mut text: String) -> std::io::Result<()> {
    text.push('\n');
    let mut rest = text.as_bytes();
    while !rest.is_empty() {
        match tokio::time::timeout(WRITE_STALL, stream.write(rest)).await {
            Ok(written) => rest = rest.get(written?..).unwrap_or_default(),
            Err(_) => return Err(std::io::ErrorKind::TimedOut.into()),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_of_this_machine_are_taken() {
        for address in ["127.0.0.1:0", "127.8.9.1:5000", "[::1]:7000", "localhost:0"] {
            assert!(loopback(address).is_some(), "{address}");
        }
        for address in ["0.0.0.0:0", "[::]:1", "10.0.0.1:1", "example.com:1", "127.0.0.1", "localhost", ""] {
            assert!(loopback(address).is_none(), "{address}");
        }
    }
}
