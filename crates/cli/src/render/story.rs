//! What a record says, in one line for people. The journal itself is the truth; this only reads it out.

use alphec_execution::model::broker::{
    BrokerEvent, BrokerRequest, EchoedTerms, OpenOrderReport, OrderNames, ServerLink, Session, Snapshot, Wire,
};
use alphec_execution::model::record::Fill;
use alphec_execution::model::{Body, CancelScope, Command, Evidence, OrderSpec, Record, Verdict};

use super::order::{life, terms};
use super::record::short_second;

/// One line about a record.
pub(crate) fn what_happened(record: &Record) -> String {
    match &record.body {
        Body::Opened { log_id, api_client_id } => {
            format!("journal {log_id} begins, client id {api_client_id}")
        }
        Body::Started { version, profile, mode, limits: _ } => {
            format!("alphec-execution {version} started, profile {profile}, {mode}")
        }
        Body::Stopped { left_working } if left_working.is_empty() => {
            "stopped, nothing left working".to_owned()
        }
        Body::Stopped { left_working } => {
            let names: Vec<&str> = left_working.iter().map(|id| id.as_str()).collect();
            format!("stopped, left working: {}", names.join(", "))
        }
        Body::LinkChanged { from, to, why } => format!("link {from} → {to}: {why}"),
        Body::IdFloorRaised { next, .. } => format!("next broker order id is {next} or higher"),
        Body::Halted { scope, kill: false, by, reason } => {
            format!("trading of {scope} halted by {by}: {reason}")
        }
        Body::Halted { scope, kill: true, by, reason } => {
            format!("kill switch on {scope} by {by}: {reason}")
        }
        Body::KillVerified { scope } => {
            format!("nothing of ours works in {scope} any more, by complete lists")
        }
        Body::Resumed { scope, by, reason } => format!("trading of {scope} resumed by {by}: {reason}"),
        Body::GapOpened { epoch, why } => format!("gap {epoch} opens: {why}; messages may be missing"),
        Body::GapClosed { epoch } => format!("gap {epoch} closed by complete lists"),
        Body::ForeignSeen { order } => format!(
            "someone else's order ({}): {} {} {} in {}, counted and left alone",
            order.key, order.side, order.leaves_qty, order.instrument, order.account
        ),
        Body::ForeignGone { key } => format!("someone else's order ({key}) is open no more"),
        Body::Anomaly { what } => what.clone(),
        Body::Observed { event } => observed(event),
        Body::Requested { request } => requested(request),
        Body::Written { wire, at: _ } => format!("{} written to the wire", wire_word(*wire)),
        Body::PositionAdopted { account, instrument, qty } => {
            format!("{account} starts with {qty} {instrument}")
        }
        Body::PositionBroken { account, instrument, ours, theirs } => {
            format!("{account} {instrument}: we count {ours}, the broker {theirs}; frozen")
        }
        Body::BreakCleared { account, instrument, qty } => {
            format!("{account} {instrument}: both count {qty} again")
        }
        Body::PositionAccepted { account, instrument, ours, theirs, by, reason } => {
            format!("{account} {instrument}: {by} accepts {theirs} instead of {ours}: {reason}")
        }
        body => of_order(body),
    }
}

