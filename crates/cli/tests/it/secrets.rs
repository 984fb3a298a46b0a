//! A secret that a profile refers to is used, and seen nowhere else.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;

use crate::house::{House, Sim, profile};

const CANARY: &str = "CANARY-4be1";

/// Takes one request, refuses it, and says what it was sent.
fn hook() -> (String, std::thread::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://127.0.0.1:{}/hook/{CANARY}", listener.local_addr().unwrap().port());
    let asked = std::thread::spawn(move || {
        let (mut socket, _) = listener.accept().unwrap();
        let mut buffer = [0_u8; 4_096];
        let read = socket.read(&mut buffer).unwrap();
        socket
            .write_all(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
            .unwrap();
        String::from_utf8_lossy(&buffer[..read]).into_owned()
    });
    (address, asked)
}

fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.map(|path| (path.display().to_string(), std::fs::read(path).unwrap())).collect()
}

fn has_canary(bytes: &[u8]) -> bool {
    bytes.windows(CANARY.len()).any(|window| window == CANARY.as_bytes())
}

#[test]
fn the_secret_of_the_alert_hook_is_in_no_journal_no_log_no_answer_and_no_error() {
    let sim = Sim::start(&[]);
    let house = House::with(&format!("{}alerts.webhook = \"env:HOOK\"\n", profile(sim.addr)));
    let (address, asked) = hook();
    let run = |args: &[&str]| {
        let args = [&["--log", "trace"], args].concat();
        crate::house::run(house.program(&args).env("HOOK", &address))
    };
    // Denied by the gate, which people are told of.
    let far = ["--client-order-id", "far", "--qty", "1", "--type", "limit", "--limit", "300"];
    let said = [
        run(&[&["order", "submit", "--instrument", "AAPL", "--side", "buy"], &far[..]].concat()),
        run(&["kill", "--all", "--reason", "drill", "--json"]),
        run(&["order", "status", "far", "--offline", "--json"]),
        run(&["config", "show"]),
        run(&["audit", "verify"]),
    ];
    assert!(asked.join().unwrap().contains(CANARY), "the hook was used");
    assert!(said[0].err.contains("TRACE") || said[0].err.contains("DEBUG"), "{:?}", said[0]);
    for one in &said {
        assert!(!has_canary(one.out.as_bytes()) && !has_canary(one.err.as_bytes()), "{one:?}");
    }
    let files = files(house.journal().parent().unwrap());
    assert!(files.iter().any(|(name, bytes)| name.ends_with("paper.db") && !bytes.is_empty()));
    for (name, bytes) in files {
        assert!(!has_canary(&bytes), "{name}");
    }
}
