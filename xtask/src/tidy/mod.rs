//! `tidy`: rules about the text of the project that no compiler checks.
//!
//! Each rule is a file here, a plain function from text to findings, with good and bad samples in its
//! tests. Forbidden words are put together from parts throughout, so that no rule trips over itself.

mod attributes;
mod fences;
mod header;
mod links;
mod manifests;
mod protocol;
pub(crate) mod readme;
mod size;
mod source;
mod words;

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, bail};

use crate::step::{Context, Outcome, Step};
use crate::workspace::files;

pub(crate) const STEP: Step =
    Step { name: "tidy", about: "file sizes, headers, words, links, manifests, README", run: tidy };

/// Something to mend (or, as a warning, to think about).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) path: String,
    /// Counted from 1; absent when the whole file is meant.
    pub(crate) line: Option<usize>,
    pub(crate) fatal: bool,
    pub(crate) message: String,
}

impl Finding {
    fn fatal(path: &str, line: impl Into<Option<usize>>, message: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line: line.into(), fatal: true, message: message.into() }
    }

    fn warning(path: &str, line: impl Into<Option<usize>>, message: impl Into<String>) -> Self {
        Self { fatal: false, ..Self::fatal(path, line, message) }
    }

    fn shown(&self) -> String {
        let grade = if self.fatal { "error" } else { "warning" };
        match self.line {
            Some(line) => format!("{grade}: {}:{line}: {}", self.path, self.message),
            None => format!("{grade}: {}: {}", self.path, self.message),
        }
    }
}

/// A tracked text file.
#[derive(Debug)]
pub(crate) struct File {
    /// Relative to the root, with `/` between parts.
    pub(crate) path: String,
    pub(crate) text: String,
}

impl File {
    fn has_extension(&self, extension: &str) -> bool {
        Path::new(&self.path).extension().is_some_and(|found| found == extension)
    }
}

fn tidy(context: &Context) -> Result<Outcome> {
    let files = read_all(&context.root)?;
    let findings = check_all(&files, |path| context.root.join(path).exists());
    for finding in &findings {
        println!("{}", finding.shown());
    }
    let fatal = findings.iter().filter(|finding| finding.fatal).count();
    let warnings = findings.len() - fatal;
    if fatal > 0 {
        bail!("{fatal} errors, {warnings} warnings");
    }
    Ok(Outcome::Passed(format!("{} files, {warnings} warnings", files.len())))
}

/// Every file of the project that is text.
fn read_all(root: &Path) -> Result<Vec<File>> {
    let mut found = Vec::new();
    for path in files(root)? {
        let bytes = fs::read(root.join(&path)).with_context(|| format!("cannot read {path}"))?;
        if let Ok(text) = String::from_utf8(bytes) {
            found.push(File { path, text });
        }
    }
    Ok(found)
}

fn check_all(files: &[File], exists: impl Fn(&str) -> bool) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in files {
        findings.extend(words::check(file));
        if file.has_extension("rs") {
            findings.extend(size::check(file));
            findings.extend(header::check(file));
            findings.extend(attributes::check(file));
            findings.extend(fences::check(file));
        }
        if file.has_extension("md") {
            findings.extend(links::check(file, files, &exists));
            findings.extend(readme::check(file));
            findings.extend(protocol::check(file, files));
        }
        if file.path.ends_with("/Cargo.toml") {
            findings.extend(manifests::check_member(file));
        }
    }
    findings.extend(manifests::check_unused(files));
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_is_applied_to_the_files_that_it_is_about() {
        let file = |path: &str, text: &str| File { path: path.to_owned(), text: text.to_owned() };
        let files = [
            file(
                "crates/core/src/a.rs",
                concat!("use std::collections::HashMap;\n#[", "ignore]\nfn f() {}\n"),
            ),
            file("crates/core/Cargo.toml", "[dependencies]\nserde = \"1\"\n"),
            file("README.md", "[gone](docs/gone.md)\n"),
            file("notes.txt", concat!("FIX", "ME\n")),
        ];
        let found = check_all(&files, |_| false);
        let about = |path: &str, part: &str| found.iter().any(|f| f.path == path && f.message.contains(part));
        assert!(about("crates/core/src/a.rs", "//!"), "{found:?}");
        assert!(about("crates/core/src/a.rs", "HashMap"));
        assert!(about("crates/core/src/a.rs", "ignore"));
        assert!(about("crates/core/Cargo.toml", "lints"));
        assert!(about("crates/core/Cargo.toml", "serde"));
        assert!(about("README.md", "gone.md"));
        assert!(about("README.md", "cargo xtask test"));
        assert!(about("notes.txt", "issue"));
    }

    #[test]
    fn a_finding_is_shown_so_that_an_editor_can_jump_to_it() {
        assert_eq!(Finding::fatal("a.rs", 3, "no").shown(), "error: a.rs:3: no");
        assert_eq!(Finding::warning("a.rs", None, "hm").shown(), "warning: a.rs: hm");
    }
}
