//! What the library logs, for Python's `logging`: kept here until a thread of Python's fetches it, so that no thread
//! of the engine ever waits for the interpreter.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{LazyLock, Mutex, PoisonError};

use pyo3::prelude::*;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

use crate::call::duration;

/// Lines kept; beyond it they are lost, and counted.
const LINES_MAX: usize = 4_096;
/// Lines handed over at once, at most.
const BATCH: usize = 256;

/// Python's level, what logged it, and the text.
type Line = (u8, String, String);

static LINES: LazyLock<(SyncSender<Line>, Mutex<Receiver<Line>>)> = LazyLock::new(|| {
    let (sender, receiver) = sync_channel(LINES_MAX);
    (sender, Mutex::new(receiver))
});
static LOST: AtomicU64 = AtomicU64::new(0);

/// Begins to collect, once per process.
pub(crate) fn collect() {
    // A second import finds the first one's, which is as good.
    drop(tracing::subscriber::set_global_default(tracing_subscriber::registry().with(Collect)));
}

/// The next lines; none when the time is up first.
#[pyfunction]
pub(crate) fn log_lines(py: Python<'_>, seconds: f64) -> PyResult<Vec<Line>> {
    let patience = duration(seconds)?;
    let mut lines = py.detach(|| {
        let receiver = LINES.1.lock().unwrap_or_else(PoisonError::into_inner);
        let first = receiver.recv_timeout(patience).ok();
        first.into_iter().chain(receiver.try_iter().take(BATCH)).collect::<Vec<_>>()
    });
    match LOST.swap(0, Ordering::Relaxed) {
        0 => {}
        lost => lines.push((
            python_level(Level::WARN),
            "python".to_owned(),
            format!("{lost} lines of log are lost"),
        )),
    }
    Ok(lines)
}

struct Collect;

impl<S: Subscriber> Layer<S> for Collect {
    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        // Of the libraries below, only what is wrong.
        let most = if metadata.target().starts_with("alphec") { Level::INFO } else { Level::WARN };
        *metadata.level() <= most
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut text = Text::default();
        event.record(&mut text);
        let metadata = event.metadata();
        let name = metadata.target().trim_start_matches("alphec_").replace("::", ".");
        let line = (python_level(*metadata.level()), name, format!("{}{}", text.message, text.fields));
        if LINES.0.try_send(line).is_err() {
            LOST.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// The message, then what else is said, as `name=value`.
#[derive(Default)]
struct Text {
    message: String,
    fields: String,
}

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn core::fmt::Debug) {
        let _infallible = if field.name() == "message" {
            write!(self.message, "{value:?}")
        } else {
            write!(self.fields, " {}={value:?}", field.name())
        };
    }
}

/// As `logging` numbers them.
const fn python_level(level: Level) -> u8 {
    match level {
        Level::ERROR => 40,
        Level::WARN => 30,
        Level::INFO => 20,
        _ => 10,
    }
}
