//! One raw connection to a gateway, every frame of it recorded.

use std::cell::RefCell;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::fields::{Body, Fields, hex};

/// Every message is protobuf from the first of these on.
const VERSIONS: &str = "v213..226";
/// Added to the id of a protobuf message.
const PROTOBUF: i32 = 200;
/// The longest frame of the protocol.
const FRAME_MAX: usize = 0x00ff_ffff;
/// The question that marks an end, and its answer.
const TIME_MILLIS: i32 = 105;
const TIME_MILLIS_ANSWER: i32 = 109;
/// How long its answer may take.
const MARKER: Duration = Duration::from_secs(5);
/// Longest wait for a gateway that goes on and on.
const LISTEN_MAX: Duration = Duration::from_secs(20);
/// How long the gateway may take for its part of the handshake.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// Where frames are written down, one JSON document a line.
#[derive(Clone)]
pub(super) struct Recorder {
    file: Option<Rc<RefCell<BufWriter<File>>>>,
    began: Instant,
}

impl Recorder {
    pub(super) fn start(path: Option<&Path>) -> anyhow::Result<Self> {
        let create = |path: &Path| File::create(path).with_context(|| format!("creating {}", path.display()));
        let file = path.map(create).transpose()?.map(|file| Rc::new(RefCell::new(BufWriter::new(file))));
        Ok(Self { file, began: Instant::now() })
    }

    /// Marks where a check begins.
    pub(super) fn mark(&self, check: &str) -> anyhow::Result<()> {
        self.write(&json!({ "check": check }))
    }

    pub(super) fn finish(&self) -> anyhow::Result<()> {
        self.file.as_ref().map_or(Ok(()), |file| file.borrow_mut().flush()).context("writing the record")
    }

    fn frame(&self, link: &str, direction: &str, payload: &[u8]) -> anyhow::Result<()> {
        if self.file.is_none() {
            return Ok(());
        }
        let (id, body) = split(payload).unwrap_or((0, payload));
        let read = if id > PROTOBUF { Fields::read(body).map(|fields| fields.json()) } else { None };
        let at_ms = self.began.elapsed().as_millis();
        let (id, at_ms) = (id - PROTOBUF, u64::try_from(at_ms).unwrap_or(u64::MAX));
        let decoded = match read {
            Some(fields) => json!({ "id": id, "fields": fields }),
            None => json!({ "text": String::from_utf8_lossy(payload) }),
        };
        self.write(&json!({
            "at_ms": at_ms, "link": link, "direction": direction, "message": decoded, "hex": hex(payload),
        }))
    }

    fn write(&self, document: &serde_json::Value) -> anyhow::Result<()> {
        let Some(file) = &self.file else { return Ok(()) };
        writeln!(file.borrow_mut(), "{document}").context("writing the record")
    }
}

/// A message from the gateway.
#[derive(Debug, Clone)]
pub(super) struct Frame {
    pub(super) id: i32,
    pub(super) fields: Fields,
}

/// What waiting ended with.
#[derive(Debug)]
pub(super) enum Heard {
    Frame(Frame),
    Nothing,
    Closed,
}

/// What was said up to a silence or the end.
#[derive(Debug)]
pub(super) struct Listened {
    pub(super) frames: Vec<Frame>,
    pub(super) closed: bool,
}

/// A connection.
pub(super) struct Link {
    stream: TcpStream,
    inbox: Vec<u8>,
    name: &'static str,
    recorder: Recorder,
    /// Whether a question marks the end of what was said before it.
    asks_marker: bool,
    /// Negotiated.
    pub(super) version: i32,
    /// What the gateway said its time is.
    pub(super) time: String,
}

impl Link {
    /// Connects and shakes hands, up to the version line.
    pub(super) async fn open(
        (host, port): (&str, u16),
        name: &'static str,
        recorder: &Recorder,
    ) -> anyhow::Result<Self> {
        let stream = timeout(HANDSHAKE, TcpStream::connect((host, port))).await.context("connecting")??;
        stream.set_nodelay(true)?;
        let recorder = recorder.clone();
        let (inbox, time) = (Vec::new(), String::new());
        let mut link = Self { stream, inbox, name, recorder, asks_marker: true, version: 0, time };
        link.stream.write_all(b"API\0").await?;
        link.write(VERSIONS.as_bytes()).await?;
        let said = timeout(HANDSHAKE, link.payload())
            .await
            .context("the gateway does not answer the handshake")??;
        let Some(said) = said else {
            bail!(
                "the gateway ended the handshake: it speaks no server version from 213 on, or does not trust this host"
            );
        };
        let said = String::from_utf8_lossy(&said).into_owned();
        let mut fields = said.split('\0');
        link.version = fields.next().unwrap_or_default().parse().context("the version line")?;
        fields.next().unwrap_or_default().clone_into(&mut link.time);
        Ok(link)
    }

