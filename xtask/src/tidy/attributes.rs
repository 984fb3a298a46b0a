//! Exceptions give their reason: no silenced lint and no ignored test without one.
//!
//! Clippy knows the first rule too, but does not look at code that is configured out.

use super::source::without_comment;
use super::{File, Finding};

/// `#[…` or `#![…`, an exception to a lint; put together so that this file passes its own rule.
const SILENCERS: [&str; 4] =
    [concat!("#[", "allow("), concat!("#![", "allow("), concat!("#[", "expect("), concat!("#![", "expect(")];
const IGNORED: &str = concat!("#[", "ignore]");

pub(crate) fn check(file: &File) -> Vec<Finding> {
    let mut found = Vec::new();
    let lines: Vec<&str> = file.text.lines().map(without_comment).collect();
    for (index, line) in lines.iter().enumerate() {
        let silences = SILENCERS.iter().any(|start| line.contains(start));
        if silences && !gives_reason(&lines[index..]) {
            found.push(Finding::fatal(&file.path, index + 1, "a silenced lint needs `reason = \"…\"`"));
        }
        if line.contains(IGNORED) {
            found.push(Finding::fatal(
                &file.path,
                index + 1,
                "an ignored test needs a reason: `ignore = \"…\"`",
            ));
        }
    }
    found
}

/// Looks from the attribute's first line to the one that closes it.
fn gives_reason(lines: &[&str]) -> bool {
    let last = lines.iter().position(|line| line.contains(")]")).unwrap_or(0);
    lines.iter().take(last + 1).any(|line| line.contains("reason ="))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<Option<usize>> {
        let file = File { path: "a.rs".to_owned(), text: text.to_owned() };
        check(&file).into_iter().map(|finding| finding.line).collect()
    }

    #[test]
    fn exceptions_with_a_reason_pass() {
        assert_eq!(lines(concat!("#[", "allow(dead_code, reason = \"why\")]\n")), []);
        assert_eq!(lines(concat!("#![", "expect(\n    dead_code,\n    reason = \"why\"\n)]\n")), []);
        assert_eq!(lines("#[ignore = \"needs a paper account\"]\n"), []);
        assert_eq!(lines(concat!("// never write #[", "allow(dead_code)]\n")), []);
    }

    #[test]
    fn bare_exceptions_are_found() {
        assert_eq!(lines(concat!("fn f() {}\n#[", "allow(dead_code)]\n")), [Some(2)]);
        assert_eq!(lines(concat!("#![", "allow(\n    dead_code\n)]\n// reason = \"too late\"\n")), [Some(1)]);
        assert_eq!(lines(concat!("#[", "expect(dead_code)]\nlet reason = 1;\n")), [Some(1)]);
        assert_eq!(lines(concat!("#[", "ignore]\n")), [Some(1)]);
    }
}
