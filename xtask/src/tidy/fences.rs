//! What a crate's code must not mention: its laws, written as absences.
//!
//! `layers` keeps foreign crates out; this keeps out what the standard library would let in. Tests and
//! comments are free.

use super::source::{code, has_word, is_test_file};
use super::{File, Finding};

struct Fence {
    /// The folder that it is around.
    around: &'static str,
    absent: &'static [&'static str],
    because: &'static str,
}

const FENCES: &[Fence] = &[
    Fence {
        around: "crates/core/src/",
        absent: &[
            "Instant",
            "SystemTime",
            "::now(",
            "std::fs",
            "std::net",
            "std::env",
            "std::thread",
            "std::process",
        ],
        because: "a decision reads no clock and does no I/O; time is an argument",
    },
    Fence {
        around: "crates/core/src/",
        absent: &["HashMap", "HashSet", "RandomState"],
        because: "their order differs from run to run, and a replay must not",
    },
    Fence {
        around: "crates/core/src/",
        absent: &["Mutex", "RwLock", "async fn", ".await"],
        because: "the machine has one caller; it neither locks nor waits",
    },
    Fence { around: "crates/core/src/", absent: &["f64", "f32"], because: "money and sizes are decimals" },
    Fence {
        around: "crates/model/src/",
        absent: &["Instant", "SystemTime", "::now(", "std::fs", "std::net", "std::env", "std::thread"],
        because: "words have no behaviour; whoever needs the time is given it",
    },
];

pub(crate) fn check(file: &File) -> Vec<Finding> {
    let mut found = Vec::new();
    if is_test_file(&file.path) {
        return found;
    }
    for fence in FENCES.iter().filter(|fence| file.path.starts_with(fence.around)) {
        for (number, line) in code(&file.text) {
            for word in fence.absent.iter().filter(|word| has_word(line, word)) {
                found.push(Finding::fatal(&file.path, number, format!("`{word}`: {}", fence.because)));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(path: &str, text: &str) -> Vec<Option<usize>> {
        let file = File { path: path.to_owned(), text: text.to_owned() };
        check(&file).into_iter().map(|finding| finding.line).collect()
    }

    #[test]
    fn every_absence_is_checked() {
        for fence in FENCES {
            for word in fence.absent {
                let path = format!("{}a.rs", fence.around);
                assert_eq!(lines(&path, &format!("//! A.\nlet x = {word} ;\n")), [Some(2)], "{word}");
            }
        }
    }

    #[test]
    fn comments_tests_and_other_crates_are_free() {
        assert_eq!(
            lines("crates/core/src/a.rs", "//! Not a HashMap.\nuse std::collections::BTreeMap;\n"),
            []
        );
        assert_eq!(lines("crates/core/src/a.rs", "#[cfg(test)]\nmod tests {\n    use std::fs;\n}\n"), []);
        assert_eq!(lines("crates/core/tests/it/main.rs", "use std::fs;\n"), []);
        assert_eq!(lines("crates/engine/src/clock.rs", "SystemTime::now()\n"), []);
        assert_eq!(lines("crates/core/src/a.rs", "fn visit_f64() {}\n"), []);
    }
}
