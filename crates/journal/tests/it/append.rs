//! What goes in comes out, in order, once.

use alphec_journal::{Error, Hash, Head, Journal, Reader, Sink, verify};
use alphec_model::Seq;

use crate::common::{given, journal_of, options, place, record, records, replay};

#[test]
fn records_come_back_as_given_after_closing_and_opening() {
    let (_dir, path) = place();
    let mut journal = Journal::create(&path, options()).unwrap();
    assert_eq!(journal.head(), Head::EMPTY);
    let first = journal.append(&records(1..=3)).unwrap();
    assert_eq!((first.head.seq, first.already), (Seq::new(3), 0));
    let second = journal.append(&records(4..=1_500)).unwrap();
    drop(journal);

    let mut journal = Journal::open(&path, options()).unwrap();
    assert_eq!(journal.head(), second.head);
    assert_eq!(replay(&path, 1).unwrap(), records(1..=1_500));
    assert_eq!(replay(&path, 700).unwrap(), records(700..=1_500));
    assert_eq!(replay(&path, 1_501).unwrap(), []);
    let _durable = journal.append(&given([record(1_501)])).unwrap();
    let report = verify(&path, &mut |_| {}).unwrap();
    assert_eq!((report.records, report.head), (1_501, journal.head()));
    assert_eq!(report.log_id.unwrap().as_str(), "testlog1");
}

#[test]
fn the_payload_is_kept_byte_for_byte_and_its_hash_can_be_recomputed() {
    let (_dir, path) = place();
    journal_of(&path, 40);
    let mut prev = Hash::GENESIS;
    for (stored, record) in Reader::open(&path).unwrap().records(Seq::new(1)).unwrap().zip(records(1..=40)) {
        let stored = stored.unwrap();
        assert_eq!(stored.payload, serde_json::to_string(&record).unwrap());
        assert_eq!((stored.prev, stored.hash), (prev, Hash::of(&prev, stored.payload.as_bytes())));
        prev = stored.hash;
    }
}

#[test]
fn a_gap_is_refused_and_leaves_the_journal_as_it_was() {
    let (_dir, path) = place();
    let mut journal = Journal::create(&path, options()).unwrap();
    let _durable = journal.append(&records(1..=2)).unwrap();
    for wrong in [vec![record(4)], vec![record(3), record(5)], vec![record(3), record(3)]] {
        assert!(matches!(journal.append(&given(wrong)), Err(Error::OutOfSequence { .. })));
    }
    let _durable = journal.append(&given([record(3)])).unwrap();
    assert_eq!(replay(&path, 1).unwrap(), records(1..=3));
}

#[test]
fn the_same_records_again_are_recognised_and_others_under_their_numbers_refused() {
    let (_dir, path) = place();
    let mut journal = Journal::create(&path, options()).unwrap();
    let _durable = journal.append(&records(1..=5)).unwrap();
    let again = journal.append(&records(4..=7)).unwrap();
    assert_eq!((again.head.seq, again.already), (Seq::new(7), 2));
    let mut other = record(6);
    other.header.at = record(9).header.at;
    let error = journal.append(&given([other])).unwrap_err();
    assert!(matches!(error, Error::Conflict { seq, .. } if seq == Seq::new(6)), "{error}");
    assert_eq!(replay(&path, 1).unwrap(), records(1..=7));
}

#[test]
fn appending_nothing_says_where_the_journal_ends() {
    let (_dir, path) = place();
    let mut journal = Journal::create(&path, options()).unwrap();
    let durable = journal.append(&records(1..=2)).unwrap();
    assert_eq!(journal.append(&[]).unwrap(), durable);
}

#[test]
fn a_journal_can_be_given_to_another_thread() {
    fn needs_send<T: Send>(_: T) {}
    let (_dir, path) = place();
    needs_send(Journal::create(&path, options()).unwrap());
}
