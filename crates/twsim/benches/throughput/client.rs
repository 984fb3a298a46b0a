//! A client made of bytes: it counts what it reads and looks at none of it.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread::JoinHandle;

use prost::Message;

/// What becomes of the orders.
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    /// Limits below the market: opened and acknowledged.
    Resting,
    /// Market orders, buys and sells in turn so that neither position nor margin grows: filled at once.
    Filling,
}

impl Kind {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Resting => "limit that rests",
            Self::Filling => "market that fills",
        }
    }

    /// Frames in an answer: two pairs of order and status; or a pair, an execution, a pair, a commission.
    pub(crate) const fn answers(self) -> usize {
        match self {
            Self::Resting => 4,
            Self::Filling => 6,
        }
    }
}

#[derive(Clone, PartialEq, Message)]
struct StartApi {
    #[prost(int32, tag = "1")]
    client_id: i32,
}

#[derive(Clone, PartialEq, Message)]
struct Contract {
    #[prost(int32, tag = "1")]
    con_id: i32,
    #[prost(string, tag = "8")]
    exchange: String,
}

#[derive(Clone, PartialEq, Message)]
struct Order {
    #[prost(string, tag = "5")]
    action: String,
    #[prost(string, tag = "6")]
    quantity: String,
    #[prost(string, tag = "8")]
    order_type: String,
    #[prost(double, optional, tag = "9")]
    limit_price: Option<f64>,
    #[prost(string, tag = "28")]
    order_ref: String,
    #[prost(bool, tag = "66")]
    transmit: bool,
}

#[derive(Clone, PartialEq, Message)]
struct PlaceOrder {
    #[prost(int32, tag = "1")]
    order_id: i32,
    #[prost(message, optional, tag = "2")]
    contract: Option<Contract>,
    #[prost(message, optional, tag = "3")]
    order: Option<Order>,
}

/// First order id; ids of one length make orders of one length.
const FIRST_ID: i32 = 3_000_000;

const REQ_CURRENT_TIME: i32 = 49;
const CURRENT_TIME: i32 = 49;
const GLOBAL_CANCEL: i32 = 58;

/// One connection.
pub(crate) struct Client {
    stream: TcpStream,
    held: Vec<u8>,
    at: usize,
    next_id: i32,
}

impl Client {
    /// A connection without any conversation.
    pub(crate) fn connect(addr: SocketAddr) -> Self {
        let stream = TcpStream::connect(addr).expect("a connection");
        stream.set_nodelay(true).expect("nodelay");
        Self { stream, held: Vec::new(), at: 0, next_id: FIRST_ID }
    }

    /// A session at a gateway, past its greetings, under a client id of its own.
    pub(crate) fn start(addr: SocketAddr) -> Self {
        let mut client = Self::connect(addr);
        client.write(b"API\0\0\0\0\x09v213..226");
        let client_id = i32::from(client.stream.local_addr().expect("an address").port());
        client.write(&frame(71, &StartApi { client_id }));
        client.settle();
        client
    }

    /// Places one order of this kind and returns its frame and the frames of the answer.
    pub(crate) fn sample(&mut self, kind: Kind) -> (Vec<u8>, Vec<u8>) {
        let order = self.next_order(kind);
        self.write(&order);
        let answer = (0..kind.answers()).flat_map(|_| self.take_frame()).collect();
        self.cancel_all();
        (order, answer)
    }

    /// The frame of the next order.
    pub(crate) fn next_order(&mut self, kind: Kind) -> Vec<u8> {
        let id = self.next_id;
        self.next_id += 1;
        let (action, order_type, limit_price) = match kind {
            Kind::Resting => ("BUY", "LMT", Some(229.0)),
            Kind::Filling if id % 2 == 0 => ("BUY", "MKT", None),
            Kind::Filling => ("SELL", "MKT", None),
        };
        let order = Order {
            action: action.to_owned(),
            quantity: "10".to_owned(),
            order_type: order_type.to_owned(),
            limit_price,
            order_ref: format!("bench-{id:08}"),
            transmit: true,
        };
        let contract = Contract { con_id: 265_598, exchange: "SMART".to_owned() };
        frame(3, &PlaceOrder { order_id: id, contract: Some(contract), order: Some(order) })
    }

    /// Ends what still works, and reads everything that is said about it.
    pub(crate) fn cancel_all(&mut self) {
        self.write(&frame(GLOBAL_CANCEL, &StartApi { client_id: 0 }));
        self.settle();
    }

    /// Everything said so far is read once the gateway's answer to a question comes.
    fn settle(&mut self) {
        self.write(&frame(REQ_CURRENT_TIME, &StartApi { client_id: 0 }));
        while self.take_frame().get(4..8) != Some(&(CURRENT_TIME + 200).to_be_bytes()) {}
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).expect("a write");
    }

    /// Writes from another thread, for more bytes than the sockets hold.
    pub(crate) fn write_aside(&self, bytes: Vec<u8>) -> JoinHandle<()> {
        let mut stream = self.stream.try_clone().expect("a clone");
        std::thread::spawn(move || stream.write_all(&bytes).expect("a write"))
    }

    pub(crate) fn skip_frames(&mut self, count: usize) {
        for _ in 0..count {
            let length = self.next_frame();
            self.at += length;
        }
    }

    fn take_frame(&mut self) -> Vec<u8> {
        let length = self.next_frame();
        self.at += length;
        self.held[self.at - length..self.at].to_vec()
    }

    /// Length on the wire of the next frame, which is read completely.
    fn next_frame(&mut self) -> usize {
        self.fill(4);
        let length = &self.held[self.at..self.at + 4];
        let whole = 4 + u32::from_be_bytes(length.try_into().expect("four bytes")) as usize;
        self.fill(whole);
        whole
    }

    fn fill(&mut self, need: usize) {
        if self.at == self.held.len() {
            self.held.clear();
            self.at = 0;
        }
        while self.held.len() - self.at < need {
            self.held.drain(..self.at);
            self.at = 0;
            let mut chunk = [0; 65_536];
            let read = self.stream.read(&mut chunk).expect("a read");
            assert!(read > 0, "the gateway closed the connection");
            self.held.extend_from_slice(&chunk[..read]);
        }
    }
}

fn frame(id: i32, message: &impl Message) -> Vec<u8> {
    let body = message.encode_to_vec();
    let mut out = Vec::with_capacity(8 + body.len());
    out.extend_from_slice(&(body.len() as u32 + 4).to_be_bytes());
    out.extend_from_slice(&(id + 200).to_be_bytes());
    out.extend_from_slice(&body);
    out
}
