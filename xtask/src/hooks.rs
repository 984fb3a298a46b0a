//! `hooks`: a pre-push hook that runs `quick`, for those who want one.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use crate::command::read;
use crate::step::{Context, Outcome, Step};

pub(crate) const STEP: Step =
    Step { name: "hooks", about: "install a git pre-push hook that runs quick (optional)", run: install };

/// The second line is how a later run knows that the hook is ours.
const HOOK: &str = "#!/bin/sh\n# Installed by `cargo xtask hooks`; delete this file to be rid of it.\nexec cargo xtask quick\n";

fn install(context: &Context) -> Result<Outcome> {
    let words = ["rev-parse", "--git-path", "hooks"];
    let folder = read(Command::new("git").args(words).current_dir(&context.root))?;
    write(&context.root.join(folder.trim()))
}

fn write(folder: &Path) -> Result<Outcome> {
    let path = folder.join("pre-push");
    if let Ok(present) = fs::read_to_string(&path) {
        ensure!(present.contains("cargo xtask hooks"), "{} is not ours; it stays as it is", path.display());
    }
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    fs::write(&path, HOOK).with_context(|| format!("cannot write {}", path.display()))?;
    make_executable(&path)?;
    Ok(Outcome::Passed("pre-push runs quick".to_owned()))
}

#[cfg(unix)]
fn make_executable(path: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755))
        .with_context(|| format!("cannot make {} executable", path.display()))
}

#[cfg(not(unix))]
fn make_executable(_path: &Path) -> Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_foreign_hook_is_left_alone_and_ours_is_replaced() {
        let folder = std::env::temp_dir().join(format!("xtask-hooks-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("pre-push"), "#!/bin/sh\nmine\n").unwrap();
        assert!(write(&folder).is_err());
        assert_eq!(fs::read_to_string(folder.join("pre-push")).unwrap(), "#!/bin/sh\nmine\n");

        fs::remove_file(folder.join("pre-push")).unwrap();
        assert!(write(&folder).is_ok());
        assert!(write(&folder).is_ok());
        assert_eq!(fs::read_to_string(folder.join("pre-push")).unwrap(), HOOK);
        fs::remove_dir_all(&folder).unwrap();
    }
}
