//! Checks of the session itself.

use std::time::Duration;

use super::fields::Body;
use super::link::{Frame, Link};
use super::session::{Session, ask, error_code, errors, is_notice, joined, tell};

pub(super) fn versions(session: &Session) -> String {
    let link = &session.link;
    let in_range = (213..=226).contains(&link.version);
    // `YYYYMMDD HH:MM:SS ZONE`, and the zone is whatever the host calls it.
    let parts: Vec<&str> = link.time.splitn(3, ' ').collect();
    let is_time =
        matches!(parts[..], [day, time, zone] if day.len() == 8 && time.len() == 8 && !zone.is_empty());
    match (in_range, is_time) {
        (true, true) => "within what was offered, with a time and a zone".to_owned(),
        _ => format!("version {}, time {:?}", link.version, link.time),
    }
}

pub(super) fn greeting(session: &Session) -> String {
    // Either order is good.
    let mut first = session.greeting.first.clone();
    first.sort_unstable();
    match first[..] {
        ["managedAccounts", "nextValidId"] => "managedAccounts and nextValidId, once each".to_owned(),
        _ => first.join(", "),
    }
}

pub(super) fn farms(session: &Session) -> String {
    joined(&session.greeting.notices.iter().map(ToString::to_string).collect::<Vec<_>>())
}

pub(super) async fn clock(session: &mut Session) -> anyhow::Result<String> {
    session.link.send(ask::TIME, &Body::default()).await?;
    let heard = session.ask(ask::TIME, &Body::default()).await?;
    Ok(answers(&heard, tell::TIME))
}

pub(super) async fn millis(session: &mut Session) -> anyhow::Result<String> {
    let heard = session.ask(ask::TIME_MILLIS, &Body::default()).await?;
    Ok(answers(&heard, tell::TIME_MILLIS))
}

fn answers(heard: &[Frame], id: i32) -> String {
    match heard.iter().filter(|frame| frame.id == id).count() {
        0 => errors(heard),
        1 => "1 answer".to_owned(),
        several => format!("{several} answers"),
    }
}

pub(super) async fn unknown_message(session: &mut Session) -> anyhow::Result<String> {
    let heard = session.ask(199, &Body::default().int(1, 1)).await?;
    Ok(errors(&heard))
}

pub(super) async fn same_client_id(session: &mut Session) -> anyhow::Result<String> {
    let mut second = second_link(session, "second").await?;
    second.send(ask::START, &Body::default().int(1, session.target.client_id)).await?;
    let (heard, closed) = to_the_end(&mut second, session.target.quiet).await?;
    Ok(format!("{}, {}", errors(&heard), if closed { "closed" } else { "left open" }))
}

pub(super) async fn nonsense(session: &mut Session) -> anyhow::Result<String> {
    let mut second = second_link(session, "nonsense").await?;
    second.send(ask::START, &Body::default().int(1, session.target.client_id + 1)).await?;
    to_the_end(&mut second, session.target.quiet).await?;
    // A placement whose body is no protobuf message.
    second.write(&[&203_i32.to_be_bytes()[..], &[0xff; 12]].concat()).await?;
    let (heard, closed) = to_the_end(&mut second, session.target.quiet).await?;
    let first = if closed { "closed".to_owned() } else { errors(&heard) };
    let alive = session.is_alive().await;
    Ok(format!("{first}; the main session {}", if alive { "lives" } else { "ended" }))
}

pub(super) async fn second_link(session: &Session, name: &'static str) -> anyhow::Result<Link> {
    let target = &session.target;
    Link::open((&target.host, target.port), name, &session.recorder).await
}

/// Everything but notices up to a silence or the end, and whether it was the end.
pub(super) async fn to_the_end(link: &mut Link, quiet: Duration) -> anyhow::Result<(Vec<Frame>, bool)> {
    let mut heard = link.listen(quiet).await?;
    heard.frames.retain(|frame| error_code(frame).is_none_or(|code| !is_notice(code)));
    Ok((heard.frames, heard.closed))
}
