//! `clients`: other people's TWS clients against the simulator, compared field by field.
//!
//! The only step that installs anything: the clients, at fixed versions, into a virtual environment in the
//! target folder. Out of reach of PyPI it is skipped, with the reason; what was installed once is used again.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::command::{cargo, read, run};
use crate::step::{Context, Outcome, Step};

pub(crate) const STEP: Step = Step {
    name: "clients",
    about: "ib_insync, ib_async and IBKR's Python client against the simulator",
    run: clients,
};

/// Where the scripts are, and the list of what they need.
pub(crate) const SCRIPTS: &str = "crates/twsim/tests/python";

fn clients(context: &Context) -> Result<Outcome> {
    let root = &context.root;
    let scripts = root.join(SCRIPTS);
    let target = target_folder(root);
    let python = match environment(&target, &scripts) {
        Ok(python) => python,
        Err(error) => return Ok(Outcome::Skipped(format!("the clients cannot be installed: {error:#}"))),
    };
    run(cargo(root).args(["build", "--locked", "--package", "alphec-twsim", "--example", "serve"]))?;
    let serve =
        target.join("debug").join("examples").join("serve").with_extension(std::env::consts::EXE_EXTENSION);
    run(Command::new(python).current_dir(&scripts).args(["-B", "run.py"]).env("TWSIM_SERVE", serve))?;
    Ok(Outcome::passed())
}

pub(crate) fn target_folder(root: &Path) -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), |folder| root.join(folder))
}

/// The interpreter of an environment that has the clients; made anew when the list of them changed.
pub(crate) fn environment(target: &Path, scripts: &Path) -> Result<PathBuf> {
    let folder = target.join("clients-venv");
    let python = folder.join("bin").join("python");
    let wanted = std::fs::read_to_string(scripts.join("requirements.txt")).context("no list of clients")?;
    let mark = folder.join("installed.txt");
    if std::fs::read_to_string(&mark).is_ok_and(|installed| installed == wanted) {
        return Ok(python);
    }
    read(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder))?;
    let mut install = Command::new(&python);
    install.current_dir(scripts).args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]);
    read(install.args(["--requirement", "requirements.txt"]))?;
    std::fs::write(&mark, wanted).with_context(|| format!("cannot write {}", mark.display()))?;
    Ok(python)
}
