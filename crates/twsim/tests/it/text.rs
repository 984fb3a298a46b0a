//! The text dialect from the outside, byte by byte where it matters.

use alphec_twsim::GatewayHandle;
use bytes::{BufMut, BytesMut};

use crate::kit::{connect, still};
use crate::raw::{OneNumber, Raw};

/// A market order as clients of version 164 send it, everything unset; `|` stands for NUL.
pub(crate) const MARKET_ORDER: &str = "13|265598|||||||SMART|||||||BUY|100|MKT|||||||0||1|0|0|0|0|0|0|0||0||||||||0||-1|0|||0|||0|0||0|\
    |||||0|||||0|||||||||||0|||0|0|||0||0|0|0|0||1.7976931348623157e+308|1.7976931348623157e+308|1.7\
    976931348623157e+308|1.7976931348623157e+308|1.7976931348623157e+308|0||||1.7976931348623157e+30\
    8|||||0|0|0||2147483647|2147483647|0|";

/// What a real gateway of version 164 answered to such an order, as captured by the authors of a client: which
/// field is unset in which way is the broker's habit and cannot be derived.
const REAL_OPEN_ORDER: &str = "5|13|76792991|TSLA|STK||0|?||SMART|USD|TSLA|NMS|BUY|100|MKT|0.0|0.0|DAY||DU1236109||0||100|\
    1376327563|0|0|0||1376327563.0/DU1236109/100||||||||||0||-1|0||||||2147483647|0|0|0||3|0|0||0|0||0|None||0||||?|0|0||0|\
    0||||||0|0|0|2147483647|2147483647|||0||IB|0|0||0|0|PreSubmitted|1.7976931348623157E308|1.7976931348623157E308|\
    1.7976931348623157E308|1.7976931348623157E308|1.7976931348623157E308|1.7976931348623157E308|1.7976931348623157E308|\
    1.7976931348623157E308|1.7976931348623157E308||||||0|0|0|None|1.7976931348623157E308|1.7976931348623157E308|\
    1.7976931348623157E308|1.7976931348623157E308|1.7976931348623157E308|1.7976931348623157E308|0||||0|1|0|0|0|||0|";

/// What a real gateway of that version said next: status, execution, commission, and the completed order.
const REAL_STATUS: &str = "3|13|PreSubmitted|0|100|0|1376327563|0|0|100||0|";
const REAL_EXECUTION: &str = "11|-1|13|76792991|TSLA|STK||0.0|||ISLAND|USD|TSLA|NMS|00025b46.63f8f39c.01.01|20230224  12:04:56|\
    DU1236109|ISLAND|BOT|100|196.52|1376327563|100|0|100|196.52|||||2|";
const REAL_COMMISSION: &str =
    "59|1|00025b46.63f8f39c.01.01|1.0|USD|1.7976931348623157E308|1.7976931348623157E308||";
const REAL_COMPLETED: &str = "101|265598|AAPL|STK||0|?||SMART|USD|AAPL|NMS|BUY|0|MKT|0.0|0.0|DAY||DU1234567||0||1824933227|0|\
    0|0|||||||||||0||-1||||||2147483647|0|0||3|0||0|None||0|0|0||0|0||||0|0|0|2147483647|2147483647||||IB|0|0||0|Filled|0|0|0|\
    1.7976931348623157E308|1.7976931348623157E308|0|1|0||100|2147483647|0|Not an insider or substantial shareholder|0|0|\
    9223372036854775807|20230306 12:28:30 America/Los_Angeles|Filled Size: 100|";

/// Compares two frames, save the fields `own`: ids, instrument, account, time, price.
fn assert_like(ours: &[String], real: &str, own: &[usize]) {
    let mut real: Vec<&str> = real.split('|').collect();
    real.pop();
    let shown = |field: &str| if field == "0.0" { "0".to_owned() } else { field.to_owned() };
    for (at, (ours, real)) in ours.iter().zip(&real).enumerate() {
        if !own.contains(&at) {
            assert_eq!(shown(ours), shown(real), "field {at}");
        }
    }
    assert_eq!(ours.len(), real.len());
}

pub(crate) struct Text {
    raw: Raw,
    version: i32,
}

impl Text {
    pub(crate) async fn session(gateway: &GatewayHandle, version: i32) -> Self {
        let mut raw = Raw::open(gateway).await;
        raw.greet(&format!("v157..{version}")).await;
        assert!(raw.payload().await.unwrap().starts_with(version.to_string().as_bytes()));
        let mut session = Self { raw, version };
        session.send(71, "2|3||").await;
        session.until("9").await;
        session
    }

    /// Sends fields separated by `|`, the last one ended by it.
    pub(crate) async fn send(&mut self, id: i32, fields: &str) {
        let fields = fields.replace('|', "\0");
        let mut payload = BytesMut::new();
        if self.version >= 201 {
            payload.put_i32(id);
        } else {
            payload.put_slice(format!("{id}\0").as_bytes());
        }
        payload.put_slice(fields.as_bytes());
        self.payload(&payload).await;
    }

    async fn payload(&mut self, payload: &[u8]) {
        let mut frame = BytesMut::new();
        frame.put_u32(payload.len() as u32);
        frame.put_slice(payload);
        self.raw.bytes(&frame).await;
    }

    /// The fields of the next message, its id first.
    pub(crate) async fn next(&mut self) -> Option<Vec<String>> {
        let payload = self.raw.payload().await?;
        let (id, body) = if self.version >= 201 {
            let id = i32::from_be_bytes(payload[..4].try_into().unwrap());
            (Some(id.to_string()), payload.slice(4..))
        } else {
            (None, payload)
        };
        let text = String::from_utf8_lossy(&body).into_owned();
        let fields = text.split('\0').map(str::to_owned);
        let mut all: Vec<String> = id.into_iter().chain(fields).collect();
        all.pop();
        Some(all)
    }

