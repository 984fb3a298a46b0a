//! The sinks that other crates test with keep the rules of the real one.

use alphec_journal::testing::{FailingSink, Failure, MemorySink, When};
use alphec_journal::{Error, Journal, Sink};

use crate::common::{given, options, place, record, records, replay};

#[test]
fn the_memory_sink_has_the_same_heads_and_refusals_as_a_journal() {
    let (_dir, path) = place();
    let mut sinks: [Box<dyn Sink>; 2] =
        [Box::new(Journal::create(&path, options()).unwrap()), Box::<MemorySink>::default()];
    let heads = sinks.each_mut().map(|sink| {
        let _durable = sink.append(&records(1..=4)).unwrap();
        assert_eq!(sink.append(&records(3..=6)).unwrap().already, 2);
        assert!(matches!(sink.append(&given([record(9)])), Err(Error::OutOfSequence { .. })));
        assert!(matches!(sink.append(&given([record(7), record(9)])), Err(Error::OutOfSequence { .. })));
        let mut other = record(2);
        other.header.at = record(5).header.at;
        assert!(matches!(sink.append(&given([other])), Err(Error::Conflict { .. })));
        assert_eq!(sink.append(&[]).unwrap().head, sink.head());
        sink.maintain().unwrap();
        sink.head()
    });
    assert_eq!(heads[0], heads[1]);
}

#[test]
fn a_failing_sink_fails_when_told_and_a_repeated_append_settles_it() {
    for when in [When::BeforePersisting, When::AfterPersisting] {
        let (_dir, path) = place();
        let journal = Journal::create(&path, options()).unwrap();
        let mut sink = FailingSink::new(journal).fail_nth(2, when, Failure::DiskFull).fail_range(
            3,
            4,
            when,
            Failure::Io,
        );
        let _durable = sink.append(&records(1..=2)).unwrap();
        assert!(sink.append(&records(3..=4)).unwrap_err().is_disk_full());
        for _ in 3..=4 {
            let error = sink.append(&records(3..=4)).unwrap_err();
            assert!(!error.is_disk_full() && error.is_retryable(), "{error}");
        }
        let durable = sink.append(&records(3..=5)).unwrap();
        assert_eq!(durable.already, if when == When::AfterPersisting { 2 } else { 0 });
        assert_eq!(replay(&path, 1).unwrap(), records(1..=5));
        assert_eq!(sink.into_inner().head(), durable.head);
    }
}