/// Bodies that are about one order.
fn of_order(body: &Body) -> String {
    match body {
        Body::Commanded { command } => commanded(command),
        Body::Accepted { order, verdict } => {
            format!("passed the gate: {} {}{}", order.instrument, spec(&order.spec), judged_by(verdict))
        }
        Body::Denied { request, reason, verdict } => {
            format!("denied: {reason} ({} {}{})", request.instrument, spec(&request.spec), judged_by(verdict))
        }
        Body::RuleAnswered { rule, answer } => format!("rule {rule}: {answer:?}"),
        Body::OrderChanged { from, to, evidence, perm_id: _, deny_reason, reject_reason } => {
            let denied = deny_reason.as_ref().map(ToString::to_string);
            let rejected = reject_reason.as_ref().map(ToString::to_string);
            let why = denied.or(rejected).map(|why| format!("; {why}")).unwrap_or_default();
            format!("{from} → {to}, by {}{why}", proof(evidence))
        }
        Body::PermIdLearned { perm_id } => format!("perm id {perm_id}"),
        Body::SecondLifeSeen { perm_id } => {
            format!("the broker made a second order of it, under perm id {perm_id}")
        }
        Body::ReplaceAsked { replace, verdict } => {
            format!(
                "change passed the gate: version {}, {}{}",
                replace.version,
                spec(&replace.spec),
                judged_by(verdict)
            )
        }
        Body::ReplaceReleased => "every rule passed the change; it goes out".to_owned(),
        Body::ReplaceDenied { reason, verdict: _ } => format!("change denied: {reason}"),
        Body::ReplaceEnded { accepted: true, evidence } => format!("change in force, by {}", proof(evidence)),
        Body::ReplaceEnded { accepted: false, evidence } => {
            format!("change not made, by {}; the old terms stand", proof(evidence))
        }
        Body::ReplaceCameLate { version, evidence } => {
            format!("the change to version {version} is in force after all, by {}", proof(evidence))
        }
        Body::WatchEnded => "it stayed absent: nothing is reserved for it any more".to_owned(),
        Body::CancelAsked => "cancel goes out".to_owned(),
        Body::CancelProbed => "a cancel goes out to ask whether the order exists".to_owned(),
        Body::Resent { broker_order_id, order_ref: _, evidence, verdict } => format!(
            "proven absent, by {}; placed again as {broker_order_id}{}",
            proof(evidence),
            judged_by(verdict)
        ),
        Body::CancelEnded { evidence } => format!("cancel refused, by {}; the order stands", proof(evidence)),
        Body::Filled { fill } => filled(fill),
        Body::FillRevised { was, now } => format!(
            "corrected: {} at {} is now {} at {}",
            was.last_qty, was.last_px, now.last_qty, now.last_px
        ),
        Body::Charged { exec_id, commission, currency } => {
            let currency = currency.map(|currency| format!(" {currency}")).unwrap_or_default();
            format!("commission {}{currency} for {exec_id}", commission.normalize())
        }
        // The other bodies are read out above; a kind that is new to the model is shown by its name.
        other => other.kind().to_owned(),
    }
}

fn commanded(command: &Command) -> String {
    match command {
        Command::Submit(request) => format!("asked to submit {} {}", request.instrument, spec(&request.spec)),
        Command::SubmitGroup(request) => {
            let legs: Vec<String> = request
                .orders
                .iter()
                .map(|order| format!("{} {}", order.instrument, spec(&order.spec)))
                .collect();
            format!("asked to submit as one ({:?}): {}", request.kind, legs.join("; "))
        }
        Command::Modify(request) => format!("asked to change to {}", spec(&request.spec)),
        Command::Reconcile { .. } => "asked to read the broker's books".to_owned(),
        Command::Cancel { .. } => "asked to cancel".to_owned(),
        Command::CancelAll { scope, .. } => match scope {
            CancelScope::All => "asked to cancel every order".to_owned(),
            CancelScope::Account { account } => format!("asked to cancel every order of {account}"),
            CancelScope::Strategy { strategy_id } => {
                format!("asked to cancel every order of strategy {strategy_id}")
            }
            CancelScope::Instrument { instrument } => format!("asked to cancel every order in {instrument}"),
            other => format!("asked to cancel {other:?}"),
        },
        Command::GlobalCancel { by, reason, correlation_id: _ } => {
            format!("{by} asked to cancel every open order of the login, also those of others: {reason}")
        }
        Command::Halt { by, reason } => format!("{by} asked to halt trading: {reason}"),
        Command::Kill { scope, by, reason, correlation_id: _ } => {
            format!("{by} pulled the kill switch on {scope}: {reason}")
        }
        Command::Resume { scope, by, reason } => format!("{by} asked to resume trading of {scope}: {reason}"),
        Command::AcceptPosition { account, instrument, by, reason } => {
            format!("{by} asked to accept the broker's position of {account} in {instrument}: {reason}")
        }
        Command::Settle { client_order_id, by, reason } => {
            format!("{by} asked to settle {client_order_id} as over: {reason}")
        }
        other => format!("asked for {other:?}"),
    }
}

