//! Looking at Rust source as lines, without parsing it.
//!
//! Good enough because rustfmt has laid the text out: attributes of items and the closing brace of a
//! module begin at the left margin.

/// Whether a file holds tests only.
pub(crate) fn is_test_file(path: &str) -> bool {
    let inside =
        |folder: &str| path.contains(&format!("/{folder}/")) || path.starts_with(&format!("{folder}/"));
    inside("tests") || inside("benches") || path.ends_with("/tests.rs")
}

/// The number of lines before a test module that closes the file, or of all lines when there is none.
pub(crate) fn code_lines(text: &str) -> usize {
    let lines: Vec<&str> = text.lines().collect();
    let end = lines.iter().rposition(|line| !line.trim().is_empty()).map_or(0, |last| last + 1);
    // Look for the last `#[cfg(test)]` at the margin; what follows is a test module only if that
    // module's closing brace is also the end of the file.
    let Some(start) = lines.iter().rposition(|line| *line == "#[cfg(test)]") else { return end };
    let mut rest =
        lines.iter().enumerate().take(end).skip(start + 1).skip_while(|(_, l)| l.starts_with("#["));
    let Some((head, module)) = rest.next() else { return end };
    let names_a_module = module.starts_with("mod ") || module.starts_with("pub(crate) mod ");
    if !names_a_module {
        return end;
    }
    let closes_at = if module.ends_with(';') {
        Some(head)
    } else {
        rest.find(|(_, line)| **line == "}").map(|(at, _)| at)
    };
    if closes_at == Some(end - 1) { start } else { end }
}

/// Lines of code with their numbers from 1: no comments, no trailing test module.
pub(crate) fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines().take(code_lines(text)).enumerate().map(|(index, line)| (index + 1, without_comment(line)))
}

/// Everything before `//`. A `//` within a string ends the line too: too little is looked at, not too much.
pub(crate) fn without_comment(line: &str) -> &str {
    line.split("//").next().unwrap_or_default()
}

/// Where `word` stands in `line` with no letter, digit or underscore touching either end of it.
pub(crate) fn has_word(line: &str, word: &str) -> bool {
    let part_of_name = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + word.len()..].chars().next();
        let opens_inside = word.starts_with(part_of_name) && before.is_some_and(part_of_name);
        let ends_inside = word.ends_with(part_of_name) && after.is_some_and(part_of_name);
        !opens_inside && !ends_inside
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trailing_test_module_does_not_count() {
        assert_eq!(code_lines("//! a\nfn f() {}\n\n#[cfg(test)]\nmod tests {\n    fn g() {}\n}\n"), 3);
        assert_eq!(code_lines("fn f() {}\n#[cfg(test)]\n#[path = \"x.rs\"]\nmod tests;\n"), 1);
        assert_eq!(code_lines("fn f() {}\n\n\n"), 1);
        assert_eq!(code_lines(""), 0);
    }

    #[test]
    fn code_after_a_test_module_is_not_hidden_by_it() {
        let text = "fn f() {}\n#[cfg(test)]\nmod tests {\n}\nfn g() {}\n";
        assert_eq!(code_lines(text), 5);
        assert_eq!(code_lines("fn f() {}\n#[cfg(test)]\nmod tests;\nfn g() {}\n"), 4);
        assert_eq!(code_lines("#[cfg(test)]\nfn helper() {\n}\n"), 3);
    }

    #[test]
    fn comments_and_tests_are_not_code() {
        let text = "let a = 1; // b\n// c\n#[cfg(test)]\nmod tests {\n}\n";
        assert_eq!(code(text).collect::<Vec<_>>(), [(1, "let a = 1; "), (2, "")]);
    }

    #[test]
    fn words_are_whole() {
        assert!(has_word("let x: f64 = 0.0;", "f64"));
        assert!(has_word("a::now()", "::now("));
        assert!(!has_word("visit_f64(x)", "f64"));
        assert!(!has_word("f64x2", "f64"));
        assert!(has_word("xf64 f64", "f64"));
        assert!(has_word("x.await?", ".await"));
    }

    #[test]
    fn test_files_are_known_by_their_place() {
        for path in
            ["crates/core/tests/it/main.rs", "crates/core/src/orders/tests.rs", "crates/a/benches/b.rs"]
        {
            assert!(is_test_file(path), "{path}");
        }
        assert!(!is_test_file("crates/core/src/attests.rs"));
        assert!(!is_test_file("xtask/src/test.rs"));
    }
}
