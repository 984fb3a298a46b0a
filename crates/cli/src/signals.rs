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

#[cfg(unix)]
mod limit {
    use anyhow::Context;
    use rustix::process::Signal;
    use tokio::signal::unix::{SignalKind, signal};

    /// From here on a limit on the size of files (`ulimit -f`) fails the write that goes beyond it, as a full disk does.
    /// By itself its signal, `SIGXFSZ`, ends the process.
    pub(crate) fn outlive_file_limit() -> anyhow::Result<()> {
        // A handler stays for good, whoever listens.
        drop(signal(SignalKind::from_raw(Signal::XFSZ.as_raw())).context("listening for signals")?);
        Ok(())
    }
}

#[cfg(not(unix))]
mod limit {
    /// There is no such limit.
    pub(crate) fn outlive_file_limit() -> anyhow::Result<()> {
        Ok(())
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

pub(crate) use limit::outlive_file_limit;
pub(crate) use system::Signals;
