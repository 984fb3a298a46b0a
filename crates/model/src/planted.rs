//! Bugs planted on purpose, so that the simulation can prove that it finds them.
//!
//! A hook is one line, `if planted::is("name") { … }`. Without the feature `planted` it is `false` at compile
//! time and nothing of it is left. With it, a bug lives only on the thread that chose it.

/// Whether this bug is planted here and now.
#[cfg(not(feature = "planted"))]
#[must_use]
pub const fn is(_bug: &str) -> bool {
    false
}

#[cfg(feature = "planted")]
pub use with::{is, plant};

#[cfg(feature = "planted")]
mod with {
    use std::cell::Cell;

    std::thread_local! {
        static PLANTED: Cell<Option<&'static str>> = const { Cell::new(None) };
    }

    /// Whether this bug is planted here and now.
    #[must_use]
    pub fn is(bug: &str) -> bool {
        PLANTED.with(|planted| planted.get() == Some(bug))
    }

    /// Plants one bug on this thread, or none.
    pub fn plant(bug: Option<&'static str>) {
        PLANTED.with(|planted| planted.set(bug));
    }
}