    pub(crate) async fn until(&mut self, id: &str) -> Vec<String> {
        loop {
            let fields = self.next().await.expect("an open connection");
            if fields[0] == id {
                return fields;
            }
        }
    }

    async fn is_closed(&mut self) -> bool {
        while let Some(fields) = self.next().await {
            if fields[0] != "4" && fields[0] != "15" {
                return false;
            }
        }
        true
    }
}

#[tokio::test]
async fn an_open_order_looks_like_the_real_gateways_field_by_field() {
    let gateway = still().start().await.unwrap();
    let mut session = Text::session(&gateway, 164).await;
    session.send(3, MARKET_ORDER).await;
    assert_like(&session.until("5").await, REAL_OPEN_ORDER, &[2, 3, 11, 12, 20, 24, 25, 30]);
}

#[tokio::test]
async fn a_fill_looks_like_the_real_gateways_field_by_field() {
    let gateway = still().start().await.unwrap();
    let mut session = Text::session(&gateway, 164).await;
    session.send(3, MARKET_ORDER).await;
    assert_like(&session.until("3").await, REAL_STATUS, &[6, 9]);
    let own = [3, 4, 10, 12, 13, 14, 15, 16, 17, 20, 21, 22, 25];
    assert_like(&session.until("11").await, REAL_EXECUTION, &own);
    assert_like(&session.until("59").await, REAL_COMMISSION, &[2]);
    session.send(99, "1|").await;
    let completed = session.until("101").await;
    let time = completed.len() - 2;
    assert_like(&completed, REAL_COMPLETED, &[23, time]);
    assert_eq!(session.next().await, Some(vec!["102".to_owned()]));
}

#[tokio::test]
async fn what_is_no_message_closes_that_connection_and_no_other() {
    let gateway = still().start().await.unwrap();
    let mut witness = Text::session(&gateway, 164).await;
    let spoiled: [&[u8]; 9] = [
        b"3\0",
        b"3\x00ten\0",
        b"3\x001\x00no end",
        b"7\x003\x001\x00\xff\xfe\0",
        b"no id\0",
        b"99999999999999\0",
        b"58",
        b"1\x0011\x005\x00265598\0",
        b"61",
    ];
    for (at, payload) in spoiled.into_iter().enumerate() {
        let mut session = Raw::open(&gateway).await;
        session.greet("v157..164").await;
        session.payload().await.unwrap();
        let mut session = Text { raw: session, version: 164 };
        session.send(71, &format!("2|{}||", 100 + at)).await;
        session.until("9").await;
        session.payload(payload).await;
        assert!(session.is_closed().await, "{:?}", String::from_utf8_lossy(payload));
    }
    assert_eq!(gateway.counters().malformed, 9);
    witness.send(49, "1|").await;
    witness.until("49").await;
}

#[tokio::test]
async fn a_count_that_promises_more_than_there_is_closes_the_connection() {
    let gateway = still().start().await.unwrap();
    let mut session = Text::session(&gateway, 200).await;
    session.send(7, "3|1|0|||||||0|2000000000|").await;
    assert!(session.is_closed().await);
}

#[tokio::test]
async fn between_the_dialects_each_message_travels_in_its_own() {
    let gateway = still().server_version(203).start().await.unwrap();
    let mut session = Text::session(&gateway, 203).await;
    // Order lists turn at 204, orders themselves at 203: asked in text, answered in protobuf.
    session.send(5, "1|").await;
    session.until("253").await;
    // The right request in the wrong dialect is an error, not a guess.
    session.raw.send(5, &OneNumber::default()).await;
    session.until("204").await;
    session.send(58, "|").await;
    session.until("204").await;
    assert_eq!(gateway.counters().unsupported.get("message 205"), Some(&1));
    assert_eq!(gateway.counters().unsupported.get("message 58"), Some(&1));
}

#[tokio::test]
async fn the_offered_version_holds_newer_clients_back() {
    let gateway = still().server_version(200).start().await.unwrap();
    let mut session = Raw::open(&gateway).await;
    session.greet("v100..226").await;
    assert!(session.payload().await.unwrap().starts_with(b"200\0"));
    let gateway = still().start().await.unwrap();
    assert_eq!(connect(&gateway, 1).await.server_version(), 226);
}

#[tokio::test]
async fn unknown_words_are_refused_and_not_defaulted() {
    let gateway = still().start().await.unwrap();
    let mut session = Text::session(&gateway, 178).await;
    session.send(9, "8|41|0|AAPL|STK|||X|||||||0||||").await;
    let error = session.until_error().await;
    assert_eq!((error[2].as_str(), error[3].as_str()), ("41", "321"));
    session.send(9, "8|42|0|AAPL|STOCK||||||||||0||||").await;
    assert_eq!(session.until_error().await[3], "321");
    session.send(7, "3|43|0||||||SIDEWAYS|").await;
    assert_eq!(session.until_error().await[3], "321");
    session.send(97, "44|265598||||||||||||Last|0|0|").await;
    assert_eq!(session.until_error().await[2..4], ["44", "321"]);
}

impl Text {
    /// Skips to an error that is not a farm notice.
    async fn until_error(&mut self) -> Vec<String> {
        loop {
            let fields = self.until("4").await;
            if !fields[3].starts_with("21") {
                return fields;
            }
        }
    }
}
