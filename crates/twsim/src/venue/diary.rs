//! What changed the venue, in order: as lines that another process can live through again.
//!
//! The venue is deterministic, so the same beginning and the same lines give the same venue, ids and all. Left out is
//! time that passed without anything being due: it changes nothing.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::Venue;
use super::combination::LegSpec;
use super::io::VenueInput;
use super::types::UtcNs;

/// One thing that changed the venue.
#[derive(Debug, Serialize, Deserialize)]
enum Change<'a> {
    Input(Cow<'a, VenueInput>),
    Combination { symbol: Cow<'a, str>, legs: Cow<'a, [LegSpec]> },
    BindManual,
    NumberByHand(bool),
}

/// A line: a change and its instant.
#[derive(Debug, Serialize, Deserialize)]
struct Line<C> {
    at: UtcNs,
    change: C,
}

/// Lines that are not taken yet; or a change could not be put into words, and what came after it would be another
/// venue's.
#[derive(Debug)]
pub(crate) struct Diary {
    lines: Result<Vec<u8>, serde_json::Error>,
    latest: UtcNs,
}

impl Default for Diary {
    fn default() -> Self {
        Self { lines: Ok(Vec::new()), latest: 0 }
    }
}

impl Diary {
    fn put(&mut self, at: UtcNs, change: impl Serialize) {
        self.latest = self.latest.max(at);
        let Ok(lines) = &mut self.lines else { return };
        match serde_json::to_writer(&mut *lines, &Line { at: self.latest, change }) {
            Ok(()) => lines.push(b'\n'),
            Err(error) => self.lines = Err(error),
        }
    }

    const fn take(&mut self) -> Result<Vec<u8>, serde_json::Error> {
        std::mem::replace(&mut self.lines, Ok(Vec::new()))
    }
}

impl Venue {
    /// Begins to keep a diary of what changes it from here on.
    pub fn keep_diary(&mut self) {
        self.diary.get_or_insert_default();
    }

    /// What was put into the diary since the last call: whole lines, of JSON.
    ///
    /// # Errors
    ///
    /// A change since then cannot be put into words. The diary is not this venue's any more, whatever is put into it.
    pub fn take_diary(&mut self) -> Result<Vec<u8>, serde_json::Error> {
        self.diary.as_mut().map_or_else(|| Ok(Vec::new()), |diary| diary.take())
    }

    /// Lives through a line of a diary again, which had to be taken from a venue that began as this one did. The
    /// instant of it.
    ///
    /// # Errors
    ///
    /// It is no line of a diary. The venue is as before.
    pub fn live_again(&mut self, line: &[u8]) -> Result<UtcNs, serde_json::Error> {
        let Line { at, change } = serde_json::from_slice::<Line<Change<'static>>>(line)?;
        match change {
            Change::Input(input) => drop(self.handle(at, input.into_owned())),
            // A combination that was named is listed, and answers the same again.
            Change::Combination { symbol, legs } => drop(self.combination(at, &symbol, &legs)),
            Change::BindManual => drop(self.bind_manual()),
            Change::NumberByHand(positive) => self.number_by_hand(positive),
        }
        Ok(at)
    }

    pub(super) fn note_input(&mut self, now: UtcNs, input: &VenueInput) {
        let changes_nothing =
            matches!(input, VenueInput::Wake) && self.next_wake().is_none_or(|due| due > now);
        if let Some(diary) = &mut self.diary
            && !changes_nothing
        {
            diary.put(now, Change::Input(Cow::Borrowed(input)));
        }
    }

    pub(super) fn note_combination(&mut self, now: UtcNs, symbol: &str, legs: &[LegSpec]) {
        if let Some(diary) = &mut self.diary {
            diary.put(now, Change::Combination { symbol: symbol.into(), legs: legs.into() });
        }
    }

    pub(super) fn note_bound(&mut self) {
        if let Some(diary) = &mut self.diary {
            diary.put(diary.latest, Change::BindManual);
        }
    }

    pub(super) fn note_numbering(&mut self, positive: bool) {
        if let Some(diary) = &mut self.diary {
            diary.put(diary.latest, Change::NumberByHand(positive));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn a_change_without_words_is_an_error_and_never_left_out() {
        let mut diary = Diary::default();
        diary.put(1, Change::BindManual);
        // JSON has no such keys.
        diary.put(2, BTreeMap::from([([1, 2], 3)]));
        diary.put(3, Change::NumberByHand(true));
        assert!(diary.take().unwrap_err().to_string().contains("key must be a string"));
    }
}
