//! One turn at a time, for whoever plays the other ends of the channels.

use alphec_core::Core;
use alphec_model::UtcNanos;

use super::{Channels, Loop};

impl Loop {
    /// One turn of [`Loop::run`] that waits for nothing; `false` once it is stopped.
    pub(crate) fn turn(&mut self, channels: &mut Channels) -> bool {
        self.take_ready(channels);
        self.dispatch();
        self.flush();
        self.tell();
        !self.is_stopped()
    }

    /// When the next turn is due though nothing comes in, if at all.
    pub(crate) fn due(&self) -> Option<UtcNanos> {
        self.next_due(self.parts.clock.now())
    }

    pub(crate) const fn core(&self) -> &Core {
        &self.parts.core
    }
}
