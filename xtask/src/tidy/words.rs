//! Words that do not belong in the project's files, each with the reason.
//!
//! Case-sensitive. Lock files are written by package managers and are not looked at.

use std::path::Path;

use super::source::has_word;
use super::{File, Finding};

struct Banned {
    text: &'static str,
    because: &'static str,
}

const LATER: &str = "unfinished work lives in an issue, not in a file";
const MACHINE: &str = "a path of one machine means nothing on another";
const HOST: &str = "name a package, not the host of a registry: mirrors and firms differ";

const BANNED: &[Banned] = &[
    Banned { text: concat!("TO", "DO"), because: LATER },
    Banned { text: concat!("FIX", "ME"), because: LATER },
    Banned { text: concat!("XX", "X"), because: LATER },
    Banned { text: concat!("to", "do!"), because: LATER },
    Banned { text: concat!("unimple", "mented!"), because: LATER },
    Banned { text: concat!("/wo", "rk/"), because: MACHINE },
    Banned { text: concat!("/ro", "ot/"), because: MACHINE },
    Banned { text: concat!("index.cra", "tes.io"), because: HOST },
    Banned { text: concat!("static.cra", "tes.io"), because: HOST },
    Banned { text: concat!("//cra", "tes.io"), because: HOST },
    Banned { text: concat!("py", "pi.org"), because: HOST },
    Banned { text: concat!("python", "hosted.org"), because: HOST },
    Banned { text: concat!("registry.npm", "js.org"), because: HOST },
    Banned { text: concat!("deb.deb", "ian.org"), because: HOST },
];

pub(crate) fn check(file: &File) -> Vec<Finding> {
    if is_lock_file(&file.path) {
        return Vec::new();
    }
    let lines = file.text.lines().enumerate();
    let hits = lines.flat_map(|(index, line)| {
        BANNED
            .iter()
            .filter(move |banned| stands_in(line, banned.text))
            .map(move |banned| (index + 1, banned))
    });
    hits.map(|(line, banned)| {
        Finding::fatal(&file.path, line, format!("`{}`: {}", banned.text, banned.because))
    })
    .collect()
}

/// A path counts only from its beginning: `docs/work/` is nobody's machine.
fn stands_in(line: &str, text: &str) -> bool {
    if !text.starts_with('/') || text.starts_with("//") {
        return has_word(line, text);
    }
    let continues = |c: char| c.is_alphanumeric() || "_-.~}".contains(c);
    line.match_indices(text).any(|(at, _)| !line[..at].chars().next_back().is_some_and(continues))
}

fn is_lock_file(path: &str) -> bool {
    let name = Path::new(path).file_name().and_then(|name| name.to_str()).unwrap_or(path);
    name.ends_with(".lock") || name == "package-lock.json"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(path: &str, text: &str) -> Vec<Option<usize>> {
        let file = File { path: path.to_owned(), text: text.to_owned() };
        check(&file).into_iter().map(|finding| finding.line).collect()
    }

    #[test]
    fn every_banned_word_is_found_with_its_line() {
        for banned in BANNED {
            assert_eq!(
                lines("a.md", &format!("fine\nsee {} here\n", banned.text)),
                [Some(2)],
                "{}",
                banned.text
            );
        }
    }

    #[test]
    fn ordinary_text_passes() {
        for text in [
            "a todo list",
            "mktemp XXXXXXX",
            "docs/work/plan.md",
            "${HOME}/work/x",
            "crates.io",
            "rooted/root/x",
        ] {
            assert_eq!(lines("a.md", text), [], "{text}");
        }
    }

    #[test]
    fn lock_files_are_not_ours_to_word() {
        let url = concat!("source = \"https://index.cra", "tes.io/\"");
        assert_eq!(lines("Cargo.lock", url), []);
        assert_eq!(lines("web/package-lock.json", url), []);
        assert_eq!(lines("web/package.json", url), [Some(1)]);
    }
}
