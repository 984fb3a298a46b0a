//! Orders a second through one connection: pipelined by a client made of bytes, answered by a gateway on a
//! runtime with one thread. `cargo bench -p alphec-twsim --bench throughput`

#![allow(clippy::expect_used, clippy::print_stdout, reason = "a benchmark prints, and stops where it fails")]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Instant;

use alphec_twsim::Gateway;
use prost::Message;

const ORDERS: u32 = 50_000;

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

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let gateway = runtime.block_on(Gateway::builder().fixed_prices().start()).expect("a gateway");
    let addr = gateway.addr();
    let client = std::thread::spawn(move || {
        let resting = run(addr, 1, |id| order(id, "LMT", Some(229.0)), 4);
        let filling = run(addr, 2, |id| order(id, "MKT", None), 6);
        (resting, filling)
    });
    let (resting, filling) = runtime.block_on(async {
        while !client.is_finished() {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        client.join().expect("a client")
    });
    println!("limit orders that rest, 4 answers each:  {resting:>9.0} orders/s");
    println!("market orders that fill, 6 answers each: {filling:>9.0} orders/s");
}

fn run(addr: SocketAddr, client_id: i32, order: impl Fn(i32) -> PlaceOrder, answers: u32) -> f64 {
    let mut stream = TcpStream::connect(addr).expect("connect");
    stream.set_nodelay(true).expect("nodelay");
    stream.write_all(b"API\0\0\0\0\x09v213..226").expect("greet");
    let mut frame = Vec::new();
    put(&mut frame, 71, &StartApi { client_id });
    stream.write_all(&frame).expect("start");
    let mut reader = Reader { stream: stream.try_clone().expect("clone"), held: Vec::new(), at: 0 };
    // Version line, next id, accounts, three farm notices.
    reader.skip(6);
    let mut batch = Vec::new();
    for id in 0..ORDERS {
        put(&mut batch, 3, &order(id as i32 + 1));
    }
    let began = Instant::now();
    let writer = std::thread::spawn(move || stream.write_all(&batch));
    reader.skip(u64::from(ORDERS * answers));
    let rate = f64::from(ORDERS) / began.elapsed().as_secs_f64();
    writer.join().expect("a writer").expect("a write");
    rate
}

fn order(id: i32, kind: &str, limit_price: Option<f64>) -> PlaceOrder {
    // Alternate sides, so that neither position nor margin grows.
    let action = if id % 2 == 0 || limit_price.is_some() { "BUY" } else { "SELL" };
    PlaceOrder {
        order_id: id,
        contract: Some(Contract { con_id: 265_598, exchange: "SMART".to_owned() }),
        order: Some(Order {
            action: action.to_owned(),
            quantity: "10".to_owned(),
            order_type: kind.to_owned(),
            limit_price,
            order_ref: format!("bench-{id:08}"),
            transmit: true,
        }),
    }
}

fn put(out: &mut Vec<u8>, id: i32, message: &impl Message) {
    let body = message.encode_to_vec();
    out.extend_from_slice(&(body.len() as u32 + 4).to_be_bytes());
    out.extend_from_slice(&(id + 200).to_be_bytes());
    out.extend_from_slice(&body);
}

struct Reader {
    stream: TcpStream,
    held: Vec<u8>,
    at: usize,
}

impl Reader {
    /// Reads and forgets `count` frames.
    fn skip(&mut self, count: u64) {
        for _ in 0..count {
            self.fill(4);
            let prefix: [u8; 4] = self.held[self.at..self.at + 4].try_into().expect("four bytes");
            let length = u32::from_be_bytes(prefix) as usize;
            self.fill(4 + length);
            self.at += 4 + length;
        }
    }

    fn fill(&mut self, need: usize) {
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
