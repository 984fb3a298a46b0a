//! The signals that mean: stop.

#[cfg(unix)]
mod system {
    use anyhow::Context;
    use tokio::signal::unix::{Signal, SignalKind, signal};

    /// Interrupt (Ctrl-C) and terminate.
    #[derive(Debug)]
    pub(crate) struct Signals {
        interrupt: Signal,
        terminate: Signal,
    }

    impl Signals {
        /// Begins to listen; from here on neither signal ends the process by itself.
        pub(crate) fn listen() -> anyhow::Result<Self> {
            let listen = |kind| signal(kind).context("listening for signals");
            Ok(Self {
                interrupt: listen(SignalKind::interrupt())?,
                terminate: listen(SignalKind::terminate())?,
            })
        }

        /// Waits for either.
        pub(crate) async fn wait(&mut self) {
            tokio::select! {
                _ = self.interrupt.recv() => {}
                _ = self.terminate.recv() => {}
            }
        }
    }
}

#[cfg(not(unix))]
mod system {
    /// Ctrl-C.
    #[derive(Debug)]
    pub(crate) struct Signals;

    impl Signals {
        /// Begins to listen.
        pub(crate) fn listen() -> anyhow::Result<Self> {
            Ok(Self)
        }

        /// Waits for it.
        pub(crate) async fn wait(&mut self) {
            if tokio::signal::ctrl_c().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }
}

pub(crate) use system::Signals;
