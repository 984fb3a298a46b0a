//! Manifests: every member takes the workspace's lints, and every dependency is declared once, at the root.

use std::collections::BTreeSet;

use toml::{Table, Value};

use super::{File, Finding};

const KINDS: [&str; 3] = ["dependencies", "dev-dependencies", "build-dependencies"];

/// Looks at one member's manifest.
pub(crate) fn check_member(file: &File) -> Vec<Finding> {
    if is_apart(file) {
        return Vec::new();
    }
    let Ok(manifest) = file.text.parse::<Table>() else {
        return vec![Finding::fatal(&file.path, None, "this is not TOML")];
    };
    let mut found = Vec::new();
    if !inherits(manifest.get("lints")) {
        found.push(Finding::fatal(&file.path, None, "add `[lints] workspace = true`"));
    }
    for (name, value) in dependencies(&manifest) {
        if !inherits(Some(value)) {
            let message =
                format!("declare `{name}` in the root manifest and write `{name}.workspace = true`");
            found.push(Finding::fatal(&file.path, None, message));
        }
    }
    found
}

/// Entries of the root's list that no member takes: one warning for all of them.
pub(crate) fn check_unused(files: &[File]) -> Option<Finding> {
    let root = files.iter().find(|file| file.path == "Cargo.toml")?;
    let root_table = root.text.parse::<Table>().ok()?;
    let declared = root_table.get("workspace")?.get("dependencies")?.as_table()?;
    let mut taken = BTreeSet::new();
    for file in files.iter().filter(|file| file.path.ends_with("/Cargo.toml")) {
        let Ok(manifest) = file.text.parse::<Table>() else { continue };
        taken.extend(dependencies(&manifest).map(|(name, _)| name.to_owned()));
    }
    let unused: Vec<&str> =
        declared.keys().map(String::as_str).filter(|name| !taken.contains(*name)).collect();
    let message = format!("declared and used by no crate: {}", unused.join(", "));
    (!unused.is_empty()).then(|| Finding::warning(&root.path, None, message))
}

/// A manifest with its own `[workspace]`, such as that of a fuzzing harness, inherits nothing.
fn is_apart(file: &File) -> bool {
    file.text.lines().any(|line| line.trim() == "[workspace]")
}

fn inherits(value: Option<&Value>) -> bool {
    value.and_then(|value| value.get("workspace")).and_then(Value::as_bool) == Some(true)
}

/// Dependencies of every kind, those of single platforms too.
fn dependencies(manifest: &Table) -> impl Iterator<Item = (&str, &Value)> {
    let platforms = manifest.get("target").and_then(Value::as_table).into_iter().flat_map(Table::values);
    let holders = platforms.filter_map(Value::as_table).chain([manifest]);
    let lists = holders.flat_map(|holder| KINDS.iter().filter_map(|kind| holder.get(*kind)?.as_table()));
    lists.flatten().map(|(name, value)| (name.as_str(), value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, text: &str) -> File {
        File { path: path.to_owned(), text: text.to_owned() }
    }

    fn messages(text: &str) -> Vec<String> {
        check_member(&file("crates/a/Cargo.toml", text)).into_iter().map(|finding| finding.message).collect()
    }

    #[test]
    fn a_manifest_that_inherits_everything_passes() {
        let text = "[lints]\nworkspace = true\n[dependencies]\nserde.workspace = true\n\
                    [dev-dependencies]\ntokio = { workspace = true, features = [\n  \"test-util\",\n] }\n";
        assert!(messages(text).is_empty());
    }

    #[test]
    fn missing_lints_are_found() {
        assert!(messages("[package]\nname = \"a\"\n")[0].contains("lints"));
        assert!(messages("[lints]\nworkspace = false\n")[0].contains("lints"));
    }

    #[test]
    fn a_version_in_a_member_is_found_in_every_kind_of_list() {
        for list in
            ["dependencies", "dev-dependencies", "build-dependencies", "target.'cfg(unix)'.dependencies"]
        {
            let found = messages(&format!("[lints]\nworkspace = true\n[{list}]\nserde = \"1\"\n"));
            assert!(found.len() == 1 && found[0].contains("serde"), "{list}: {found:?}");
        }
        assert_eq!(messages("[lints]\nworkspace = true\n[dependencies.serde]\nversion = \"1\"\n").len(), 1);
    }

    #[test]
    fn a_workspace_of_its_own_is_left_alone_and_broken_text_is_not() {
        assert!(messages("[workspace]\n[dependencies]\nserde = \"1\"\n").is_empty());
        assert_eq!(messages("[lints\n"), ["this is not TOML"]);
    }

    #[test]
    fn unused_entries_of_the_root_are_one_warning() {
        let root = file("Cargo.toml", "[workspace.dependencies]\nserde = \"1\"\ntime = \"1\"\n");
        let member = file("crates/a/Cargo.toml", "[dependencies]\nserde.workspace = true\n");
        let finding = check_unused(&[root, member]).unwrap();
        assert!(!finding.fatal && finding.message.ends_with(": time"), "{finding:?}");
        assert!(check_unused(&[]).is_none());
    }
}
