//! What the library logs, for Python's `logging`: kept here until a thread of Python's fetches it, so that no thread
//! of the engine ever waits for the interpreter.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{LazyLock, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use pyo3::prelude::*;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

use crate::call::duration;

/// Lines kept; beyond it they are lost, and counted.
const LINES_MAX: usize = 4_096;
/// How soon a line is noticed.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// Lines handed over at once, at most.
const BATCH: usize = 256;

/// Python's level, what logged it, and the text.
type Line = (u8, String, String);

static LINES: LazyLock<(SyncSender<Line>, Mutex<Receiver<Line>>)> = LazyLock::new(|| {
    let (sender, receiver) = sync_channel(LINES_MAX);
    (sender, Mutex::new(receiver))
});
static OWNER: OnceLock<u32> = OnceLock::new();
static LOST: AtomicU64 = AtomicU64::new(0);

/// Begins to collect, once per process.
pub(crate) fn collect() {
    OWNER.get_or_init(std::process::id);
    // A second import finds the first one's, which is as good.
    drop(tracing::subscriber::set_global_default(tracing_subscriber::registry().with(Collect)));
}

/// The next lines; none when the time is up first.
#[pyfunction]
pub(crate) fn log_lines(py: Python<'_>, seconds: f64) -> PyResult<Vec<Line>> {
    let until = Instant::now() + duration(seconds)?;
    let mut lines = py.detach(|| {
        loop {
            let lines = there();
            let left = until.saturating_duration_since(Instant::now());
            if !lines.is_empty() || left.is_zero() {
                return lines;
            }
            // Nobody waits with the lock in hand: a fork would keep it for good.
            std::thread::sleep(left.min(LOOK_EVERY));
        }
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

/// What is there already. A forked child has none of the threads that log, and hands on nothing.
fn there() -> Vec<Line> {
    if OWNER.get() != Some(&std::process::id()) {
        return Vec::new();
    }
    LINES.1.lock().unwrap_or_else(PoisonError::into_inner).try_iter().take(BATCH).collect()
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
