//! Where the workspace is and which files belong to it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;

use crate::command::{cargo, read};

/// The nearest folder upwards that holds both `Cargo.lock` and `xtask`.
///
/// Read from where the program runs, not from where it was built: a checkout may have moved.
pub(crate) fn root() -> Result<PathBuf> {
    let here = std::env::current_dir().context("cannot read the current folder")?;
    match here.ancestors().find(|folder| folder.join("Cargo.lock").is_file() && folder.join("xtask").is_dir())
    {
        Some(folder) => Ok(folder.to_owned()),
        None => bail!("run this inside a checkout of the project: {} is in none", here.display()),
    }
}

/// Files that git tracks or would track, relative to the root, sorted, with `/` between parts.
pub(crate) fn files(root: &Path) -> Result<Vec<String>> {
    let output = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(root)
        .output()
        .context("tidy asks git which files belong to the project, and git did not start")?;
    ensure!(output.status.success(), "git ls-files: {}", String::from_utf8_lossy(&output.stderr).trim());
    let listed = String::from_utf8(output.stdout).context("a file name is not UTF-8")?;
    let names: BTreeSet<&str> = listed.split('\0').filter(|name| !name.is_empty()).collect();
    Ok(names.into_iter().filter(|name| root.join(name).is_file()).map(str::to_owned).collect())
}

/// What the manifests of the members declare. Needs no network and no lock file: nothing is resolved.
pub(crate) fn metadata(root: &Path) -> Result<Value> {
    let text = read(cargo(root).args(["metadata", "--no-deps", "--format-version", "1"]))?;
    serde_json::from_str(&text).context("cargo metadata wrote something that is not JSON")
}
