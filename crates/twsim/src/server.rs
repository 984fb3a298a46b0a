//! The sockets: one task per connection, one for the listener, one for time. All decisions are the desk's,
//! which sits behind a lock that is never held across an await.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::{Buf, BufMut, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::books::{Books, BooksError, Opened};
use crate::config::{Clock, GatewayConfig};
use crate::control;
use crate::desk::{ConnId, Desk, Output};
use crate::record::Recorder;
use crate::venue::{UtcNs, Venue};

/// Most sockets at once, sessions or not; the rest is closed on arrival.
const SOCKETS_MAX: usize = 256;

/// Most bytes taken from a socket at once.
const READ_CHUNK: usize = 64 * 1024;

/// A client that takes nothing for this long is disconnected, as the broker's bulk-data timeout does.
const WRITE_STALL: Duration = Duration::from_secs(30);

/// Into how many reads a second's worth of bytes is cut when a fault makes reading slow.
const SLOW_READS_PER_SECOND: u32 = 20;

/// Most bytes taken out of a client's outbox before it writes them: what is beyond stays there, and counts.
const PACKED_MAX: usize = 1024 * 1024;

/// How long a line of the record may stay in memory.
const RECORD_FLUSH: Duration = Duration::from_secs(1);

/// Pause after a failed accept, which is usually a shortage of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

#[derive(Debug)]
struct State {
    desk: Desk,
    wakers: HashMap<ConnId, Arc<Notify>>,
    /// What the timer task sleeps towards.
    planned: Option<UtcNs>,
    /// Latest instant handed to the desk: the wall clock may step back, the desk's time may not.
    latest: UtcNs,
    /// How far ahead of the wall clock this gateway lives.
    ahead: i64,
    /// Time passes by `advance` only.
    stands_still: bool,
    recorder: Option<Recorder>,
    books: Option<Books>,
    /// Recorded and not yet written, while there is a record.
    packed: HashMap<ConnId, Output>,
    /// What the task that listens was last told.
    port_closed: bool,
}

