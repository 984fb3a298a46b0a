//! `demo`: the README's first command, then the audit of the journal that it leaves.
//!
//! Checks the closing document field by field, because scripts of users read it. Not here: what the demo
//! does, which is the command line's own business.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;

use crate::command::{cargo, read, read_within, run};
use crate::step::{Context, Outcome, Step};
use crate::tidy::readme::DEMO_COMMAND;

pub(crate) const STEP: Step =
    Step { name: "demo", about: "run the demo, check its JSON, verify its journal", run: demo };

/// The demo is a short story; one that takes longer hangs.
const DEMO_LIMIT: Duration = Duration::from_secs(300);
const VERIFY_LIMIT: Duration = Duration::from_secs(60);

fn demo(context: &Context) -> Result<Outcome> {
    let root = &context.root;
    run(cargo(root).args(["build", "--release", "--locked", "--bin", "alphec-exec"]))?;
    if !has_demo(root)? {
        let promised =
            fs::read_to_string(root.join("README.md")).is_ok_and(|text| text.contains(DEMO_COMMAND));
        ensure!(!promised, "README.md promises `{DEMO_COMMAND}`, but alphec-exec has no such command");
        return Ok(Outcome::Skipped("alphec-exec has no demo yet".to_owned()));
    }
    let folder = std::env::temp_dir().join(format!("alphec-xtask-demo-{}", std::process::id()));
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let outcome = play(root, &folder.join("journal.db"))
        .inspect_err(|_| println!("the journal stays for a look in {}", folder.display()))?;
    fs::remove_dir_all(&folder).with_context(|| format!("cannot remove {}", folder.display()))?;
    Ok(outcome)
}

/// Looks for a line of `--help` whose first word is `demo`.
fn has_demo(root: &Path) -> Result<bool> {
    let help = read(cargo(root).args(EXEC).arg("--help"))?;
    Ok(help.lines().any(|line| line.split_whitespace().next() == Some("demo")))
}

const EXEC: [&str; 5] = ["run", "--release", "--locked", "--quiet", "--"];

fn play(root: &Path, journal: &Path) -> Result<Outcome> {
    let mut command = cargo(root);
    command.args(EXEC).args(["demo", "--json", "--journal"]).arg(journal);
    let document = last_document(&read_within(&mut command, DEMO_LIMIT)?)?;
    let records = check(&document)?;

    let mut command = cargo(root);
    command.args(EXEC).args(["audit", "verify", "--journal"]).arg(journal).arg("--json");
    let verdict = last_document(&read_within(&mut command, VERIFY_LIMIT)?)?;
    ensure!(verdict.get("ok") != Some(&Value::Bool(false)), "audit verify exits with 0 but says {verdict}");
    Ok(Outcome::Passed(format!("{records} journal records verified")))
}

/// Stdout is one JSON document or several, one after another; the last one is the summary.
fn last_document(text: &str) -> Result<Value> {
    let mut last = None;
    for document in serde_json::Deserializer::from_str(text).into_iter::<Value>() {
        last = Some(document.with_context(|| format!("stdout holds something that is not JSON:\n{text}"))?);
    }
    last.context("stdout is empty, and a JSON document was expected")
}

/// The promise to scripts; returns the number of journal records.
fn check(document: &Value) -> Result<u64> {
    let at = |path: &str| document.pointer(path).with_context(|| format!("demo's document has no {path}"));
    ensure!(at("/ok")? == &Value::Bool(true), "demo says that it is not ok: {document}");
    ensure!(at("/journal/verified")? == &Value::Bool(true), "demo did not verify its journal: {document}");
    for path in ["/denied", "/rejected", "/reconnects", "/journal/path"] {
        at(path)?;
    }
    let Some(orders) = at("/orders")?.as_array() else { bail!("demo's /orders is not a list") };
    ensure!(!orders.is_empty(), "demo traded nothing");
    for order in orders {
        for field in ["client_order_id", "type", "state"] {
            ensure!(order.get(field).is_some_and(Value::is_string), "demo's order has no {field}: {order}");
        }
    }
    at("/journal/records")?.as_u64().context("demo's /journal/records is not a count")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn good() -> Value {
        json!({
            "ok": true,
            "orders": [{"client_order_id": "a", "type": "limit", "state": "Filled"}],
            "denied": 1, "rejected": 1, "reconnects": 1,
            "journal": {"path": "j.db", "records": 42, "verified": true},
        })
    }

    #[test]
    fn the_promised_document_passes() {
        assert_eq!(check(&good()).unwrap(), 42);
    }

    #[test]
    fn a_document_that_breaks_a_promise_is_refused() {
        for (path, value) in [
            ("/ok", json!(false)),
            ("/ok", json!("true")),
            ("/orders", json!([])),
            ("/orders/0/state", Value::Null),
            ("/journal/verified", json!(false)),
            ("/journal/records", json!("42")),
        ] {
            let mut document = good();
            *document.pointer_mut(path).unwrap() = value;
            assert!(check(&document).is_err(), "{path}");
        }
        for field in ["ok", "orders", "denied", "rejected", "reconnects", "journal"] {
            let mut document = good();
            document.as_object_mut().unwrap().remove(field);
            assert!(check(&document).is_err(), "{field}");
        }
    }

    #[test]
    fn the_last_document_counts_whether_lines_or_pretty() {
        assert_eq!(last_document("{\"step\":1}\n{\"ok\":true}\n").unwrap(), json!({"ok": true}));
        assert_eq!(last_document("{\n  \"ok\": true\n}\n").unwrap(), json!({"ok": true}));
    }

    #[test]
    fn an_empty_or_broken_stdout_is_an_error() {
        assert!(last_document("").is_err());
        assert!(last_document("hello {\"ok\":true}").is_err());
    }
}
