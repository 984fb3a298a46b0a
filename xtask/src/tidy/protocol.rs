//! The table of the protocol names tests that exist, and says so where there is none.

use super::{File, Finding};

const TABLE: &str = "docs/protocol.md";

/// What stands in place of a test.
const WITHOUT: [&str; 2] = ["WEAK", "MISSING"];

pub(super) fn check(file: &File, files: &[File]) -> Vec<Finding> {
    if file.path != TABLE {
        return Vec::new();
    }
    let mut findings = Vec::new();
    for (number, line) in file.text.lines().enumerate() {
        let Some(proof) = proof(line) else { continue };
        let line = number + 1;
        let tests: Vec<&str> = proof.split('`').skip(1).step_by(2).collect();
        if tests.is_empty() && !WITHOUT.iter().any(|word| proof.trim_start().starts_with(word)) {
            findings.push(Finding::fatal(
                TABLE,
                line,
                "name a test, or begin with WEAK or MISSING and say why",
            ));
        }
        let gone = tests.into_iter().filter(|test| !exists(test, files));
        findings.extend(gone.map(|test| Finding::fatal(TABLE, line, format!("no test `{test}`"))));
    }
    findings
}

/// The last cell of a row that is neither a heading nor a rule.
fn proof(line: &str) -> Option<&str> {
    let cells: Vec<&str> = line.strip_prefix('|')?.strip_suffix('|')?.split('|').collect();
    let proof = *cells.get(2)?;
    (!matches!(proof.trim(), "Test" | "---")).then_some(proof)
}

/// Whether `crate/file::test` is a test function of that file.
fn exists(test: &str, files: &[File]) -> bool {
    let Some((place, name)) = test.split_once("::") else { return false };
    let Some((member, rest)) = place.split_once('/') else { return false };
    let path = if rest.starts_with("src/") {
        format!("crates/{member}/{rest}.rs")
    } else {
        format!("crates/{member}/tests/it/{rest}.rs")
    };
    let wanted = format!("fn {name}(");
    let Some(file) = files.iter().find(|file| file.path == path) else { return false };
    let lines: Vec<&str> = file.text.lines().collect();
    lines.iter().enumerate().any(|(at, line)| line.contains(&wanted) && is_marked(&lines, at))
}

/// Whether the function on this line is marked as a test.
fn is_marked(lines: &[&str], at: usize) -> bool {
    let above = lines.iter().take(at).rev().map(|line| line.trim());
    let mut attributes = above.take_while(|line| line.starts_with("#[") || line.starts_with("///"));
    attributes.any(|line| line.starts_with("#[test]") || line.starts_with("#[tokio::test"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, text: &str) -> File {
        File { path: path.to_owned(), text: text.to_owned() }
    }

    fn found(row: &str) -> Vec<String> {
        let files = [
            file("crates/core/tests/it/late.rs", "#[test]\nfn it_comes() {}\nfn helper() {}\n"),
            file("crates/core/src/pace.rs", "    #[tokio::test]\n    async fn it_waits() {}\n"),
            file(TABLE, &format!("| Clause | Where | Test |\n|---|---|---|\n{row}\n")),
        ];
        check(&files[2], &files).into_iter().map(|finding| finding.message).collect()
    }

    #[test]
    fn a_row_names_tests_that_exist_or_says_that_there_is_none() {
        assert!(found("| it comes | — | `core/late::it_comes` |").is_empty());
        assert!(found("| it waits | — | `core/src/pace::it_waits` |").is_empty());
        assert!(found("| it flies | — | MISSING: it has no wings |").is_empty());
    }

    #[test]
    fn a_test_that_is_gone_a_function_that_is_none_and_an_empty_cell_are_found() {
        for row in [
            "| a | — | `core/late::it_left` |",
            "| a | — | `core/late::helper` |",
            "| a | — | `core/early::it_comes` |",
            "| a | — | some day |",
            "| a | — | |",
        ] {
            assert_eq!(found(row).len(), 1, "{row}");
        }
    }
}
