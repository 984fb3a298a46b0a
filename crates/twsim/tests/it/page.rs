//! What `docs/simulator.md` shows of the control port and of scenarios is what happens.

use std::path::Path;

use alphec_twsim::{Clock, Gateway, Scenario};
use serde_json::Value;

use crate::control::Desk;

fn page() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/simulator.md");
    std::fs::read_to_string(path).unwrap()
}

/// The blocks of one language that hold this text.
fn blocks(language: &str, with: &str) -> Vec<String> {
    let page = page();
    let opening = format!("```{language}\n");
    let parts = page.split(&opening).skip(1);
    let blocks = parts.map(|part| part.split("```").next().unwrap().to_owned());
    blocks.filter(|block| block.contains(with)).collect()
}

#[tokio::test]
async fn the_lines_of_the_control_port_are_answered_as_the_page_says() {
    let shown = blocks("text", "\"do\"");
    let [block] = shown.as_slice() else { panic!("one such block: {shown:?}") };
    let lines: Vec<&str> = block.lines().collect();
    assert!(lines.len() >= 8 && lines.len().is_multiple_of(2), "{block}");
    let start = 1_795_617_000_000_000_000; // 2026-11-25T14:30:00Z
    let gateway =
        Gateway::builder().clock(Clock::Manual { start }).control("127.0.0.1:0").start().await.unwrap();
    let mut desk = Desk::open(&gateway).await;
    for pair in lines.chunks(2) {
        let answer: Value = serde_json::from_str(pair[1]).unwrap();
        assert_eq!(desk.line(pair[0]).await, answer, "{}", pair[0]);
    }
    gateway.stop().await;
}

#[test]
fn the_scenario_of_the_page_is_one() {
    let shown = blocks("toml", "[[step]]");
    assert_eq!(shown.len(), 1);
    for text in shown {
        let scenario: Scenario = text.parse().unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(scenario.steps.len(), 2);
    }
}
