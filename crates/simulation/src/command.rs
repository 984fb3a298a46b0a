//! The command line: what is asked, and what is printed.

use std::time::Duration;

use crate::campaign::{Campaign, Ran};
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
    tell(asked, &result, say);
    let is_whole = result.tally.runs < table::FLOORS_FROM || table::floors(&result.tally, say);
    result.failed.is_empty() && is_whole
}

/// The counts, the seeds that failed, and the first of them in full.
fn tell(asked: &Asked, result: &Ran, say: &mut dyn FnMut(&str)) {
    say(&if asked.json { table::json(result) } else { table::text(result) });
    if asked.keep_going {
        for (seed, violation) in &result.failed {
            say(&format!("seed {seed}: I{}: {}", violation.number, violation.what));
        }
    }
    if let Some((seed, violation)) = result.failed.first() {
        let plan = draw::plan(*seed, asked.campaign.orders_max);
        say(&shrink::report(&plan, violation, asked.campaign.orders_max));
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Violation;

    #[test]
    fn with_all_every_failed_seed_is_listed_and_the_first_shown_with_how_to_repeat_it() {
        let asked = parse(["--all", "--orders", "60"].map(str::to_owned).into_iter()).unwrap();
        let failed =
            [1, 2].map(|seed| (seed, Violation { number: 18, at: 0, what: "planted".to_owned() })).to_vec();
        let result = Ran { tally: Tally::default(), failed, took: Duration::ZERO, twice: 2 };
        let mut said = Vec::new();
        tell(&asked, &result, &mut |line| said.push(line.to_owned()));
        assert_eq!(said[1..3], ["seed 1: I18: planted", "seed 2: I18: planted"]);
        assert!(said[3].contains("again: cargo xtask sim --seed 1 --seeds 1 --orders 60"), "{}", said[3]);
        assert_eq!(said.len(), 4);
    }
}
