//! The command line: what is asked, and what is printed.

use std::time::Duration;

use crate::campaign::Campaign;
use crate::check;
use crate::draw;
use crate::shrink;
use crate::table;
use crate::tally::Tally;

const USAGE: &str = "usage: simulation [--seeds N] [--seed S] [--minutes M] [--orders N] [--threads N] [--json] \
                     [--all] [--planted] [--plan] [--checked]";

/// What was asked.
#[derive(Debug, Clone)]
struct Asked {
    campaign: Campaign,
    json: bool,
    planted: bool,
    plan: bool,
    checked: bool,
    keep_going: bool,
}

fn parse(mut words: impl Iterator<Item = String>) -> Result<Asked, String> {
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let mut asked = Asked {
        campaign: Campaign {
            first: 1,
            seeds: 1_000,
            time: None,
            orders_max: 2_000,
            threads,
            twice_every: 100,
        },
        json: false,
        planted: false,
        plan: false,
        checked: false,
        keep_going: false,
    };
    let (mut seeds, mut is_one) = (None, false);
    while let Some(word) = words.next() {
        let mut number = || -> Result<u64, String> {
            let text = words.next().ok_or_else(|| format!("{word} needs a number\n{USAGE}"))?;
            text.parse().map_err(|_| format!("{word} needs a number, not {text}\n{USAGE}"))
        };
        match word.as_str() {
            "--seeds" => seeds = Some(number()?),
            "--seed" => (asked.campaign.first, is_one) = (number()?, true),
            "--minutes" => asked.campaign.time = Some(Duration::from_secs(number()?.saturating_mul(60))),
            "--seconds" => asked.campaign.time = Some(Duration::from_secs(number()?)),
            "--orders" => asked.campaign.orders_max = i64::try_from(number()?).unwrap_or(i64::MAX),
            "--threads" => asked.campaign.threads = usize::try_from(number()?).unwrap_or(1),
            "--json" => asked.json = true,
            "--planted" => asked.planted = true,
            "--plan" => asked.plan = true,
            "--checked" => asked.checked = true,
            "--all" => asked.keep_going = true,
            other => return Err(format!("unknown word {other}\n{USAGE}")),
        }
    }
    let without = match (is_one, asked.campaign.time) {
        (true, _) => 1,
        (false, Some(_)) => u64::MAX,
        (false, None) => 1_000,
    };
    asked.campaign.seeds = seeds.unwrap_or(without);
    Ok(asked)
}

/// Does what the words ask; whether all was well.
///
/// # Errors
/// How it is used, when the words make no sense.
pub fn run(
    words: impl Iterator<Item = String>,
    say: &mut dyn FnMut(&str),
    progress: &(dyn Fn(&str) + Sync),
) -> Result<bool, String> {
    let asked = parse(words)?;
    if asked.checked {
        for invariant in check::all() {
            say(&format!("I{:<3} {}", invariant.number(), invariant.sentence()));
        }
        return Ok(true);
    }
    if asked.plan {
        let plan = draw::plan(asked.campaign.first, asked.campaign.orders_max);
        say(&shrink::shown(&plan));
        return Ok(true);
    }
    if asked.planted {
        return Ok(planted(&asked, say, progress));
    }
    Ok(campaign(&asked, say, progress))
}

fn campaign(asked: &Asked, say: &mut dyn FnMut(&str), progress: &(dyn Fn(&str) + Sync)) -> bool {
    let told = |tally: &Tally, took: Duration| {
        progress(&format!("{} runs, {} orders, {} s ", tally.runs, tally.orders, took.as_secs()));
    };
    let result = asked.campaign.run(asked.keep_going, &told);
    progress("");
    say(&if asked.json { table::json(&result) } else { table::text(&result) });
    if asked.keep_going {
        for (seed, violation) in &result.failed {
            say(&format!("seed {seed}: I{}: {}", violation.number, violation.what));
        }
    } else if let Some((seed, violation)) = result.failed.first() {
        let plan = draw::plan(*seed, asked.campaign.orders_max);
        say(&shrink::report(&plan, violation, asked.campaign.orders_max));
    }
    let is_whole = result.tally.runs < table::FLOORS_FROM || table::floors(&result.tally, say);
    result.failed.is_empty() && is_whole
}

#[cfg(not(feature = "planted"))]
fn planted(_asked: &Asked, say: &mut dyn FnMut(&str), _progress: &(dyn Fn(&str) + Sync)) -> bool {
    say("built without planted bugs: add --features planted");
    false
}

#[cfg(feature = "planted")]
fn planted(asked: &Asked, say: &mut dyn FnMut(&str), progress: &(dyn Fn(&str) + Sync)) -> bool {
    crate::planted::run(&asked.campaign, say, progress)
}