fn requested(request: &BrokerRequest) -> String {
    match request {
        BrokerRequest::Place(ticket) => {
            format!("place as {}: {} {}", ticket.broker_order_id, ticket.instrument, spec(&ticket.spec))
        }
        BrokerRequest::Replace(ticket) => {
            format!("replace {}: {}", ticket.broker_order_id, spec(&ticket.spec))
        }
        BrokerRequest::Cancel { broker_order_id } => format!("cancel {broker_order_id}"),
        BrokerRequest::GlobalCancel => "cancel every open order of the login".to_owned(),
        BrokerRequest::Snapshot { id, executions_days } => {
            format!("read the broker's books (list {id}, executions of {executions_days} days)")
        }
        other => format!("{other:?}"),
    }
}

fn observed(event: &BrokerEvent) -> String {
    match event {
        BrokerEvent::ConnectFailed { attempt, retry_in_ms, error } => {
            let next = retry_in_ms.map_or_else(|| "gave up".to_owned(), |ms| format!("next in {ms} ms"));
            format!("connection attempt {attempt} failed ({next}): {error}")
        }
        BrokerEvent::Connected(session) => connected(session),
        BrokerEvent::Disconnected { generation: _, why } => format!("disconnected: {why}"),
        BrokerEvent::Gap { generation: _, why } => format!("messages may be missing: {why}"),
        BrokerEvent::ServerLink { generation: _, link } => match link {
            ServerLink::Lost => "the gateway lost the broker's servers".to_owned(),
            ServerLink::RestoredDataLost => {
                "the gateway is back at the broker's servers, subscriptions lost".to_owned()
            }
            ServerLink::Restored => "the gateway is back at the broker's servers".to_owned(),
        },
        BrokerEvent::SnapshotFailed { id, generation: _, why } => format!("list {id} failed: {why}"),
        BrokerEvent::Snapshot(snapshot) => books(snapshot),
        BrokerEvent::Account { account, value } => format!("{account}: {value:?}"),
        BrokerEvent::InstrumentResolved { instrument, con_id, .. } => {
            format!("{instrument} is contract {con_id}")
        }
        BrokerEvent::InstrumentUnknown { instrument, why } => {
            format!("{instrument} is not known to the broker: {why}")
        }
        BrokerEvent::GlobalCancelWritten { at: _ } => "global cancel written".to_owned(),
        BrokerEvent::GlobalCancelNotWritten { why } => format!("global cancel never written: {why}"),
        BrokerEvent::Undecodable { names: _, why, raw } => {
            format!("not understood: {why}; as it came: {raw}")
        }
        event => observed_of_order(event),
    }
}

fn observed_of_order(event: &BrokerEvent) -> String {
    match event {
        BrokerEvent::OpenOrder(report) => open_order(report),
        BrokerEvent::Status(report) => {
            let cum = report.cum_qty.map(|qty| format!(", {qty} filled")).unwrap_or_default();
            let rest = report.remaining_qty.map(|qty| format!(", {qty} to go")).unwrap_or_default();
            format!("status {} of {}{cum}{rest}", report.status.as_str(), names(&report.names))
        }
        BrokerEvent::Execution(report) => format!(
            "execution {}: {} {} {} at {} on {}",
            report.exec_id, report.side, report.last_qty, report.symbol, report.last_px, report.venue
        ),
        BrokerEvent::Commission(report) => {
            let amount = report
                .commission
                .map_or_else(|| "pending".to_owned(), |amount| amount.normalize().to_string());
            format!("commission of {}: {amount}", report.exec_id)
        }
        BrokerEvent::Notice(notice) => {
            let of = notice.broker_order_id.map(|id| format!(" about order {id}")).unwrap_or_default();
            format!("code {}{of}: {}", notice.code, notice.text)
        }
        BrokerEvent::Written { broker_order_id, wire, at: _ } => {
            format!("{} of {broker_order_id} written", wire_word(*wire))
        }
        BrokerEvent::NotWritten { broker_order_id, wire, why } => {
            format!("{} of {broker_order_id} never written: {why}", wire_word(*wire))
        }
        // The other events are read out above.
        other => format!("{other:?}"),
    }
}