/// The running server.
#[derive(Debug)]
pub(crate) struct Server {
    state: Mutex<State>,
    timer: Notify,
    /// The port closes or opens.
    port: Notify,
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl Server {
    pub(crate) fn start(
        config: GatewayConfig,
        listener: TcpListener,
        recorder: Option<Recorder>,
    ) -> Result<Arc<Self>, BooksError> {
        let (now, stands_still) = match config.clock {
            Clock::Wall => (wall_clock(), false),
            Clock::Manual { start } => (start, true),
        };
        let (venue, now, books) = match &config.books {
            None => (Venue::new(config.venue(now)), now, None),
            Some(path) => {
                let Opened { books, venue, latest } = Books::open(path, &config, now)?;
                (venue, latest, Some(books))
            }
        };
        let is_recorded = recorder.is_some();
        let state = State {
            desk: Desk::before(venue, config, now),
            wakers: HashMap::new(),
            planned: None,
            latest: now,
            ahead: 0,
            stands_still,
            recorder,
            books,
            packed: HashMap::new(),
            port_closed: false,
        };
        let server = Arc::new(Self {
            state: Mutex::new(state),
            timer: Notify::new(),
            port: Notify::new(),
            stop: CancellationToken::new(),
            tasks: TaskTracker::new(),
        });
        server.tasks.spawn(accept(Arc::clone(&server), listener));
        server.tasks.spawn(keep_time(Arc::clone(&server)));
        if is_recorded {
            server.tasks.spawn(keep_record(Arc::clone(&server)));
        }
        Ok(server)
    }

    /// Runs `act` on the desk at the present instant and wakes whoever has something to do because of it.
    pub(crate) fn with<R>(&self, act: impl FnOnce(&mut Desk, UtcNs) -> R) -> R {
        let mut state = self.lock();
        let now = state.now();
        let result = act(&mut state.desk, now);
        self.wake_others(&mut state, None);
        result
    }

    /// Puts the clock forward. One that stands still meets everything that falls due on the way, each at its instant.
    pub(crate) fn advance(&self, by: i64) {
        let mut state = self.lock();
        if state.stands_still {
            let end = state.latest.saturating_add(by);
            while let Some(due) = state.desk.next_wake().filter(|due| *due <= end) {
                // Never twice at one instant: whatever asks for that again has to wait for the next.
                state.latest = due.max(state.latest + 1).min(end);
                let now = state.latest;
                state.desk.wake(now);
                self.wake_others(&mut state, None);
                if now == end {
                    break;
                }
            }
            state.latest = end;
        } else {
            state.ahead += by;
        }
        drop(state);
        self.with(|desk, now| desk.wake(now));
    }

    /// The venue's time, and whether it stands still.
    pub(crate) fn clock(&self) -> (UtcNs, bool) {
        let mut state = self.lock();
        (state.now(), state.stands_still)
    }

    /// Serves the control port too.
    pub(crate) fn open_control(self: &Arc<Self>, listener: TcpListener) {
        self.tasks.spawn(control::listen(Arc::clone(self), listener, self.stop.clone(), self.tasks.clone()));
    }

    pub(crate) fn cancel(&self) {
        self.stop.cancel();
    }

    pub(crate) async fn stop(&self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
        self.flush_record();
    }

    /// Why the record is not complete, if it is not.
    pub(crate) fn record_problem(&self) -> Option<String> {
        self.lock().recorder.as_ref().and_then(|it| it.problem().map(str::to_owned))
    }

    /// Why the books are not complete, if they are not.
    pub(crate) fn books_problem(&self) -> Option<String> {
        self.lock().books.as_ref().and_then(|it| it.problem().map(str::to_owned))
    }

    /// Waits until the server stops. Why, unless it was told to.
    pub(crate) async fn ended(&self) -> String {
        self.stop.cancelled().await;
        self.books_problem().unwrap_or_default()
    }

    /// Before anything is said about it: what changed the venue goes into the books. Without them nobody is served, neither
    /// here nor at the control port.
    fn keep_books(&self, state: &mut State) {
        let Some(books) = &mut state.books else { return };
        books.write(state.desk.take_diary());
        if books.problem().is_some() {
            self.stop.cancel();
        }
    }

    fn flush_record(&self) {
        if let Some(recorder) = &mut self.lock().recorder {
            recorder.flush();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A panic inside the desk is a bug there; the state is still the best there is.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn open(&self) -> Option<(ConnId, Arc<Notify>)> {
        let mut state = self.lock();
        if state.wakers.len() >= SOCKETS_MAX {
            return None;
        }
        let conn = state.desk.open();
        let now = state.now();
        if let Some(recorder) = &mut state.recorder {
            recorder.connected(now, conn);
        }
        let waker = Arc::new(Notify::new());
        state.wakers.insert(conn, Arc::clone(&waker));
        Some((conn, waker))
    }

    fn close(&self, conn: ConnId) {
        let mut state = self.lock();
        state.desk.closed(conn);
        self.keep_books(&mut state);
        let now = state.now();
        if let Some(recorder) = &mut state.recorder {
            recorder.disconnected(now, conn);
        }
        state.wakers.remove(&conn);
        state.packed.remove(&conn);
    }

    /// Bytes in, bytes out, under one lock.
    fn exchange(&self, conn: ConnId, received: &[u8]) -> Output {
        let mut state = self.lock();
        if !received.is_empty() {
            let now = state.now();
            if let Some(recorder) = &mut state.recorder {
                recorder.received(now, conn, received);
            }
            state.desk.receive(now, conn, received);
        }
        self.wake_others(&mut state, Some(conn));
        let packed = state.packed.remove(&conn);
        let output = state.take_output(conn);
        match packed {
            Some(mut packed) => {
                packed.add(output);
                packed
            }
            None => output,
        }
    }

    /// How long a client may take nothing, as the broker's bulk-data timeout has it.
    fn write_stall(&self) -> Duration {
        let set = self.lock().desk.bulk_timeout();
        set.map_or(WRITE_STALL, |after| Duration::from_nanos(u64::try_from(after).unwrap_or(0)))
    }

    fn is_lost(&self, conn: ConnId) -> bool {
        self.lock().desk.is_lost(conn)
    }

    fn wake_others(&self, state: &mut State, own: Option<ConnId>) {
        self.keep_books(state);
        let State { desk, recorder, .. } = state;
        if let Some(recorder) = recorder {
            recorder.decisions(desk.decisions());
        }
        for conn in state.desk.take_touched() {
            state.pack(conn);
            if Some(conn) != own
                && let Some(waker) = state.wakers.get(&conn)
            {
                waker.notify_one();
            }
        }
        if state.port_closed != state.desk.is_port_closed() {
            state.port_closed = !state.port_closed;
            self.port.notify_one();
        }
        let next = state.desk.next_wake();
        if next.is_some_and(|next| state.planned.is_none_or(|planned| next < planned)) {
            state.planned = next;
            self.timer.notify_one();
        }
    }
}

impl State {
    /// What is to be written to a connection now, on record.
    fn take_output(&mut self, conn: ConnId) -> Output {
        let mut output = self.desk.take_output(conn);
        if self.books.as_ref().is_some_and(|books| books.problem().is_some()) {
            output = Output { reset: true, ..Output::default() };
        }
        if let Some(recorder) = &mut self.recorder {
            recorder.sent(self.latest, conn, &output.bytes);
        }
        output
    }

    /// Puts what is said on record in the turn in which it is said, and not when its connection gets around to
    /// writing it: otherwise two runs of one script would differ by what the scheduler did.
    fn pack(&mut self, conn: ConnId) {
        let waiting = self.packed.get(&conn).map_or(0, |packed| packed.bytes.len());
        if self.recorder.is_some() && self.wakers.contains_key(&conn) && waiting < PACKED_MAX {
            let output = self.take_output(conn);
            self.packed.entry(conn).or_default().add(output);
        }
    }

    fn now(&mut self) -> UtcNs {
        if self.stands_still {
            return self.latest;
        }
        self.latest = self.latest.max(wall_clock() + self.ahead);
        self.latest
    }
}

async fn accept(server: Arc<Server>, listener: TcpListener) {
    let Ok(address) = listener.local_addr() else { return };
    let mut listening = Some(listener);
    loop {
        if server.lock().port_closed {
            // Without a listener the system itself refuses whoever comes.
            listening = None;
        }
        let turn = tokio::select! {
            () = server.stop.cancelled() => return,
            () = server.port.notified() => continue,
            turn = take(&mut listening, address), if !server.lock().port_closed => turn,
        };
        match turn {
            Ok((stream, peer)) => {
                tracing::debug!(%peer, "client connected");
                if let Some((conn, waker)) = server.open() {
                    server.tasks.spawn(serve(Arc::clone(&server), stream, conn, waker));
                }
            }
            Err(error) => {
                tracing::warn!(%error, "accept failed");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// The next connection, at a port that may have to be opened again first.
async fn take(
    listening: &mut Option<TcpListener>,
    address: SocketAddr,
) -> io::Result<(TcpStream, SocketAddr)> {
    let listener = match listening {
        Some(listener) => listener,
        None => listening.insert(TcpListener::bind(address).await?),
    };
    listener.accept().await
}

async fn serve(server: Arc<Server>, mut stream: TcpStream, conn: ConnId, waker: Arc<Notify>) {
    let outcome = tokio::select! {
        () = server.stop.cancelled() => Ok(()),
        outcome = converse(&server, &mut stream, conn, &waker) => outcome,
    };
    if let Err(error) = outcome {
        tracing::debug!(conn, %error, "connection ended");
    }
    server.close(conn);
}

async fn converse(server: &Server, stream: &mut TcpStream, conn: ConnId, waker: &Notify) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut received = BytesMut::with_capacity(READ_CHUNK);
    let mut pace = ReadPace { rate: server.lock().desk.read_rate(), next: None };
    loop {
        received.clear();
        tokio::select! {
            () = waker.notified() => {}
            read = pace.read(stream, &mut received) => {
                if read? == 0 {
                    return Ok(());
                }
            }
        }
        loop {
            // Whatever one turn produced leaves in one write.
            let mut output = server.exchange(conn, &received);
            pace.rate = output.read_rate;
            let woken = write(server, stream, (conn, waker), &mut output.bytes).await?;
            if output.reset {
                return stream.set_zero_linger();
            }
            if output.close {
                return stream.shutdown().await;
            }
            if !woken {
                break;
            }
            received.clear();
        }
    }
}

/// Reads as fast as a fault allows.
struct ReadPace {
    /// Bytes a second; 0 for no limit.
    rate: u32,
    next: Option<Instant>,
}

impl ReadPace {
    async fn read(&mut self, stream: &mut TcpStream, into: &mut BytesMut) -> io::Result<usize> {
        if self.rate == 0 {
            return stream.read_buf(into).await;
        }
        if let Some(next) = self.next {
            tokio::time::sleep_until(next).await;
        }
        let most = usize::try_from(self.rate / SLOW_READS_PER_SECOND).unwrap_or(READ_CHUNK);
        let read = stream.read_buf(&mut into.limit(most.clamp(1, READ_CHUNK))).await?;
        let wait = Duration::from_secs(1).saturating_mul(u32::try_from(read).unwrap_or(u32::MAX)) / self.rate;
        self.next = Some(Instant::now() + wait);
        Ok(read)
    }
}

/// Writes everything. True when others produced more meanwhile.
async fn write(
    server: &Server,
    stream: &mut TcpStream,
    (conn, waker): (ConnId, &Notify),
    bytes: &mut BytesMut,
) -> io::Result<bool> {
    let mut woken = false;
    // Most often the socket takes all of it at once, and no timer needs to be set.
    if !bytes.is_empty() {
        match stream.try_write(bytes) {
            Ok(written) => bytes.advance(written),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
    let stall = if bytes.is_empty() { WRITE_STALL } else { server.write_stall() };
    while !bytes.is_empty() {
        tokio::select! {
            written = stream.write_buf(bytes) => { written?; }
            () = waker.notified() => {
                woken = true;
                if server.is_lost(conn) {
                    return Err(io::ErrorKind::BrokenPipe.into());
                }
            }
            () = tokio::time::sleep(stall) => return Err(io::ErrorKind::TimedOut.into()),
        }
    }
    Ok(woken)
}

async fn keep_record(server: Arc<Server>) {
    loop {
        tokio::select! {
            () = server.stop.cancelled() => return,
            () = tokio::time::sleep(RECORD_FLUSH) => server.flush_record(),
        }
    }
}

async fn keep_time(server: Arc<Server>) {
    loop {
        let wait = {
            let mut state = server.lock();
            state.planned = state.desk.next_wake();
            let now = state.now();
            // While time stands still, only what is due already needs a turn.
            let due = state.planned.filter(|at| !state.stands_still || *at <= now);
            due.map(|at| u64::try_from(at - now).unwrap_or(0))
        };
        let due = async {
            match wait {
                Some(wait) => tokio::time::sleep(Duration::from_nanos(wait)).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = server.stop.cancelled() => return,
            () = server.timer.notified() => {}
            () = due => server.with(Desk::wake),
        }
    }
}

fn wall_clock() -> UtcNs {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    UtcNs::try_from(since.as_nanos()).unwrap_or(UtcNs::MAX)
}
