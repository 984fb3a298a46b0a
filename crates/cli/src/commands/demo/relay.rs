//! A wire that can be cut: the demo connects through it, so that it can lose its connection on
//! purpose against any gateway.

use std::net::SocketAddr;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// A relay on loopback in front of a gateway.
#[derive(Debug)]
pub(super) struct Relay {
    addr: SocketAddr,
    whole: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Relay {
    /// Listens on a free port and passes everything on to `target`.
    pub(super) async fn start(target: String) -> std::io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let addr = listener.local_addr()?;
        let (whole, state) = watch::channel(true);
        let task = tokio::spawn(accept(listener, target, state));
        Ok(Self { addr, whole, task })
    }

    pub(super) const fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Cuts every connection, and refuses new ones until mended.
    pub(super) fn cut(&self) {
        self.whole.send_replace(false);
    }

    pub(super) fn mend(&self) {
        self.whole.send_replace(true);
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(listener: TcpListener, target: String, state: watch::Receiver<bool>) {
    while let Ok((client, _)) = listener.accept().await {
        if *state.borrow() {
            tokio::spawn(pass(client, target.clone(), state.clone()));
        }
    }
}

async fn pass(mut client: TcpStream, target: String, mut state: watch::Receiver<bool>) {
    let Ok(mut gateway) = TcpStream::connect(&target).await else { return };
    // Without this a burst of small frames waits for delayed acknowledgements, twice.
    let (_, _) = (client.set_nodelay(true), gateway.set_nodelay(true));
    tokio::select! {
        _ = tokio::io::copy_bidirectional(&mut client, &mut gateway) => {}
        _ = state.wait_for(|whole| !whole) => {}
    }
}
