//! The record: every frame both ways, in words, and every decision, as JSON Lines.
//!
//! One object a line, in the order of what happened. `at` is the venue's time, `what` one of `connect`,
//! `frame`, `decision` and `disconnect`. A frame has its connection and client, its direction (`in` is from the
//! client), the server version, the dialect, the message, and the fields: named ones in `fields`, those of the text dialect
//! by position in `text`, and in `hex` the bytes of whatever the words do not fully say.
//!
//! Lines are written at once into a buffer, in the turn of what they record, and reach the file every second and
//! at the end. A file that can no longer be written to ends the record, loudly, and never the gateway.

mod tap;

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use crate::desk::ConnId;
use crate::faults::{Cause, Decision, DecisionLog};
use crate::venue::UtcNs;
use crate::wire::format_instant;
use tap::{Tap, Way};

/// Writes down what a gateway hears, says and decides.
#[derive(Debug)]
pub(crate) struct Recorder {
    /// `None` once writing has failed.
    out: Option<BufWriter<File>>,
    path: PathBuf,
    taps: HashMap<ConnId, Tap>,
    /// Decisions written so far.
    decided: u64,
    problem: Option<String>,
}

impl Recorder {
    /// Opens a new record. An older one in its place is overwritten.
    pub(crate) fn create(path: &Path) -> io::Result<Self> {
        let out = Some(BufWriter::new(File::create(path)?));
        Ok(Self { out, path: path.to_owned(), taps: HashMap::new(), decided: 0, problem: None })
    }

    /// A client connected.
    pub(crate) fn connected(&mut self, now: UtcNs, conn: ConnId) {
        self.taps.insert(conn, Tap::default());
        self.put(now, "connect", Some(conn), Map::new());
    }

    /// A connection is gone.
    pub(crate) fn disconnected(&mut self, now: UtcNs, conn: ConnId) {
        for way in [Way::In, Way::Out] {
            if let Some(rest) = self.taps.get_mut(&conn).and_then(|tap| tap.rest(way)) {
                self.put_frame(now, conn, way, rest);
            }
        }
        self.put(now, "disconnect", Some(conn), Map::new());
        self.taps.remove(&conn);
    }

    /// Bytes came from a client.
    pub(crate) fn received(&mut self, now: UtcNs, conn: ConnId, bytes: &[u8]) {
        self.passed(now, conn, Way::In, bytes);
    }

    /// Bytes go to a client.
    pub(crate) fn sent(&mut self, now: UtcNs, conn: ConnId, bytes: &[u8]) {
        self.passed(now, conn, Way::Out, bytes);
    }

    /// What was decided since the last call.
    pub(crate) fn decisions(&mut self, log: &DecisionLog) {
        let new = usize::try_from(log.total() - self.decided).unwrap_or(usize::MAX);
        let kept = log.iter().count();
        if new > kept {
            // More was decided in one turn than is remembered.
            let lost = json!({ "decisions_lost": new - kept });
            if let (Some(last), Value::Object(lost)) = (log.iter().last(), lost) {
                self.put(last.at, "decision", None, lost);
            }
        }
        let new: Vec<Decision> = log.iter().skip(kept.saturating_sub(new)).cloned().collect();
        for decision in new {
            self.put(decision.at, "decision", None, decision_fields(&decision));
        }
        self.decided = log.total();
    }

    /// Puts into the file what is in the buffer.
    pub(crate) fn flush(&mut self) {
        if let Some(Err(error)) = self.out.as_mut().map(Write::flush) {
            self.fail(&error);
        }
    }

    /// Why the record is not complete, if it is not.
    pub(crate) fn problem(&self) -> Option<&str> {
        self.problem.as_deref()
    }

    fn passed(&mut self, now: UtcNs, conn: ConnId, way: Way, bytes: &[u8]) {
        let Some(tap) = self.taps.get_mut(&conn) else { return };
        for (way, entry) in tap.feed(way, bytes) {
            self.put_frame(now, conn, way, entry);
        }
    }

    fn put_frame(&mut self, now: UtcNs, conn: ConnId, way: Way, mut entry: Map<String, Value>) {
        entry.insert("dir".to_owned(), json!(way.as_str()));
        self.put(now, "frame", Some(conn), entry);
    }

    fn put(&mut self, now: UtcNs, what: &str, conn: Option<ConnId>, mut entry: Map<String, Value>) {
        let Some(out) = &mut self.out else { return };
        entry.insert("at".to_owned(), json!(format_instant(now)));
        entry.insert("what".to_owned(), json!(what));
        if let Some(conn) = conn {
            entry.insert("conn".to_owned(), json!(conn));
            entry.insert("client".to_owned(), json!(self.taps.get(&conn).and_then(Tap::client_id)));
        }
        if let Err(error) = writeln!(out, "{}", Value::Object(entry)) {
            self.fail(&error);
        }
    }

    fn fail(&mut self, error: &io::Error) {
        let problem = format!("the record {} ends early: {error}", self.path.display());
        tracing::error!("{problem}");
        self.problem = Some(problem);
        self.out = None;
    }
}

/// A decision in JSON, for the record and the control port.
pub(crate) fn decision_fields(decision: &Decision) -> Map<String, Value> {
    let drawn =
        decision.drawn_from.map(|(stream, position)| json!({ "stream": stream, "position": position }));
    let (by, what) = match &decision.cause {
        Cause::Fault(text) => ("fault", text),
        Cause::Step(text) => ("step", text),
        Cause::Control(text) => ("control", text),
    };
    let fields = json!({
        by: what,
        "on": decision.on,
        "seed": decision.seed,
        "drawn_from": drawn,
        "draw": decision.draw,
        "fired": decision.fired,
    });
    match fields {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}
