//! The README stays short and keeps its two commands; ARCHITECTURE.md stays readable in one sitting.

use super::{File, Finding};

/// The first of the two commands that do all the set-up.
pub(crate) const DEMO_COMMAND: &str = "cargo run --release -- demo";
const TEST_COMMAND: &str = "cargo xtask test";

const README_LINES: usize = 150;
const ARCHITECTURE_LINES: usize = 400;

pub(crate) fn check(file: &File) -> Vec<Finding> {
    match file.path.as_str() {
        "README.md" => readme(file),
        "ARCHITECTURE.md" => too_long(file, ARCHITECTURE_LINES).into_iter().collect(),
        _ => Vec::new(),
    }
}

fn readme(file: &File) -> Vec<Finding> {
    let mut found: Vec<Finding> = too_long(file, README_LINES).into_iter().collect();
    for command in [DEMO_COMMAND, TEST_COMMAND] {
        if !file.text.contains(command) {
            found.push(Finding::fatal(&file.path, None, format!("the command `{command}` is missing")));
        }
    }
    found
}

fn too_long(file: &File, limit: usize) -> Option<Finding> {
    let lines = file.text.lines().count();
    (lines > limit).then(|| Finding::fatal(&file.path, None, format!("{lines} lines, the limit is {limit}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages(path: &str, text: String) -> Vec<String> {
        check(&File { path: path.to_owned(), text }).into_iter().map(|finding| finding.message).collect()
    }

    #[test]
    fn a_short_page_with_both_commands_passes() {
        assert!(messages("README.md", format!("{DEMO_COMMAND}\n{TEST_COMMAND}\n")).is_empty());
    }

    #[test]
    fn a_long_page_or_a_missing_command_is_found() {
        assert_eq!(messages("README.md", String::new()).len(), 2);
        let long = format!("{DEMO_COMMAND}\n{TEST_COMMAND}\n{}", "more\n".repeat(149));
        assert_eq!(messages("README.md", long), ["151 lines, the limit is 150"]);
        assert_eq!(messages("ARCHITECTURE.md", "x\n".repeat(401)), ["401 lines, the limit is 400"]);
    }

    #[test]
    fn other_pages_may_be_as_they_are() {
        assert!(messages("crates/core/README.md", "x\n".repeat(1000)).is_empty());
    }
}