fn connected(session: &Session) -> String {
    let accounts: Vec<&str> = session.accounts.iter().map(|account| account.as_str()).collect();
    format!(
        "connected as client {}, server version {}, accounts {}, next order id {}",
        session.api_client_id,
        session.server_version,
        accounts.join(", "),
        session.next_order_id
    )
}

fn books(snapshot: &Snapshot) -> String {
    format!(
        "the broker's books (list {}): {} open, {} completed, {} executions, {} positions",
        snapshot.id,
        snapshot.open.len(),
        snapshot.completed.len(),
        snapshot.executions.len(),
        snapshot.positions.len()
    )
}

fn open_order(report: &OpenOrderReport) -> String {
    let EchoedTerms { order_qty, order_type, limit_px, stop_px, time_in_force } = &report.terms;
    let qty = order_qty.map(|qty| format!(" {qty}")).unwrap_or_default();
    let stop = stop_px.map(|px| format!(" stop {px}")).unwrap_or_default();
    let limit = limit_px.map(|px| format!(" at {px}")).unwrap_or_default();
    let side = report.side.map(|side| format!(" {side}")).unwrap_or_default();
    format!(
        "open order {}: {},{side}{qty} {} {order_type}{stop}{limit} {time_in_force}",
        names(&report.names),
        report.status.as_str(),
        report.symbol
    )
}

fn names(names: &OrderNames) -> String {
    let order = names.broker_order_id.map(|id| id.to_string());
    let perm = names.perm_id.map(|id| format!("perm {id}"));
    let known: Vec<String> = order.into_iter().chain(perm).collect();
    if known.is_empty() { "an order without a number".to_owned() } else { known.join(" / ") }
}

fn spec(wanted: &OrderSpec) -> String {
    format!("{} {} {} {}", wanted.side, wanted.order_qty, terms(wanted), life(wanted.time_in_force))
}

fn judged_by(verdict: &Verdict) -> String {
    let reference = verdict.quote.and_then(|quote| quote.reference_px());
    let reference = reference.map(|px| format!(", market {}", px.normalize())).unwrap_or_default();
    let checks = verdict.checks.len();
    if checks == 0 { reference } else { format!("{reference}, {checks} limits judged") }
}

fn filled(fill: &Fill) -> String {
    let before = if fill.in_baseline { ", part of the starting position" } else { "" };
    let when = fill.time.map_or_else(String::new, |at| format!(", executed {} UTC", short_second(at)));
    format!(
        "{} {} {} at {} ({}{when}){before}",
        fill.side, fill.last_qty, fill.instrument, fill.last_px, fill.exec_id
    )
}

const fn wire_word(wire: Wire) -> &'static str {
    match wire {
        Wire::Place => "place",
        Wire::Replace => "replace",
        Wire::Cancel => "cancel",
    }
}

fn proof(evidence: &Evidence) -> String {
    match evidence {
        Evidence::Decision => "our decision".to_owned(),
        Evidence::Execution { exec_id } => format!("execution {exec_id}"),
        Evidence::Status { status, perm_id: _ } => format!("status {status}"),
        Evidence::OpenOrder { status } => format!("open order ({status})"),
        Evidence::Completed { status } => format!("completed order ({status})"),
        Evidence::Notice { code, text } => format!("code {code}: {text}"),
        Evidence::NotWritten { why } => format!("never written: {why}"),
        Evidence::Absent { generation: _, watched: false } => "absence from two complete lists".to_owned(),
        Evidence::Absent { generation: _, watched: true } => {
            "absence from two complete lists; what it could fill stays reserved while it is watched for"
                .to_owned()
        }
        Evidence::Operator { who, reason } => format!("{who}: {reason}"),
        Evidence::Silence { why } => format!("silence: {why}"),
        other => format!("{other:?}"),
    }
}
