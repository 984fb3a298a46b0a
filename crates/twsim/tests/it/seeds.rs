//! One good frame of every request that is worth spoiling, in both dialects.

#![allow(dead_code, reason = "each of its users needs another part of it")]

use crate::frames::{AAPL, Body, ask, cancel, contract, frame, greeting, limit, order, place, place_in};

/// In the protobuf dialect.
pub(crate) fn protobufs() -> Vec<Vec<u8>> {
    let mut seeds = orders();
    seeds.extend(requests());
    seeds
}

/// In the text dialect: what `ib_async` 2.1.0 writes at server version 178, fields parted by tabs.
pub(crate) fn texts() -> Vec<Vec<u8>> {
    include_str!("ib_async.tsv").lines().map(|line| text(&line.split('\t').collect::<Vec<_>>())).collect()
}

/// A session in the text dialect.
pub(crate) fn text_hello(client_id: i32) -> Vec<u8> {
    let mut out = greeting("v157..178");
    out.extend(text(&["71", "2", &client_id.to_string(), ""]));
    out
}

/// A frame of text fields.
pub(crate) fn text(fields: &[&str]) -> Vec<u8> {
    let body: Vec<u8> = fields.iter().flat_map(|field| [field.as_bytes(), b"\0"].concat()).collect();
    [&(body.len() as u32).to_be_bytes()[..], &body].concat()
}

fn orders() -> Vec<Vec<u8>> {
    let far = || limit("BUY", "10", 225.0);
    vec![
        place(1, far()),
        place(1, limit("BUY", "20", 226.0)),
        place(2, order("BUY", "100", "MKT")),
        place(3, order("SELL", "100", "MKT")),
        place(4, order("SELL", "1", "STP").double(10, 220.0)),
        place(5, limit("SELL", "1", 219.0).double(10, 220.0).text(8, "STP LMT")),
        place(6, far().text(11, "GTD").text(26, "20991231-00:00:00")),
        place(7, far().flag(66, false)),
        place(8, limit("SELL", "1", 240.0).int(4, 7)),
        place(9, far().flag(65, true)),
        place(10, far().text(11, "IOC").text(12, "DU1234567").flag(19, true).text(28, "mine")),
        place(11, order("SELL", "5", "TRAIL").double(10, 1.0)),
        place_in(12_087_792, 12, order("BUY", "20000", "MKT")),
        place_in(0, 13, order("BUY", "0.5", "MKT")),
        frame(203, &[]),
        cancel(1),
        cancel(4_000),
    ]
}

fn requests() -> Vec<Vec<u8>> {
    let filter = Body::default().int(1, 0).text(3, "20251123-00:00:00").text(7, "BUY").int(8, 3);
    let mut seeds = vec![
        Body::default().int(1, 20).nested(2, &contract(AAPL)).frame(1),
        Body::default().int(1, 21).nested(2, &contract(AAPL)).flag(4, true).frame(1),
        Body::default().flag(1, true).text(2, "DU1234567").frame(6),
        Body::default().int(1, 22).nested(2, &filter).frame(7),
        Body::default().int(1, 23).nested(2, &contract(AAPL)).frame(9),
        Body::default().int(1, 24).nested(2, &Body::default().text(2, "ES").text(3, "FUT")).frame(9),
        Body::default().int(1, 25).text(2, "All").text(3, "NetLiquidation,$LEDGER").frame(62),
        Body::default().int(1, 26).text(2, "AA").frame(81),
        Body::default().int(1, 27).text(2, "DU1234567").frame(92),
    ];
    // Every message id of the API with nothing but a number in it.
    seeds.extend((1..120).map(|message_id| ask(message_id, 28)));
    seeds
}
