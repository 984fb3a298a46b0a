//! Whatever is written is read, however it is cut into batches.

use alphec_journal::{Journal, Sink, verify};
use alphec_model::{Body, CorrelationId, Record, UtcNanos};
use proptest::prelude::*;

use crate::common::{given, options, place, record, replay};

/// Records with any text, time and name in them, numbered later.
fn any_record() -> impl Strategy<Value = Record> {
    let name = "[!-~]{1,64}";
    (any::<String>(), 0..4_000_000_000_000_000_000_i64, proptest::option::of(name), 1_u64..20).prop_map(
        |(text, at, name, like)| {
            let mut record = record(like);
            record.header.at = UtcNanos::from_nanos(at);
            record.header.correlation_id = name.map(|name| CorrelationId::new(name).unwrap());
            record.body = Body::Halted {
                scope: alphec_model::CancelScope::All,
                kill: false,
                by: text.chars().rev().collect(),
                reason: text,
            };
            record
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_records_in_any_batches_come_back_exactly(
        batches in proptest::collection::vec(proptest::collection::vec(any_record(), 0..12), 1..8),
        reopen in 0_usize..8,
    ) {
        let (_dir, path) = place();
        let mut journal = Journal::create(&path, options()).unwrap();
        let mut all = Vec::new();
        for (index, mut batch) in batches.into_iter().enumerate() {
            for (record, seq) in batch.iter_mut().zip(all.len() + 1..) {
                record.header.seq = alphec_model::Seq::new(u64::try_from(seq).unwrap());
            }
            let durable = journal.append(&given(batch.clone())).unwrap();
            all.extend(batch);
            prop_assert_eq!(durable.head.seq.get(), u64::try_from(all.len()).unwrap());
            if index == reopen {
                drop(journal);
                journal = Journal::open(&path, options()).unwrap();
            }
        }
        prop_assert_eq!(verify(&path, &mut |_| {}).unwrap().head, journal.head());
        prop_assert_eq!(replay(&path, 1).unwrap(), given(all));
    }
}
