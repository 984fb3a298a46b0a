//! Finding records, and taking them away to an auditor's own tools.

use std::process::Command;
use std::sync::Arc;

use alphec_journal::{Exported, Filter, Reader};
use alphec_model::{BrokerOrderId, ClientOrderId, CorrelationId, ExecId, PermId, Record, Seq};

use crate::common::{given, journal_of, place, record, records};

const COUNT: u64 = 1_300;

fn found(reader: &Reader, filter: &Filter) -> Vec<Arc<Record>> {
    reader.find(filter).unwrap().map(|stored| Arc::new(stored.unwrap().record)).collect()
}

fn expected(keep: impl Fn(&Record) -> bool) -> Vec<Arc<Record>> {
    records(1..=COUNT).into_iter().filter(|record| keep(record)).collect()
}

#[test]
fn each_condition_finds_what_a_full_search_would() {
    let (_dir, path) = place();
    journal_of(&path, COUNT);
    let reader = Reader::open(&path).unwrap();
    let order = ClientOrderId::new("order-3").unwrap();
    let work = CorrelationId::new("work-4").unwrap();
    let (perm, exec) = (PermId::new(35), ExecId::new("0001.36.01.01").unwrap());
    let (early, late) = (record(50).header.at, record(1_200).header.at);
    let all = Filter::default;
    let of = |record: &Record| record.header.client_order_id.as_ref() == Some(&order);

    assert_eq!(found(&reader, &all()), expected(|_| true));
    assert_eq!(found(&reader, &all().client_order_id(order.clone())), expected(of));
    assert_eq!(
        found(&reader, &all().correlation_id(work.clone())),
        expected(|record| record.header.correlation_id.as_ref() == Some(&work))
    );
    assert_eq!(found(&reader, &all().perm_id(perm)), expected(|record| record.header.perm_id == Some(perm)));
    assert_eq!(found(&reader, &all().exec_id(exec)), given([record(36)]));
    assert_eq!(found(&reader, &all().broker_order_id(BrokerOrderId::new(44))), given([record(44)]));
    assert_eq!(found(&reader, &all().since(early).until(late)), records(50..1_200));
    assert_eq!(found(&reader, &all().from(Seq::new(7)).to(Seq::new(600))), records(7..=600));
    assert_eq!(
        found(&reader, &all().kind("opened").kind("cancel_asked")),
        expected(|record| ["opened", "cancel_asked"].contains(&record.body.kind()))
    );
    let narrow = all().client_order_id(order.clone()).kind("anomaly").since(early).last(3);
    let mut matching =
        expected(|record| of(record) && record.body.kind() == "anomaly" && record.header.at >= early);
    assert_eq!(found(&reader, &narrow), matching.split_off(matching.len() - 3));
    assert_eq!(found(&reader, &all().kind("no such kind").last(3)), []);
}

#[test]
fn trail_tail_and_single_records() {
    let (_dir, path) = place();
    journal_of(&path, COUNT);
    let reader = Reader::open(&path).unwrap();
    let unwrapped = |records: alphec_journal::Records<'_>| -> Vec<Record> {
        records.map(|stored| stored.unwrap().record).collect()
    };
    let order = ClientOrderId::new("order-3").unwrap();
    let trail = unwrapped(reader.trail(&order).unwrap());
    assert!(
        trail.len() > 100
            && trail.iter().all(|record| record.header.client_order_id.as_ref() == Some(&order))
    );
    assert!(!unwrapped(reader.by_correlation(&CorrelationId::new("work-0").unwrap()).unwrap()).is_empty());
    assert_eq!(unwrapped(reader.tail(3).unwrap()), (COUNT - 2..=COUNT).map(record).collect::<Vec<_>>());
    assert_eq!(reader.record(Seq::new(9)).unwrap().unwrap().record, record(9));
    assert_eq!(reader.record(Seq::new(COUNT + 1)).unwrap(), None);
}

#[test]
fn an_export_can_be_checked_with_coreutils_alone() {
    let (_dir, path) = place();
    journal_of(&path, 30);
    let reader = Reader::open(&path).unwrap();
    let mut lines = Vec::new();
    let exported = reader.export(&Filter::default(), &mut lines).unwrap();
    assert_eq!(exported, Exported { records: 30, head: reader.head().unwrap() });
    let export = path.with_extension("jsonl");
    std::fs::write(&export, lines).unwrap();
    // The recipe of FORMAT.md.
    let script = r#"
        while IFS= read -r line; do
            prev=$(printf %s "$line" | cut -d'"' -f6)
            hash=$(printf %s "$line" | cut -d'"' -f10)
            { printf %s "$prev" | tr a-f A-F | basenc --base16 -d; printf %s "$line" | cut -d: -f5- | head -c -2; } |
                sha256sum | grep -q "^$hash " || { echo "bad: $line"; exit 1; }
            [ -z "$before" ] || [ "$prev" = "$before" ] || { echo "broken: $line"; exit 1; }
            before=$hash
        done
        echo "$before""#;
    let file = std::fs::File::open(&export).unwrap();
    let output = Command::new("bash").args(["-c", script]).stdin(file).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), exported.head.hash.to_string());
}

#[test]
fn an_export_of_some_records_is_json_lines_with_the_payload_inside() {
    let (_dir, path) = place();
    journal_of(&path, 30);
    let mut lines = Vec::new();
    let filter = Filter::default().kind("cancel_asked");
    let exported = Reader::open(&path).unwrap().export(&filter, &mut lines).unwrap();
    let lines: Vec<serde_json::Value> =
        String::from_utf8(lines).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((lines.len(), exported.records), (10, 10));
    assert!(lines.iter().all(|line| line["payload"]["body"]["kind"] == "cancel_asked"));
    assert_eq!(lines[0]["seq"], 3);
}
