//! Links between the project's own pages lead somewhere: the file is there, and so is the heading.
//!
//! Links to other sites are not followed.

use std::collections::BTreeMap;

use super::{File, Finding};

pub(crate) fn check(page: &File, files: &[File], exists: impl Fn(&str) -> bool) -> Vec<Finding> {
    let mut found = Vec::new();
    for (number, target) in targets(&page.text) {
        if is_elsewhere(&target) {
            continue;
        }
        let (path, anchor) = target.split_once('#').map_or((target.as_str(), None), |(p, a)| (p, Some(a)));
        let Some(resolved) = resolve(&page.path, path) else {
            found.push(Finding::fatal(&page.path, number, format!("link out of the project: {target}")));
            continue;
        };
        if !resolved.is_empty() && !exists(&resolved) {
            found.push(Finding::fatal(
                &page.path,
                number,
                format!("broken link: {target} ({resolved} is missing)"),
            ));
        } else if let Some(anchor) = anchor
            && let Some(other) = files.iter().find(|file| file.path == resolved && file.has_extension("md"))
            && !anchors(&other.text).any(|present| present == anchor)
        {
            found.push(Finding::fatal(
                &page.path,
                number,
                format!("broken link: no heading #{anchor} in {resolved}"),
            ));
        }
    }
    found
}

fn is_elsewhere(target: &str) -> bool {
    target.contains("://") || target.starts_with("mailto:")
}

/// The path from the root, or nothing when the link climbs out of it.
fn resolve(page: &str, path: &str) -> Option<String> {
    if path.is_empty() {
        return Some(page.to_owned());
    }
    let mut parts: Vec<&str> = match path.strip_prefix('/') {
        Some(_) => Vec::new(),
        None => page.split('/').collect(),
    };
    // The page's own name is no folder.
    parts.pop();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            name => parts.push(name),
        }
    }
    Some(parts.join("/"))
}

/// Lines outside fenced blocks, numbered from 1.
fn prose(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut fenced = false;
    text.lines().enumerate().filter_map(move |(index, line)| {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
            return None;
        }
        (!fenced).then_some((index + 1, line))
    })
}

/// Targets of `[text](target)` and of `[name]: target`.
fn targets(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (number, line) in prose(text) {
        let line = without_code(line);
        for rest in line.split("](").skip(1) {
            let target = rest.split([')', ' ']).next().unwrap_or_default();
            found.push((number, target.trim_matches(['<', '>']).to_owned()));
        }
        let definition = line.strip_prefix('[').and_then(|rest| rest.split_once("]: "));
        if let Some((_, target)) = definition {
            found.push((number, target.split_whitespace().next().unwrap_or_default().to_owned()));
        }
    }
    found
}

/// The line with what stands between backticks left out.
fn without_code(line: &str) -> String {
    line.split('`').step_by(2).collect()
}

/// Names that headings get on the usual hosts: lower case, hyphens for spaces, a number from the second on.
fn anchors(text: &str) -> impl Iterator<Item = String> {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let headings = prose(text).filter_map(|(_, line)| {
        let title = line.trim_start_matches('#');
        (title.len() < line.len()).then(|| title.strip_prefix(' ')).flatten()
    });
    let headings: Vec<&str> = headings.collect();
    headings.into_iter().map(move |title| {
        let plain = slug(title);
        let times = seen.entry(plain.clone()).or_default();
        *times += 1;
        if *times == 1 { plain } else { format!("{plain}-{}", *times - 1) }
    })
}

fn slug(title: &str) -> String {
    let kept = title.trim().chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
    kept.flat_map(char::to_lowercase).map(|c| if c == ' ' { '-' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages(path: &str, text: &str) -> Vec<String> {
        let page = File { path: path.to_owned(), text: text.to_owned() };
        let other =
            File { path: "docs/b.md".to_owned(), text: "# Paper & live\n## Twice\n## Twice\n".to_owned() };
        let files = [other, File { path: page.path.clone(), text: page.text.clone() }];
        let exists = |path: &str| ["docs/b.md", "docs", "README.md"].contains(&path);
        check(&page, &files, exists).into_iter().map(|finding| finding.message).collect()
    }

    #[test]
    fn links_that_lead_somewhere_pass() {
        for text in [
            "[b](docs/b.md) and [folder](docs/)",
            "![picture](<docs/b.md> \"title\")",
            "[head](docs/b.md#paper--live) [second](docs/b.md#twice-1)",
            "# Here\n[up](#here)",
            "[site](https://example.com/gone) [mail](mailto:a@example.com)",
            "`[not](a-link.md)`\n```\n[nor](this.md)\n```",
            "[b]: docs/b.md \"title\"",
        ] {
            assert_eq!(messages("README.md", text), Vec::<String>::new(), "{text}");
        }
        assert!(messages("docs/c.md", "[up](../README.md) [root](/README.md) [side](./b.md)").is_empty());
    }

    #[test]
    fn links_that_lead_nowhere_are_found() {
        for text in [
            "[gone](docs/gone.md)",
            "[gone]: docs/gone.md",
            "[head](docs/b.md#nowhere)",
            "[third](docs/b.md#twice-2)",
            "[here](#nowhere)",
            "[out](../../elsewhere.md)",
        ] {
            assert_eq!(messages("README.md", text).len(), 1, "{text}");
        }
    }
}
