//! Calls awaited by one event loop.
//!
//! The loop's own thread polls them. Whoever makes one ready (the engine, mostly) notes its number and writes one
//! byte into a pipe that the loop watches: it never takes the interpreter's lock, so a busy interpreter cannot
//! stall it. An `await` that is cancelled leaves its call here to be carried to its end: what was asked of the
//! engine is neither lost nor withdrawn. Only what waits and asks for nothing is forgotten.

use std::collections::HashMap;
use std::io::{ErrorKind, Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

use pyo3::intern;
use pyo3::prelude::*;

use crate::call::{Answer, Asking, Call, show};
use crate::runtime;

/// Calls under way for one event loop.
#[pyclass(frozen, module = "alphec_execution._native")]
pub(crate) struct Bridge {
    owner: u32,
    read: UnixStream,
    ready: Arc<Ready>,
    calls: Mutex<Calls>,
}

/// The numbers of calls that can go on.
struct Ready {
    numbers: Mutex<Vec<u64>>,
    /// Whether a byte is on its way already.
    rung: AtomicBool,
    write: UnixStream,
}

#[derive(Default)]
struct Calls {
    last: u64,
    waiting: HashMap<u64, Waiting>,
}

struct Waiting {
    asking: Asking,
    waker: Waker,
    future: Py<PyAny>,
}

struct Ring {
    number: u64,
    ready: Arc<Ready>,
}

impl Wake for Ring {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        lock(&self.ready.numbers).push(self.number);
        if !self.ready.rung.swap(true, Ordering::SeqCst) {
            // One byte at most is unread, so the pipe has room; a loop that is gone needs no waking.
            drop((&self.ready.write).write(&[1]));
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[pymethods]
impl Bridge {
    #[new]
    fn new() -> PyResult<Self> {
        let (read, write) = UnixStream::pair()?;
        read.set_nonblocking(true)?;
        write.set_nonblocking(true)?;
        let ready = Ready { numbers: Mutex::default(), rung: AtomicBool::new(false), write };
        Ok(Self { owner: std::process::id(), read, ready: Arc::new(ready), calls: Mutex::default() })
    }

    /// What the event loop watches for reading, to call `drain`.
    fn fileno(&self) -> i32 {
        self.read.as_raw_fd()
    }

    /// Begins a call; `future` gets its answer, perhaps at once. Gives the call's number.
    fn begin(&self, py: Python<'_>, call: &Call, future: Py<PyAny>) -> PyResult<u64> {
        runtime::check_owner(py, self.owner)?;
        let asking = call.take()?;
        let number = {
            let mut calls = lock(&self.calls);
            calls.last += 1;
            calls.last
        };
        let waker = Waker::from(Arc::new(Ring { number, ready: Arc::clone(&self.ready) }));
        self.go_on(py, number, Waiting { asking, waker, future })?;
        Ok(number)
    }

    /// Nobody waits for this call any more, and it only waits itself.
    fn forget(&self, number: u64) {
        drop(lock(&self.calls).waiting.remove(&number));
    }

    /// Carries on what can go on. Called by the event loop.
    fn drain(&self, py: Python<'_>) -> PyResult<()> {
        // One byte at most is unread.
        match (&self.read).read(&mut [0; 64]) {
            Ok(_) => {}
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {}
            Err(error) => return Err(error.into()),
        }
        // Before the numbers are taken: what comes after rings again.
        self.ready.rung.store(false, Ordering::SeqCst);
        let numbers = std::mem::take(&mut *lock(&self.ready.numbers));
        let mut failed = None;
        for number in numbers {
            // Rung twice, or ended meanwhile.
            let Some(waiting) = lock(&self.calls).waiting.remove(&number) else { continue };
            // One that fails keeps no other waiting.
            failed = self.go_on(py, number, waiting).err().or(failed);
        }
        failed.map_or(Ok(()), Err)
    }

    /// How many calls are under way.
    fn __len__(&self) -> usize {
        lock(&self.calls).waiting.len()
    }
}

impl Bridge {
    fn go_on(&self, py: Python<'_>, number: u64, mut waiting: Waiting) -> PyResult<()> {
        let polled = {
            let _timers = runtime::get(py)?.enter();
            waiting.asking.as_mut().poll(&mut Context::from_waker(&waiting.waker))
        };
        match polled {
            Poll::Ready(answer) => settle(py, &waiting.future, answer),
            Poll::Pending => {
                lock(&self.calls).waiting.insert(number, waiting);
                Ok(())
            }
        }
    }
}

/// Gives a future its answer, unless nobody waits for it any more.
fn settle(py: Python<'_>, future: &Py<PyAny>, answer: Answer) -> PyResult<()> {
    let future = future.bind(py);
    let is_over: bool = future.call_method0(intern!(py, "done"))?.extract()?;
    if is_over {
        return Ok(());
    }
    match show(py, answer) {
        Ok(value) => future.call_method1(intern!(py, "set_result"), (value,))?,
        Err(error) => future.call_method1(intern!(py, "set_exception"), (error.into_value(py),))?,
    };
    Ok(())
}
