//! Runs steps one after another and says so: a header before each, an aligned table at the end.
//!
//! Every step runs even when an earlier one failed, so that one run shows all there is to mend.

use std::io::IsTerminal as _;
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::step::{Context, Outcome, Step};

/// One line of the closing table.
#[derive(Debug)]
struct Row {
    name: &'static str,
    verdict: Verdict,
    note: String,
    took: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Passed,
    Skipped,
    Failed,
}

impl Verdict {
    fn word(self) -> &'static str {
        match self {
            Self::Passed => "ok",
            Self::Skipped => "skipped",
            Self::Failed => "FAILED",
        }
    }

    fn colour(self) -> &'static str {
        match self {
            Self::Passed => "32",
            Self::Skipped => "33",
            Self::Failed => "31;1",
        }
    }
}

/// Runs the steps and reports; true when none failed.
pub(crate) fn run_all(context: &Context, steps: &[Step]) -> bool {
    let paint = Paint::detect();
    let say = |line: &str| if context.flags.json { eprintln!("{line}") } else { println!("{line}") };
    let start = Instant::now();
    let mut rows = Vec::new();
    for step in steps {
        let at = format!("+{:.1} s", start.elapsed().as_secs_f64());
        say(&format!("{} {}", paint.with("1", &format!("==> {}", step.name)), paint.with("2", &at)));
        let begun = Instant::now();
        let result = (step.run)(context);
        rows.push(row(step.name, result, begun.elapsed(), paint));
    }
    for line in closing(&rows, start.elapsed(), paint) {
        say(&line);
    }
    rows.iter().all(|row| row.verdict != Verdict::Failed)
}

fn row(name: &'static str, result: Result<Outcome>, took: Duration, paint: Paint) -> Row {
    let (verdict, note) = match result {
        Ok(Outcome::Passed(note)) => (Verdict::Passed, note),
        Ok(Outcome::Skipped(reason)) => (Verdict::Skipped, reason),
        Err(error) => {
            eprintln!("{} {error:#}", paint.with("31;1", &format!("{name}:")));
            // The table has room for what went wrong, not for why.
            (Verdict::Failed, error.to_string().lines().next().unwrap_or_default().to_owned())
        }
    };
    Row { name, verdict, note, took }
}

fn closing(rows: &[Row], total: Duration, paint: Paint) -> Vec<String> {
    let name_width = rows.iter().map(|row| row.name.len()).chain([4]).max().unwrap_or(4);
    let mut lines = vec![String::new()];
    lines.push(
        paint.with(
            "2",
            format!("{:<name_width$}  {:<7}  {:>8}  note", "step", "result", "seconds").trim_end(),
        ),
    );
    for row in rows {
        let verdict = paint.with(row.verdict.colour(), &format!("{:<7}", row.verdict.word()));
        let seconds = row.took.as_secs_f64();
        let line = format!("{:<name_width$}  {verdict}  {seconds:>8.1}  {}", row.name, row.note);
        lines.push(line.trim_end().to_owned());
    }
    let count = |verdict| rows.iter().filter(|row| row.verdict == verdict).count();
    let (passed, failed) = (count(Verdict::Passed), count(Verdict::Failed));
    let skipped = count(Verdict::Skipped);
    lines.push(format!("{:<name_width$}  {:<7}  {:>8.1}", "total", "", total.as_secs_f64()));
    lines.push(format!("steps: {passed} passed, {failed} failed, {skipped} skipped"));
    lines
}

/// Colour, or its absence: on for a terminal unless NO_COLOR is set.
#[derive(Clone, Copy, Debug)]
struct Paint(bool);

impl Paint {
    fn detect() -> Self {
        Self(std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none())
    }

    fn with(self, code: &str, text: &str) -> String {
        if self.0 { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use anyhow::anyhow;

    use super::*;

    fn second(name: &'static str, result: Result<Outcome>) -> Row {
        row(name, result, Duration::from_secs(1), Paint(false))
    }

    #[test]
    fn the_table_is_aligned_and_counts_every_verdict() {
        let rows = [
            second("fmt", Ok(Outcome::passed())),
            second("layers", Err(anyhow!("core may not see engine\nmore"))),
            second("demo", Ok(Outcome::Skipped("no demo yet".to_owned()))),
        ];
        let table = closing(&rows, Duration::from_secs(3), Paint(false)).join("\n");
        assert_eq!(
            table,
            "\n\
             step    result    seconds  note\n\
             fmt     ok            1.0\n\
             layers  FAILED        1.0  core may not see engine\n\
             demo    skipped       1.0  no demo yet\n\
             total                 3.0\n\
             steps: 1 passed, 1 failed, 1 skipped"
        );
    }

    #[test]
    fn colour_only_when_asked_for() {
        assert_eq!(Paint(false).with("31", "x"), "x");
        assert_eq!(Paint(true).with("31", "x"), "\u{1b}[31mx\u{1b}[0m");
    }
}
