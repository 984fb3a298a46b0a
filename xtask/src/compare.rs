//! `compare`: the faults of the simulator for four clients, ours among them, and a table of what each did.
//!
//! Not part of `ci`: it takes four minutes and installs other people's clients as `clients` does. Every cell is
//! measured; with `--write` the table goes into docs/compare.md with the commit that it was measured at.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::clients::{self, target_folder};
use crate::command::{cargo, read, run};
use crate::step::{Context, Outcome, Step};

pub(crate) const STEP: Step = Step {
    name: "compare",
    about: "other people's clients and ours under the same faults; --write for docs/compare.md",
    run: compare,
};

const SCRIPTS: &str = "xtask/python/compare";
const PAGE: &str = "docs/compare.md";
const MARK: &str = "<!-- measured -->";

fn compare(context: &Context) -> Result<Outcome> {
    let root = &context.root;
    // Before anything is built: what is measured is what is built then.
    let commit = context.flags.write.then(|| commit(root)).transpose()?;
    let target = target_folder(root);
    let python = clients::environment(&target, &root.join(clients::SCRIPTS))
        .context("the clients cannot be installed, and without them nothing is compared")?;
    run(cargo(root).args(["build", "--locked", "--package", "alphec-cli", "--bins", "--examples"]))?;
    let built = target.join("debug");
    let mut command = Command::new(python);
    command.current_dir(root.join(SCRIPTS)).args(["-B", "compare.py"]);
    command.arg(built.join("alphec-exec"));
    command
        .arg(built.join("examples").join("compare_ours"))
        .arg(built.join("examples").join("compare_ibapi"));
    let table = std::env::temp_dir().join(format!("alphec-compare-{}.md", std::process::id()));
    command.arg("--table").arg(&table);
    run(&mut command)?;
    if let Some(commit) = commit {
        write_page(context, &commit, &std::fs::read_to_string(&table).context("it left no table")?)?;
    }
    std::fs::remove_file(&table).context("the table cannot be removed")?;
    Ok(Outcome::passed())
}

/// What is built here; `-dirty` where tracked files differ from the commit, for then nobody else has it.
fn commit(root: &Path) -> Result<String> {
    let words = ["describe", "--always", "--exclude=*", "--abbrev=12", "--dirty"];
    Ok(read(Command::new("git").current_dir(root).args(words))?.trim().to_owned())
}

/// Everything after the mark is replaced; what is before it is written by hand.
fn write_page(context: &Context, commit: &str, table: &str) -> Result<()> {
    let page = context.root.join(PAGE);
    let text = std::fs::read_to_string(&page).with_context(|| format!("no {PAGE}"))?;
    let (by_hand, _) = text.split_once(MARK).with_context(|| format!("{PAGE} has no `{MARK}`"))?;
    let text = format!(
        "{by_hand}{MARK}\n\nMeasured at commit {commit} with `cargo xtask compare --write`.\n\n{table}"
    );
    std::fs::write(&page, text).with_context(|| format!("cannot write {PAGE}"))
}
