//! Every source file begins by saying what it is for: `//!` on its first line.

use super::{File, Finding};

pub(crate) fn check(file: &File) -> Option<Finding> {
    let in_scope =
        file.path.contains("/src/") && (file.path.starts_with("crates/") || file.path.starts_with("xtask/"));
    let first = file.text.lines().find(|line| !line.trim().is_empty() && !line.contains("@generated"));
    let said = first.and_then(|line| line.strip_prefix("//!")).is_some_and(|text| !text.trim().is_empty());
    (in_scope && !said).then(|| {
        Finding::fatal(&file.path, 1, "begin with `//!`: what the file is for, then what it leaves out")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passes(path: &str, text: &str) -> bool {
        check(&File { path: path.to_owned(), text: text.to_owned() }).is_none()
    }

    #[test]
    fn a_file_that_says_its_purpose_passes() {
        assert!(passes("crates/core/src/a.rs", "//! Counts fills.\nfn f() {}\n"));
        assert!(passes("xtask/src/a.rs", "// @generated\n//! Counts fills.\n"));
    }

    #[test]
    fn a_file_that_says_nothing_first_does_not() {
        assert!(!passes("crates/core/src/a.rs", "use std::fmt;\n//! Late.\n"));
        assert!(!passes("crates/core/src/a.rs", "// A plain comment.\n"));
        assert!(!passes("crates/core/src/a.rs", "//!\n"));
        assert!(!passes("crates/core/src/a.rs", ""));
    }

    #[test]
    fn integration_tests_are_free_to_start_as_they_like() {
        assert!(passes("crates/core/tests/it/main.rs", "mod a;\n"));
    }
}
