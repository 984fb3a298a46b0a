//! A wire between adapter and gateway that can be listened to and spoken into, frame by frame.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::Instant;

/// Message ids on the wire are this much higher when the body is protobuf.
const PROTOBUF: i32 = 200;

/// Frames that may wait on the wire.
const FRAMES_MAX: usize = 1_024;

/// Messages that the adapter wrote: when, id and body.
type Written = Arc<Mutex<Vec<(Instant, i32, Vec<u8>)>>>;

pub(crate) const CANCEL_MARKET_DATA: i32 = 2;
pub(crate) const ORDER_STATUS: i32 = 3;
pub(crate) const ERROR: i32 = 4;
pub(crate) const OPEN_ORDER: i32 = 5;
pub(crate) const EXECUTION: i32 = 11;
pub(crate) const OPEN_ORDER_END: i32 = 53;

/// One field of a protobuf message.
pub(crate) enum Field<'a> {
    Number(u32, i64),
    Text(u32, &'a str),
    Double(u32, f64),
    Message(u32, Vec<u8>),
}

/// A protobuf body, field by field.
pub(crate) fn body(fields: &[Field<'_>]) -> Vec<u8> {
    let mut out = Vec::new();
    for field in fields {
        match field {
            Field::Number(tag, value) => {
                varint(&mut out, u64::from(*tag) << 3);
                varint(&mut out, value.cast_unsigned());
            }
            Field::Double(tag, value) => {
                varint(&mut out, u64::from(*tag) << 3 | 1);
                out.extend(value.to_le_bytes());
            }
            Field::Text(tag, text) => bytes(&mut out, *tag, text.as_bytes()),
            Field::Message(tag, inner) => bytes(&mut out, *tag, inner),
        }
    }
    out
}

fn bytes(out: &mut Vec<u8>, tag: u32, value: &[u8]) {
    varint(out, u64::from(tag) << 3 | 2);
    varint(out, u64::try_from(value.len()).unwrap());
    out.extend_from_slice(value);
}

fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(u8::try_from(value & 0x7f).unwrap() | 0x80);
        value >>= 7;
    }
    out.push(u8::try_from(value).unwrap());
}

/// A whole frame.
pub(crate) fn frame(message: i32, body: &[u8]) -> Vec<u8> {
    let mut out = u32::try_from(4 + body.len()).unwrap().to_be_bytes().to_vec();
    out.extend((message + PROTOBUF).to_be_bytes());
    out.extend_from_slice(body);
    out
}

/// An error frame.
pub(crate) fn error(id: i32, code: i32, text: &str) -> Vec<u8> {
    frame(
        ERROR,
        &body(&[Field::Number(1, i64::from(id)), Field::Number(3, i64::from(code)), Field::Text(4, text)]),
    )
}

/// The wire.
pub(crate) struct Tap {
    pub(crate) port: u16,
    /// Frames spoken here reach the adapter between two of the gateway's.
    inject: mpsc::Sender<Vec<u8>>,
    written: Written,
}

impl Tap {
    /// Puts a wire in front of a gateway. `early` is spoken right after the version answer, before the
    /// gateway's part of the handshake.
    pub(crate) async fn before(gateway: SocketAddr, early: Vec<Vec<u8>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (inject, mut injected) = mpsc::channel::<Vec<u8>>(FRAMES_MAX);
        let written = Arc::new(Mutex::new(Vec::new()));
        let keep = Arc::clone(&written);
        tokio::spawn(async move {
            loop {
                let Ok((adapter, _)) = listener.accept().await else { return };
                let (from_adapter, to_adapter) = adapter.into_split();
                let (from_gateway, to_gateway) = TcpStream::connect(gateway).await.unwrap().into_split();
                let up = tokio::spawn(upstream(from_adapter, to_gateway, Arc::clone(&keep)));
                downstream(from_gateway, to_adapter, &mut injected, early.clone()).await;
                up.abort();
            }
        });
        Self { port, inject, written }
    }

    pub(crate) fn speak(&self, frame: Vec<u8>) {
        self.inject.try_send(frame).unwrap();
    }

    /// Bodies of the messages of this id that the adapter wrote.
    pub(crate) fn bodies(&self, message: i32) -> Vec<Vec<u8>> {
        let written = self.written.lock().unwrap();
        written
            .iter()
            .filter(|(_, id, _)| *id == message + PROTOBUF)
            .map(|(_, _, body)| body.clone())
            .collect()
    }

    /// When each message came that the adapter wrote.
    pub(crate) fn arrivals(&self) -> Vec<Instant> {
        self.written.lock().unwrap().iter().map(|(at, _, _)| *at).collect()
    }
}

async fn read_frame(from: &mut OwnedReadHalf) -> Option<Vec<u8>> {
    let mut length = [0; 4];
    from.read_exact(&mut length).await.ok()?;
    let mut payload = vec![0; usize::try_from(u32::from_be_bytes(length)).unwrap()];
    from.read_exact(&mut payload).await.ok()?;
    Some(payload)
}

async fn write_frame(to: &mut OwnedWriteHalf, payload: &[u8]) -> Option<()> {
    let mut out = u32::try_from(payload.len()).unwrap().to_be_bytes().to_vec();
    out.extend_from_slice(payload);
    to.write_all(&out).await.ok()
}

async fn upstream(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, written: Written) {
    let mut prefix = [0; 4];
    if from.read_exact(&mut prefix).await.is_err() || to.write_all(&prefix).await.is_err() {
        return;
    }
    while let Some(payload) = read_frame(&mut from).await {
        if let Some((id, body)) = payload.split_first_chunk::<4>() {
            written.lock().unwrap().push((Instant::now(), i32::from_be_bytes(*id), body.to_vec()));
        }
        if write_frame(&mut to, &payload).await.is_none() {
            return;
        }
    }
}

async fn downstream(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    injected: &mut mpsc::Receiver<Vec<u8>>,
    mut early: Vec<Vec<u8>>,
) {
    // Reading a frame is not cancel-safe, so it has its own task.
    let (frames, mut arriving) = mpsc::channel(FRAMES_MAX);
    let reader = tokio::spawn(async move {
        while let Some(payload) = read_frame(&mut from).await {
            if frames.send(payload).await.is_err() {
                return;
            }
        }
    });
    loop {
        let sent = tokio::select! {
            payload = arriving.recv() => match payload {
                Some(payload) => write_frame(&mut to, &payload).await,
                None => None,
            },
            Some(spoken) = injected.recv() => to.write_all(&spoken).await.ok(),
        };
        for spoken in early.drain(..) {
            if to.write_all(&spoken).await.is_err() {
                break;
            }
        }
        if sent.is_none() {
            break;
        }
    }
    reader.abort();
}
