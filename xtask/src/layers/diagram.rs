//! The dependency diagram in ARCHITECTURE.md: drawn from the manifests, so that it cannot drift.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, bail, ensure};

use super::declared::Member;

const BEGIN: &str = "<!-- layers:begin -->";
const END: &str = "<!-- layers:end -->";

/// Members and the edges between them, callers above what they call.
pub(crate) fn draw(members: &[Member]) -> String {
    let mut drawing = String::from("```mermaid\nflowchart TD\n");
    for member in members.iter().rev().filter(|member| member.name != "xtask") {
        // Writing to a String cannot fail.
        let _ = writeln!(drawing, "    {}", member.name);
        for seen in members.iter().filter(|other| member.shipped.contains(&other.name)) {
            let _ = writeln!(drawing, "    {} --> {}", member.name, seen.name);
        }
    }
    drawing.push_str("```");
    drawing
}

/// Compares the drawing with the one in the page, or puts it there; returns a note for the table.
pub(crate) fn check(page: &Path, drawing: &str, write: bool) -> Result<&'static str> {
    let Ok(text) = fs::read_to_string(page) else { return Ok("; no ARCHITECTURE.md yet") };
    let wanted = replaced(&text, drawing)?;
    if wanted == text {
        return Ok("; diagram current");
    }
    if !write {
        bail!("the diagram in ARCHITECTURE.md is old; `cargo xtask layers --write` redraws it");
    }
    fs::write(page, wanted).with_context(|| format!("cannot write {}", page.display()))?;
    Ok("; diagram redrawn")
}

fn replaced(text: &str, drawing: &str) -> Result<String> {
    let missing =
        || format!("ARCHITECTURE.md needs the lines `{BEGIN}` and `{END}` around its dependency diagram");
    let (before, rest) = text.split_once(BEGIN).with_context(missing)?;
    let (_, after) = rest.split_once(END).with_context(missing)?;
    ensure!(!after.contains(BEGIN), "ARCHITECTURE.md has the line `{BEGIN}` twice");
    Ok(format!("{before}{BEGIN}\n{drawing}\n{END}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn house() -> Vec<Member> {
        let member = |name: &str, sees: &[&str]| Member {
            name: name.to_owned(),
            shipped: sees.iter().map(ToString::to_string).collect(),
            tests: vec!["cli".to_owned()],
        };
        vec![member("model", &["serde"]), member("core", &["model"]), member("xtask", &["anyhow"])]
    }

    #[test]
    fn members_and_their_edges_are_drawn_and_nothing_else() {
        let drawn = "```mermaid\nflowchart TD\n    core\n    core --> model\n    model\n```";
        assert_eq!(draw(&house()), drawn);
    }

    #[test]
    fn only_the_text_between_the_markers_changes() {
        let page = format!("# A\n{BEGIN}\nold\n{END}\nrest\n");
        let fresh = replaced(&page, "new").unwrap();
        assert_eq!(fresh, format!("# A\n{BEGIN}\nnew\n{END}\nrest\n"));
        assert_eq!(replaced(&fresh, "new").unwrap(), fresh);
    }

    #[test]
    fn a_page_without_markers_or_with_two_pairs_is_refused() {
        assert!(replaced("# A\n", "new").is_err());
        assert!(replaced(&format!("{END}\n{BEGIN}\n"), "new").is_err());
        assert!(replaced(&format!("{BEGIN}\n{END}\n{BEGIN}\n{END}\n"), "new").is_err());
    }

    #[test]
    fn an_old_diagram_fails_until_it_is_redrawn() {
        let page = std::env::temp_dir().join(format!("xtask-diagram-{}.md", std::process::id()));
        fs::write(&page, format!("{BEGIN}\nold\n{END}\n")).unwrap();
        assert!(check(&page, "new", false).unwrap_err().to_string().contains("--write"));
        assert_eq!(check(&page, "new", true).unwrap(), "; diagram redrawn");
        assert_eq!(check(&page, "new", false).unwrap(), "; diagram current");
        fs::remove_file(&page).unwrap();
        assert_eq!(check(&page, "new", false).unwrap(), "; no ARCHITECTURE.md yet");
    }
}
