//! A client made of bytes: what no well-behaved client would send, and what one would not show.

use std::time::Duration;

use alphec_twsim::GatewayHandle;
use bytes::{Buf, BufMut, Bytes, BytesMut};
use prost::Message;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A raw connection.
pub(crate) struct Raw {
    stream: TcpStream,
    inbox: BytesMut,
}

/// A message whose first field is a number, which many are.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct OneNumber {
    #[prost(int32, optional, tag = "1")]
    pub(crate) value: Option<i32>,
}

/// The error message.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct ErrorFrame {
    #[prost(int32, optional, tag = "1")]
    pub(crate) id: Option<i32>,
    #[prost(int32, optional, tag = "3")]
    pub(crate) code: Option<i32>,
    #[prost(string, optional, tag = "4")]
    pub(crate) text: Option<String>,
}

impl Raw {
    pub(crate) async fn open(gateway: &GatewayHandle) -> Self {
        let stream = TcpStream::connect(gateway.addr()).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream, inbox: BytesMut::new() }
    }

    /// Handshake up to the first two messages.
    pub(crate) async fn session(gateway: &GatewayHandle, client_id: i32) -> Self {
        let mut raw = Self::open(gateway).await;
        raw.greet("v213..226").await;
        raw.payload().await.unwrap();
        raw.send(71, &OneNumber { value: Some(client_id) }).await;
        raw.until(9).await;
        raw
    }

    pub(crate) async fn greet(&mut self, versions: &str) {
        self.bytes(b"API\0").await;
        let mut frame = BytesMut::new();
        frame.put_u32(versions.len() as u32);
        frame.put_slice(versions.as_bytes());
        self.bytes(&frame).await;
    }

    pub(crate) async fn send(&mut self, id: i32, message: &impl Message) {
        let body = message.encode_to_vec();
        let mut frame = BytesMut::new();
        frame.put_u32(4 + body.len() as u32);
        frame.put_i32(id + 200);
        frame.put_slice(&body);
        self.bytes(&frame).await;
    }

    pub(crate) async fn bytes(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.unwrap();
    }

    /// False when the connection takes no more bytes.
    pub(crate) async fn tries(&mut self, bytes: &[u8]) -> bool {
        self.stream.write_all(bytes).await.is_ok()
    }

    /// The next payload; `None` when the gateway closed. Panics when nothing comes.
    pub(crate) async fn payload(&mut self) -> Option<Bytes> {
        loop {
            if self.inbox.len() >= 4 {
                let length = (&self.inbox[..4]).get_u32() as usize;
                if self.inbox.len() >= 4 + length {
                    self.inbox.advance(4);
                    return Some(self.inbox.split_to(length).freeze());
                }
            }
            let read = tokio::time::timeout(Duration::from_secs(5), self.stream.read_buf(&mut self.inbox));
            if read.await.expect("bytes in time").unwrap_or(0) == 0 {
                return None;
            }
        }
    }

    /// Message id and body of the next payload.
    pub(crate) async fn message(&mut self) -> Option<(i32, Bytes)> {
        let mut payload = self.payload().await?;
        Some((payload.get_i32() - 200, payload))
    }

    /// Skips to a message with this id.
    pub(crate) async fn until(&mut self, id: i32) -> Bytes {
        loop {
            let (seen, body) = self.message().await.expect("an open connection");
            if seen == id {
                return body;
            }
        }
    }

    /// Skips to an error that is not a farm notice.
    pub(crate) async fn error(&mut self) -> ErrorFrame {
        loop {
            let body = self.until(4).await;
            let error = ErrorFrame::decode(body).unwrap();
            if !(2100..2200).contains(&error.code.unwrap_or(0)) {
                return error;
            }
        }
    }

    /// True when nothing arrives for a while.
    pub(crate) async fn is_silent(&mut self) -> bool {
        let waiting = !self.inbox.is_empty();
        let wait = tokio::time::timeout(Duration::from_millis(150), self.stream.read_buf(&mut self.inbox));
        wait.await.is_err() && !waiting
    }
}
