//! Whether the golden journals hold every word that a record can: kinds, names of fields, and all that stands in them.
//!
//! There is no list of them here to be forgotten. The decoder is asked: a word in the place of a kind, and a field, that
//! it does not know, are answered with all that it does know there.

use std::collections::{BTreeMap, BTreeSet};

use alphec_model::Record;
use alphec_model::broker::BrokerStatus;
use serde::Deserialize as _;
use serde_json::Value;
use smol_str::SmolStr;

use super::journals;

/// No kind and no field.
const NO_WORD: &str = "?";

/// Words that a record could hold by its types and never does: the word, one that stands beside it, and why.
const NEVER: [(&str, &str, &str); 21] = [
    ("quote", "connect_failed", STREAMS),
    ("written", "connect_failed", "it is a kind of record by itself"),
    ("place", "snapshot", INTENT),
    ("replace", "snapshot", INTENT),
    ("cancel", "snapshot", INTENT),
    ("halt", "submit_group", "the halt that it makes is on record"),
    ("attempts", "cum_value", BEGINS),
    ("perm_id", "cum_value", BEGINS),
    ("deny_reason", "cum_value", BEGINS),
    ("reject_reason", "cum_value", BEGINS),
    ("replace", "given_up", BEGINS),
    ("cancel_asked_at", "given_up", BEGINS),
    ("is_probe", "given_up", BEGINS),
    ("given_up", "given_up", BEGINS),
    ("halted", "max_leverage", MEASURES),
    ("ready", "max_leverage", MEASURES),
    ("allowed_account", "max_leverage", MEASURES),
    ("allowed_instrument", "max_leverage", MEASURES),
    ("terms", "max_leverage", MEASURES),
    ("journal", "max_leverage", MEASURES),
    ("group", "max_leverage", MEASURES),
];

const STREAMS: &str = "quotes stream; a verdict keeps the one that it used";
const INTENT: &str = "the intent on record holds every term";
const BEGINS: &str = "an order is on record as it begins";
const MEASURES: &str = "a refusal by this rule has a kind of its own: there is nothing to measure";

/// What the decoder knows in one place, and what of it was found.
type Words = BTreeMap<Vec<String>, BTreeSet<String>>;

/// What the decoder expects where it finds no word that it knows.
fn expected(record: &Value) -> Option<Vec<String>> {
    let error = Record::deserialize(record).err()?.to_string();
    let unknown = ["variant", "field"].map(|what| format!("unknown {what} `{NO_WORD}`, expected "));
    let listed = unknown.iter().find_map(|start| error.strip_prefix(start.as_str()))?;
    Some(listed.split('`').skip(1).step_by(2).map(str::to_owned).collect())
}

fn note(words: &mut Words, record: &Value, found: &[String]) {
    if let Some(known) = expected(record) {
        let found: Vec<_> = found.iter().filter(|word| known.contains(word)).cloned().collect();
        words.entry(known).or_default().extend(found);
    }
}

/// Takes every place in turn, from `at` on, and leaves the record as it was.
fn survey(words: &mut Words, record: &mut Value, at: &str) {
    match record.pointer(at).unwrap().clone() {
        Value::String(word) => {
            *record.pointer_mut(at).unwrap() = NO_WORD.into();
            note(words, record, std::slice::from_ref(&word));
            *record.pointer_mut(at).unwrap() = word.into();
        }
        Value::Object(fields) => {
            let names: Vec<String> = fields.keys().cloned().collect();
            let mut with_more = fields.clone();
            with_more.insert(NO_WORD.to_owned(), Value::Null);
            *record.pointer_mut(at).unwrap() = with_more.into();
            note(words, record, &names);
            if let [only] = names.as_slice() {
                *record.pointer_mut(at).unwrap() = serde_json::json!({NO_WORD: fields[only]});
                note(words, record, &names);
            }
            *record.pointer_mut(at).unwrap() = fields.into();
            names.iter().for_each(|name| survey(words, record, &format!("{at}/{name}")));
        }
        Value::Array(items) => {
            (0..items.len()).for_each(|index| survey(words, record, &format!("{at}/{index}")));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn found() -> Words {
    let mut words = Words::new();
    for text in journals().into_iter().flat_map(|(_, lines)| lines) {
        let mut record = serde_json::from_str(&text).unwrap();
        survey(&mut words, &mut record, "");
    }
    words
}

#[test]
fn every_kind_and_every_field_that_a_record_can_have_is_in_a_golden_journal() {
    let words = found();
    let holds = |word: &str| words.keys().any(|known| known.iter().any(|one| one == word));
    assert!(["opened", "header", "snapshot", "trailing_stop", "absent"].into_iter().all(holds), "{words:?}");
    let excused = |known: &[String], word: &str| {
        NEVER.iter().any(|(never, beside, _)| *never == word && known.iter().any(|one| one == beside))
    };
    let mut missing = String::new();
    for (known, found) in &words {
        for word in known {
            match (found.contains(word), excused(known, word)) {
                (false, false) => missing += &format!("\n`{word}` of {known:?}"),
                (true, true) => missing += &format!("\n`{word}` of {known:?} is there, and said never to be"),
                (true, false) | (false, true) => {}
            }
        }
    }
    assert!(
        missing.is_empty(),
        "in no golden journal; tell a new story (see the head of golden/mod.rs):{missing}"
    );
}

#[test]
fn every_word_of_the_broker_about_an_order_is_in_a_golden_journal() {
    /// A word that is new here belongs in the list below, too.
    const fn is_listed(status: &BrokerStatus) -> bool {
        match status {
            BrokerStatus::ApiPending
            | BrokerStatus::PendingSubmit
            | BrokerStatus::PendingCancel
            | BrokerStatus::PreSubmitted
            | BrokerStatus::Submitted
            | BrokerStatus::ApiCancelled
            | BrokerStatus::Cancelled
            | BrokerStatus::Filled
            | BrokerStatus::Inactive => true,
            BrokerStatus::Unknown(_) => false,
        }
    }
    let text: String = journals().into_iter().flat_map(|(_, lines)| lines).collect();
    let listed = "ApiPending PendingSubmit PendingCancel PreSubmitted Submitted ApiCancelled Cancelled Filled Inactive";
    for word in listed.split(' ') {
        assert!(is_listed(&BrokerStatus::from(SmolStr::new(word))), "{word}");
        assert!(text.contains(&format!("\"status\":\"{word}\"")), "{word}");
    }
    assert!(text.contains(r#""status":"Dreaming""#), "a word that is not known");
}

#[test]
fn references_of_both_forms_are_in_a_golden_journal() {
    let text: String = journals().into_iter().flat_map(|(_, lines)| lines).collect();
    for form in ["ax1", "ax2"] {
        assert!(text.contains(&format!("\"order_ref\":\"{form}.k3f9q2aa.")), "{form}");
    }
}