    pub(super) async fn send(&mut self, id: i32, body: &Body) -> anyhow::Result<()> {
        let payload = [&(id + PROTOBUF).to_be_bytes()[..], body.as_bytes()].concat();
        self.write(&payload).await
    }

    /// A frame of any bytes.
    pub(super) async fn write(&mut self, payload: &[u8]) -> anyhow::Result<()> {
        self.recorder.frame(self.name, "sent", payload)?;
        let length = u32::try_from(payload.len()).context("a frame too long")?.to_be_bytes();
        self.stream.write_all(&[&length[..], payload].concat()).await.context("writing to the gateway")
    }

    /// Everything up to the answer to a question asked now, and on to the silence after it.
    pub(super) async fn listen(&mut self, quiet: Duration) -> anyhow::Result<Listened> {
        if self.asks_marker {
            // A connection that is being closed takes no more; what it still says is read all the same.
            drop(self.send(TIME_MILLIS, &Body::default()).await);
        }
        let mut heard = Listened { frames: Vec::new(), closed: false };
        let (mut answered, began) = (!self.asks_marker, Instant::now());
        while began.elapsed() < LISTEN_MAX {
            match self.hear(if answered { quiet } else { MARKER.max(quiet) }).await? {
                Heard::Frame(frame) if frame.id == TIME_MILLIS_ANSWER && !answered => answered = true,
                Heard::Frame(frame) => heard.frames.push(frame),
                Heard::Nothing => {
                    // Some gateways answer such questions once a second; then silence has to do.
                    self.asks_marker &= answered;
                    return Ok(heard);
                }
                Heard::Closed => {
                    heard.closed = true;
                    return Ok(heard);
                }
            }
        }
        Ok(heard)
    }

    /// Ends it as far as we are concerned.
    pub(super) async fn close(&mut self) {
        // It may be closed already, which is as good.
        drop(self.stream.shutdown().await);
        while matches!(self.hear(HANDSHAKE).await, Ok(Heard::Frame(_))) {}
    }

    /// The next message, if one comes within `patience`.
    pub(super) async fn hear(&mut self, patience: Duration) -> anyhow::Result<Heard> {
        let payload = match timeout(patience, self.payload()).await {
            Err(_) => return Ok(Heard::Nothing),
            Ok(payload) => payload?,
        };
        let Some(payload) = payload else { return Ok(Heard::Closed) };
        let (id, body) = split(&payload).context("a frame without a message id")?;
        let fields = Fields::read(body).with_context(|| format!("message {id} is no protobuf message"))?;
        Ok(Heard::Frame(Frame { id: id - PROTOBUF, fields }))
    }

    /// `None` when the gateway has closed. Nothing is lost when the wait for it is given up.
    async fn payload(&mut self) -> anyhow::Result<Option<Vec<u8>>> {
        loop {
            if let Some(prefix) = self.inbox.first_chunk::<4>() {
                let length = u32::from_be_bytes(*prefix) as usize;
                if length > FRAME_MAX {
                    bail!("a frame of {length} bytes, which cannot be");
                }
                if self.inbox.len() >= 4 + length {
                    let payload: Vec<u8> = self.inbox.drain(..4 + length).skip(4).collect();
                    self.recorder.frame(self.name, "received", &payload)?;
                    return Ok(Some(payload));
                }
            }
            let read = self.stream.read_buf(&mut self.inbox).await;
            // A reset is an end too.
            if read.unwrap_or(0) == 0 {
                return Ok(None);
            }
        }
    }
}

fn split(payload: &[u8]) -> Option<(i32, &[u8])> {
    let (id, body) = payload.split_first_chunk::<4>()?;
    Some((i32::from_be_bytes(*id), body))
}
