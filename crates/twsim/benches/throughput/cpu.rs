//! Where threads run. A scheduler that is free puts client and server now on one processor, now on two, and
//! waking an idle one can cost more than all the work that is measured here; so the places are fixed.

use std::net::SocketAddr;

/// Where the client and the servers run.
#[derive(Clone, Copy)]
pub(crate) enum Placement {
    /// All on one processor: no waking of idle ones, so work counts in full. The strictest comparison.
    Shared,
    /// The client on one, the servers on another.
    Apart,
    /// As the scheduler likes: for systems on which nothing else can be asked for.
    Free,
}

impl Placement {
    /// What can be done on this machine.
    pub(crate) fn all() -> Vec<Self> {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        match (cfg!(target_os = "linux"), processors) {
            (true, 1) => vec![Self::Shared],
            (true, _) => vec![Self::Shared, Self::Apart],
            (false, _) => vec![Self::Free],
        }
    }

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Shared => "one processor",
            Self::Apart => "two processors",
            Self::Free => "scheduler free",
        }
    }

    /// Starts servers in their place, and leaves the calling thread in the client's.
    pub(crate) fn around(self, start: impl FnOnce() -> SocketAddr) -> SocketAddr {
        match self {
            Self::Shared | Self::Free => start(),
            Self::Apart => {
                pin(1);
                let addr = start();
                pin(0);
                addr
            }
        }
    }

    /// Moves the calling thread, and whatever it starts from now on, to the client's place.
    pub(crate) fn take(self) {
        match self {
            Self::Shared | Self::Apart => pin(0),
            Self::Free => release(),
        }
    }
}

#[cfg(target_os = "linux")]
fn pin(processor: usize) {
    let mut set = rustix::thread::CpuSet::new();
    set.set(processor);
    rustix::thread::sched_setaffinity(None, &set).expect("a processor");
}

#[cfg(target_os = "linux")]
fn release() {
    let mut set = rustix::thread::CpuSet::new();
    (0..rustix::thread::CpuSet::MAX_CPU).for_each(|processor| set.set(processor));
    rustix::thread::sched_setaffinity(None, &set).expect("any processor");
}

#[cfg(not(target_os = "linux"))]
fn pin(_processor: usize) {}

#[cfg(not(target_os = "linux"))]
fn release() {}
