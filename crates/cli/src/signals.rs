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

#[cfg(any(target_os = "linux", target_os = "macos"))]
mod limit {
    use anyhow::Context;
    use tokio::signal::unix::{SignalKind, signal};

    /// `SIGXFSZ`: a file would become larger than `ulimit -f` allows. By itself it ends the process.
    const FILE_TOO_LARGE: i32 = 25;

    /// From here on a limit on the size of files fails the write that goes beyond it, as a full disk does.
    pub(crate) fn outlive_file_limit() -> anyhow::Result<()> {
        // A handler stays for good, whoever listens.
        drop(signal(SignalKind::from_raw(FILE_TOO_LARGE)).context("listening for signals")?);
        Ok(())
    }
}

#[cfg(not(any(target_os = "linux", target_os = "macos")))]
mod limit {
    /// Elsewhere such a limit sends no signal, or another one.
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
