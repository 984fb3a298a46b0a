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
struct Line<'a> {
    at: UtcNs,
    change: Change<'a>,
}

/// Lines that are not written yet.
#[derive(Debug, Default)]
pub(crate) struct Diary {
    lines: Vec<u8>,
    latest: UtcNs,
}

impl Diary {
    fn put(&mut self, at: UtcNs, change: Change<'_>) {
        self.latest = self.latest.max(at);
        let begun = self.lines.len();
        match serde_json::to_writer(&mut self.lines, &Line { at: self.latest, change }) {
            Ok(()) => self.lines.push(b'\n'),
            Err(error) => {
                debug_assert!(false, "a change without words: {error}");
                self.lines.truncate(begun);
            }
        }
    }
}

impl Venue {
    /// Begins to keep a diary of what changes it from here on.
    pub fn keep_diary(&mut self) {
        self.diary.get_or_insert_default();
    }

    /// What was put into the diary since the last call: whole lines, of JSON.
    pub fn take_diary(&mut self) -> Vec<u8> {
        self.diary.as_mut().map(|diary| std::mem::take(&mut diary.lines)).unwrap_or_default()
    }

    /// Lives through a line of a diary again, which had to be taken from a venue that began as this one did. The
    /// instant of it.
    ///
    /// # Errors
    ///
    /// It is no line of a diary. The venue is as before.
    pub fn live_again(&mut self, line: &[u8]) -> Result<UtcNs, serde_json::Error> {
        let Line { at, change } = serde_json::from_slice(line)?;
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
