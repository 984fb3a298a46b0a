//! The wire between engine and gateway, watched frame by frame: at the chosen one it kills.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use crate::gateway::Address;
use crate::point::{Point, Way, is_order};

/// Protobuf bodies have ids this much higher.
const PROTOBUF_OFFSET: i32 = 200;

type Act = Box<dyn Fn() + Send + Sync>;

/// What is waited for, and what is done then.
struct Trap {
    point: Point,
    /// At which such frame, counted down to 1.
    nth: u64,
    order_sent: bool,
    act: Act,
}

/// A relay on loopback; engines connect to it.
#[derive(Clone)]
pub(crate) struct Relay {
    pub(crate) addr: SocketAddr,
    trap: Arc<Mutex<Option<Trap>>>,
}

impl Relay {
    pub(crate) fn start(gateway: Address) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let relay = Self { addr: listener.local_addr().unwrap(), trap: Arc::default() };
        let here = relay.clone();
        thread::spawn(move || {
            for engine in listener.incoming().map_while(Result::ok) {
                // Refused while the gateway is down: so is the engine then.
                let gateway = *gateway.lock().unwrap();
                if let Some(Ok(gateway)) = gateway.map(TcpStream::connect) {
                    here.join(&engine, &gateway);
                }
            }
        });
        relay
    }

    /// Does `act` at the `nth` frame of the point.
    pub(crate) fn set_trap(&self, point: Point, nth: u64, act: Act) {
        *self.trap.lock().unwrap() = Some(Trap { point, nth, order_sent: false, act });
    }

    pub(crate) fn disarm(&self) {
        *self.trap.lock().unwrap() = None;
    }

    fn join(&self, engine: &TcpStream, gateway: &TcpStream) {
        drop((engine.set_nodelay(true), gateway.set_nodelay(true)));
        let ways = [(engine, gateway, Way::ToGateway), (gateway, engine, Way::ToEngine)];
        for (from, to, way) in ways {
            let (from, to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
            let here = self.clone();
            thread::spawn(move || {
                here.pass(&from, &to, way);
                drop((from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both)));
            });
        }
    }

    /// Frames from one to the other until either is gone; `None` is an end like any other.
    fn pass(&self, mut from: &TcpStream, mut to: &TcpStream, way: Way) -> Option<()> {
        if way == Way::ToGateway {
            let mut prefix = [0; 4];
            from.read_exact(&mut prefix).ok()?;
            to.write_all(&prefix).ok()?;
        }
        loop {
            let mut length = [0; 4];
            from.read_exact(&mut length).ok()?;
            let mut frame = length.to_vec();
            frame.resize(4 + usize::try_from(u32::from_be_bytes(length)).ok()?, 0);
            from.read_exact(&mut frame[4..]).ok()?;
            let id = message_id(&frame[4..]);
            if self.is_lost(way, id) {
                return None;
            }
            to.write_all(&frame).ok()?;
            self.after(way, id);
        }
    }

    /// Whether the trap takes this frame with it.
    fn is_lost(&self, way: Way, id: i32) -> bool {
        let mut trap = self.trap.lock().unwrap();
        let Some(set) = trap.as_mut() else { return false };
        if !set.point.loses_the_frame() || !set.counts(way, id) {
            return false;
        }
        (set.act)();
        *trap = None;
        true
    }

    fn after(&self, way: Way, id: i32) {
        let mut trap = self.trap.lock().unwrap();
        let Some(set) = trap.as_mut() else { return };
        if !set.point.loses_the_frame() && set.counts(way, id) {
            (set.act)();
            *trap = None;
        } else {
            set.order_sent |= is_order(way, id);
        }
    }
}

impl Trap {
    fn counts(&mut self, way: Way, id: i32) -> bool {
        let is_at = self.point.is_at(way, id, self.order_sent);
        self.nth -= u64::from(is_at);
        is_at && self.nth == 0
    }
}

/// A binary id, or a decimal text up to the first zero byte.
fn message_id(payload: &[u8]) -> i32 {
    let binary = payload.first_chunk().map_or(0, |bytes| i32::from_be_bytes(*bytes));
    if (1..1_000).contains(&binary) {
        return if binary > PROTOBUF_OFFSET { binary - PROTOBUF_OFFSET } else { binary };
    }
    let text = payload.split(|byte| *byte == 0).next().unwrap_or_default();
    std::str::from_utf8(text).ok().and_then(|text| text.parse().ok()).unwrap_or(0)
}
