//! How much the venue holds: what a run of any length must keep flat.

use super::Venue;

impl Venue {
    /// Entries of every collection that grows with use, by name.
    pub fn sizes(&self) -> Vec<(&'static str, usize)> {
        vec![
            ("working orders", self.live.len()),
            ("order keys", self.by_key.len()),
            ("families", self.children.len()),
            ("children", self.children.values().map(Vec::len).sum()),
            ("groups", self.groups.len()),
            ("group members", self.groups.values().map(|group| group.members.len()).sum()),
            ("combinations", self.combinations.len()),
            ("parked orders", self.parked.len()),
            ("client ids seen", self.highest_id.len()),
            ("timers", self.schedule.len()),
            ("finished orders", self.archive.orders().count()),
            ("finished order keys", self.archive.key_count()),
            ("executions", self.archive.executions().count()),
            ("bar slots", self.markets.iter().map(|market| market.tape.len()).sum()),
            ("book entries", self.markets.iter().map(|market| market.book.len()).sum()),
        ]
    }
}
