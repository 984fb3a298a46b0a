//! The webhook against a listener on this machine.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use alphec_execution::model::{Alert, AlertKind, Severity, UtcNanos};
use alphec_execution::{AlertSink, WebhookSink};
use secrecy::SecretString;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

const CANARY: &str = "CANARY-7f3a";

/// Answers each request with the next of these; keeps what it was sent.
async fn serve(answers: &'static [&'static str]) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://127.0.0.1:{}/hook/{CANARY}", listener.local_addr().unwrap().port());
    let seen = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&seen);
    tokio::spawn(async move {
        for answer in answers {
            let (mut socket, _) = listener.accept().await.unwrap();
            let mut request = Vec::new();
            let mut buffer = [0_u8; 4096];
            while !String::from_utf8_lossy(&request).ends_with('}') {
                let read = socket.read(&mut buffer).await.unwrap();
                assert!(read > 0, "the client went away");
                request.extend_from_slice(&buffer[..read]);
            }
            kept.lock().unwrap().push(String::from_utf8(request).unwrap());
            let head = format!("HTTP/1.1 {answer}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            socket.write_all(head.as_bytes()).await.unwrap();
        }
    });
    (address, seen)
}

fn alert() -> Alert {
    Alert {
        at: UtcNanos::EPOCH,
        kind: AlertKind::OrderDenied,
        severity: Severity::Critical,
        text: "an order was denied".to_owned(),
        client_order_id: None,
        correlation_id: None,
    }
}

fn sink(address: &str) -> WebhookSink {
    WebhookSink::new(SecretString::from(address.to_owned())).unwrap()
}

#[tokio::test]
async fn an_alert_is_posted_as_json() {
    let (address, seen) = serve(&["204 No Content"]).await;
    sink(&address).deliver(&alert()).await.unwrap();
    let seen = seen.lock().unwrap();
    let (head, body) = seen[0].split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with(&format!("POST /hook/{CANARY} HTTP/1.1")), "{head}");
    assert!(head.contains("content-type: application/json"), "{head}");
    assert_eq!(serde_json::from_str::<Alert>(body).unwrap(), alert());
}

#[tokio::test]
async fn a_busy_server_is_tried_again() {
    let (address, seen) = serve(&["503 Service Unavailable", "429 Too Many Requests", "200 OK"]).await;
    sink(&address).deliver(&alert()).await.unwrap();
    assert_eq!(seen.lock().unwrap().len(), 3);
}

#[tokio::test]
async fn a_refusal_is_final_and_a_redirect_is_not_followed() {
    for (answers, why) in [
        (&["404 Not Found"], "the server answered 404 Not Found"),
        (&["302 Found"], "the server answered 302 Found"),
    ] {
        let (address, seen) = serve(answers).await;
        let error = sink(&address).deliver(&alert()).await.unwrap_err();
        assert_eq!((error.sink.as_str(), error.why.as_str()), ("webhook 127.0.0.1", why));
        assert_eq!(seen.lock().unwrap().len(), 1);
    }
}

#[tokio::test]
async fn an_unreachable_address_is_given_up_without_showing_it() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let sink = sink(&format!("http://127.0.0.1:{port}/{CANARY}"));
    let error =
        tokio::time::timeout(Duration::from_secs(10), sink.deliver(&alert())).await.unwrap().unwrap_err();
    assert!(error.why.starts_with("no connection"), "{error}");
    assert!(!format!("{error} {error:?} {sink:?} {}", sink.name()).contains(CANARY), "{error:?} {sink:?}");
}

#[test]
fn only_https_or_this_machine_is_an_address() {
    for (address, why) in [
        (CANARY, "what the reference gives is no address; it begins with https://"),
        ("http://hooks.example/CANARY-7f3a", "http would show it to the network; use https"),
        ("ftp://127.0.0.1/CANARY-7f3a", "it must begin with https://"),
    ] {
        let error = WebhookSink::new(SecretString::from(address.to_owned())).unwrap_err();
        assert_eq!(error.to_string(), format!("the alert webhook cannot be used: {why}"));
        assert!(!format!("{error:?}").contains(CANARY));
    }
}

#[test]
fn https_brings_its_own_tls_and_where_there_are_no_certificates_says_what_to_install() {
    match WebhookSink::new(SecretString::from("https://hooks.example/CANARY-7f3a".to_owned())) {
        Ok(sink) => assert_eq!(sink.name(), "webhook hooks.example"),
        Err(error) => assert!(error.to_string().contains("install the package ca-certificates"), "{error}"),
    }
}
