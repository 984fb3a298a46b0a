//! The control port: by it a test in any language sets prices, injects faults, moves the clock and reads the truth.
//!
//! JSON Lines over TCP, on loopback only. One object a line in, one a line out, in the order of the requests; an `id`
//! is given back. Each verb is a row of [`VERBS`]. An answer has `ok` and the venue's time; a failed request has
//! `error` and `hint` besides, and has done nothing.

mod port;
mod show;

use serde_json::{Map, Value, json};

use crate::action::{Action, ActionError, Fields, Use, VERBS};
use crate::desk::{Desk, Subject};
use crate::faults::Cause;
use crate::record::decision_fields;
use crate::server::Server;
use crate::wire::format_instant;

pub(crate) use port::{bind, listen};
use show::Filter;

/// Keys that any request may have.
const BESIDE: &[&str] = &["id"];

/// As far as one request may put the clock forward.
const ADVANCE_MAX: i64 = 366 * 86_400 * 1_000_000_000;

/// What a line gets.
#[derive(Debug)]
pub(crate) struct Answer {
    /// One object, without the end of the line.
    pub(crate) text: String,
    /// The line was no JSON object: whoever sent it speaks something else.
    pub(crate) is_nonsense: bool,
}

/// Answers one line.
pub(crate) fn answer(server: &Server, line: &[u8]) -> Answer {
    let request = match serde_json::from_slice(line) {
        Ok(Value::Object(request)) => request,
        Ok(_) => return nonsense(server, "this is no JSON object"),
        Err(error) => return nonsense(server, &format!("this is no JSON: {error}")),
    };
    let id = request.get("id").cloned();
    let done = serve(server, &request);
    let (now, _) = server.clock();
    let mut reply = Map::new();
    if let Some(id) = id {
        reply.insert("id".to_owned(), id);
    }
    reply.insert("ok".to_owned(), json!(done.is_ok()));
    reply.insert("now".to_owned(), json!(format_instant(now)));
    match done {
        Ok(fields) => reply.extend(fields),
        Err(error) => {
            reply.insert("error".to_owned(), json!(error.what));
            reply.insert("hint".to_owned(), json!(error.hint));
        }
    }
    Answer { text: Value::Object(reply).to_string(), is_nonsense: false }
}

fn nonsense(server: &Server, what: &str) -> Answer {
    let (now, _) = server.clock();
    let hint = "write one JSON object a line, such as {\"do\":\"help\"}";
    let reply = json!({ "ok": false, "now": format_instant(now), "error": what, "hint": hint });
    Answer { text: reply.to_string(), is_nonsense: true }
}

fn serve(server: &Server, request: &Map<String, Value>) -> Result<Map<String, Value>, ActionError> {
    let fields = Fields::of(request, BESIDE, |_| true)?;
    match fields.verb.kind {
        Use::Act => {
            let action = Action::of(fields)?;
            let mut said = request.clone();
            said.remove("id");
            let cause = Cause::Control(Value::Object(said).to_string());
            server.with(|desk, now| desk.act(now, &action, (cause, &Subject::default())))?;
            Ok(Map::new())
        }
        Use::Clock => {
            let by = fields.span("by")?;
            if by > ADVANCE_MAX {
                let what = format!("{} is too far", fields.needed("by")?);
                return Err(ActionError::new(what, "go at most 366 days (8784h) at a time").at("by"));
            }
            server.advance(by);
            Ok(Map::new())
        }
        Use::Read => read(server, fields),
    }
}

fn read(server: &Server, fields: Fields<'_>) -> Result<Map<String, Value>, ActionError> {
    let takes = |name: &str| fields.verb.keys.iter().any(|key| key.name == name);
    let mut filter = Filter { limit: show::ROWS, ..Filter::default() };
    if takes("client") {
        filter.client = fields.whole("client")?;
    }
    if takes("limit") {
        filter.limit = fields.whole::<u32>("limit")?.map_or(show::ROWS, |rows| rows as usize);
    }
    for (name, into) in [
        ("order_ref", &mut filter.order_ref),
        ("symbol", &mut filter.symbol),
        ("account", &mut filter.account),
    ] {
        if takes(name) {
            *into = fields.text(name)?;
        }
    }
    if takes("open") {
        filter.open = fields.flag("open")?;
    }
    if takes("echo") {
        filter.echo = fields.flag("echo")?.unwrap_or(false);
    }
    let (_, stands_still) = server.clock();
    let shown = server.with(|desk, _| shown(desk, fields.verb.name, &filter, stands_still));
    match shown {
        Value::Object(fields) => Ok(fields),
        other => Ok(Map::from_iter([(fields.verb.name.to_owned(), other)])),
    }
}

/// What a reading verb shows: an object is the answer's own fields, anything else stands under the verb's name.
fn shown(desk: &Desk, verb: &str, filter: &Filter<'_>, stands_still: bool) -> Value {
    match verb {
        "clock" => json!({ "clock": if stands_still { "manual" } else { "wall" } }),
        "orders" => show::orders(desk, filter),
        "executions" => show::executions(desk, filter),
        "positions" => show::positions(desk, filter),
        "accounts" => show::accounts(desk, filter),
        "prices" => show::prices(desk, filter),
        "truth" => json!({
            "orders": show::orders(desk, filter),
            "executions": show::executions(desk, filter),
            "positions": show::positions(desk, filter),
            "accounts": show::accounts(desk, filter),
            "prices": show::prices(desk, filter),
        }),
        "connections" => desk.connections(),
        "steps" => desk.steps(),
        "faults" => desk.armed().iter().map(ToString::to_string).collect(),
        "counters" => json!({ "counters": show::counters(&desk.counters()) }),
        "decisions" => {
            let log = desk.decisions();
            let kept = log.iter().count();
            let latest = log.iter().skip(kept.saturating_sub(filter.limit)).map(|decision| {
                let mut fields = decision_fields(decision);
                fields.insert("at".to_owned(), json!(format_instant(decision.at)));
                Value::Object(fields)
            });
            json!({ "decisions": latest.collect::<Vec<_>>(), "total": log.total() })
        }
        _ => {
            let rows = VERBS.iter().map(|verb| {
                let keys: Map<String, Value> = verb
                    .keys
                    .iter()
                    .map(|key| {
                        (key.name.to_owned(), json!(if key.is_required { "needed" } else { "optional" }))
                    })
                    .collect();
                json!({ "do": verb.name, "keys": keys, "what": verb.what })
            });
            json!({ "help": rows.collect::<Vec<_>>() })
        }
    }
}
