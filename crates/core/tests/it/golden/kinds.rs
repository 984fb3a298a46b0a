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
const NEVER: [(&str, &str, &str); 22] = [
    ("quote", "connect_failed", STREAMS),
    ("written", "connect_failed", "it is a kind of record by itself"),
    ("place", "snapshot", INTENT),
    ("replace", "snapshot", INTENT),
    ("cancel", "snapshot", INTENT),
    ("withdraw", "snapshot", "the halt behind it is on record"),
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

#[derive(Default)]
struct Survey {
    words: Words,
    /// Records, with the place in them, that are read with a field that nobody knows.
    lenient: BTreeSet<String>,
}

/// What the decoder expects where it finds no word that it knows.
fn expected(error: &str) -> Option<Vec<String>> {
    let unknown = ["variant", "field"].map(|what| format!("unknown {what} `{NO_WORD}`, expected "));
    let listed = unknown.iter().find_map(|start| error.strip_prefix(start.as_str()))?;
    Some(listed.split('`').skip(1).step_by(2).map(str::to_owned).collect())
}

impl Survey {
    /// Asks with a word in the record that does not exist. Whether it was read all the same.
    fn ask(&mut self, record: &Value, found: &[String]) -> bool {
        let Err(error) = Record::deserialize(record) else { return true };
        if let Some(known) = expected(&error.to_string()) {
            let found: Vec<_> = found.iter().filter(|word| known.contains(word)).cloned().collect();
            self.words.entry(known).or_default().extend(found);
        }
        false
    }

    /// Takes every place in turn, from `at` on, and leaves the record as it was.
    fn take(&mut self, record: &mut Value, at: &str) {
        match record.pointer(at).unwrap().clone() {
            Value::String(word) => {
                *record.pointer_mut(at).unwrap() = NO_WORD.into();
                self.ask(record, std::slice::from_ref(&word));
                *record.pointer_mut(at).unwrap() = word.into();
            }
            Value::Object(fields) => {
                let names: Vec<String> = fields.keys().cloned().collect();
                let mut with_more = fields.clone();
                with_more.insert(NO_WORD.to_owned(), Value::Null);
                *record.pointer_mut(at).unwrap() = with_more.into();
                if self.ask(record, &names) {
                    self.lenient.insert(format!("{at} of {}", record["body"]["kind"]));
                }
                if let [only] = names.as_slice() {
                    *record.pointer_mut(at).unwrap() = serde_json::json!({NO_WORD: fields[only]});
                    self.ask(record, &names);
                }
                *record.pointer_mut(at).unwrap() = fields.into();
                names.iter().for_each(|name| self.take(record, &format!("{at}/{name}")));
            }
            Value::Array(items) => {
                (0..items.len()).for_each(|index| self.take(record, &format!("{at}/{index}")));
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
}

fn survey() -> Survey {
    let mut survey = Survey::default();
    for text in journals().into_iter().flat_map(|(_, lines)| lines) {
        survey.take(&mut serde_json::from_str(&text).unwrap(), "");
    }
    survey
}

#[test]
fn a_field_that_is_not_known_is_refused_wherever_it_stands() {
    let lenient: Vec<String> = survey().lenient.into_iter().collect();
    assert_eq!(lenient, [r#"/body/limits of "started""#], "limits are as configured, and only shown");
}

#[test]
fn every_kind_and_every_field_that_a_record_can_have_is_in_a_golden_journal() {
    let words = survey().words;
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
