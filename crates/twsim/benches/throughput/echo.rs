//! The least a server can do: for each frame that is complete, write the same answer. It runs as the gateway
//! does: a task per connection, on a runtime with one thread, on a thread of its own.

use std::net::SocketAddr;
use std::sync::mpsc::{SyncSender, sync_channel};

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// An echo that answers every frame with `reply`.
pub(crate) fn start(reply: Vec<u8>) -> SocketAddr {
    on_a_thread("echo", async move |tell| {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        tell.send(listener.local_addr().expect("an address")).expect("a listener");
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(answer(stream, reply.clone()));
        }
    })
}

/// Runs a server on a thread with a runtime of its own, until the process ends; returns the address it tells.
pub(crate) fn on_a_thread<F>(name: &str, serve: F) -> SocketAddr
where
    F: AsyncFnOnce(SyncSender<SocketAddr>) + Send + 'static,
{
    let (tell, told) = sync_channel(1);
    let run = move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(serve(tell));
    };
    std::thread::Builder::new().name(name.to_owned()).spawn(run).expect("a thread");
    told.recv().expect("an address")
}

async fn answer(mut stream: TcpStream, reply: Vec<u8>) {
    stream.set_nodelay(true).expect("nodelay");
    let mut received = BytesMut::with_capacity(64 * 1024);
    while stream.read_buf(&mut received).await.is_ok_and(|read| read > 0) {
        while let Some(prefix) = received.first_chunk::<4>() {
            let whole = 4 + u32::from_be_bytes(*prefix) as usize;
            if received.len() < whole {
                break;
            }
            received.advance(whole);
            stream.write_all(&reply).await.expect("a write");
        }
    }
}
