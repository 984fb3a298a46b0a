//! `python`: the package as a user gets it: its wheel in a fresh environment, its tests, its stubs, its types.
//!
//! Like `clients` it installs from PyPI, into environments in the target folder, and is skipped out of its reach.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use crate::command::{read, run, without_this_package};
use crate::step::{Context, Outcome, Step};

pub(crate) const STEP: Step = Step {
    name: "python",
    about: "the Python package: its wheel in a fresh environment, tests, stubs and types",
    run: package,
};

/// Where the package is.
const PACKAGE: &str = "python";

pub(crate) fn package(context: &Context) -> Result<Outcome> {
    let package = context.root.join(PACKAGE);
    let target = target_folder(&context.root);
    let tools = match Environment::with_tools(&target, &package) {
        Ok(tools) => tools,
        Err(error) => return Ok(Outcome::Skipped(format!("its tools cannot be installed: {error:#}"))),
    };
    let wheel = build(&tools, &package, &target)?;
    run(tools.pip().args(["install", "--force-reinstall", "--no-deps", "--no-index"]).arg(&wheel))?;
    prove(&tools, &package)?;
    alone(&target, &package, &wheel)?;
    Ok(Outcome::passed())
}

/// The wheel, built with the profile of the other tests.
fn build(tools: &Environment, package: &Path, target: &Path) -> Result<PathBuf> {
    let wheels = target.join("wheels");
    if wheels.exists() {
        std::fs::remove_dir_all(&wheels).with_context(|| format!("cannot empty {}", wheels.display()))?;
    }
    let mut maturin = tools.python();
    without_this_package(&mut maturin);
    maturin
        .current_dir(package)
        .args(["-m", "maturin", "build", "--profile", "dev", "--locked", "--out"])
        .arg(&wheels);
    run(&mut maturin)?;
    let mut built = std::fs::read_dir(&wheels)?.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    ensure!(built.len() == 1, "maturin built {} wheels, not one", built.len());
    built.pop().context("maturin built no wheel")
}

/// Its tests, and that stubs and annotations tell the truth. Beside the sources nothing would prove the wheel, so
/// these run where the sources are not.
fn prove(tools: &Environment, package: &Path) -> Result<()> {
    let elsewhere = tools.folder.join("elsewhere");
    std::fs::create_dir_all(&elsewhere)?;
    let python = || {
        let mut python = tools.python();
        python.current_dir(&elsewhere);
        python
    };
    let configured = package.join("pyproject.toml");
    run(python()
        .args(["-m", "pytest", "-q", "-p", "no:cacheprovider", "-c"])
        .arg(&configured)
        .arg(package.join("tests")))?;
    run(python().args(["-m", "mypy.stubtest", "alphec_execution._native"]))?;
    let examples = package.join("examples");
    run(python().args(["-m", "mypy", "--strict"]).arg(&examples))?;
    run(python().args(["-m", "pyright", "--pythonpath"]).arg(tools.python().get_program()).arg(&examples))?;
    for checked in [&["-m", "ruff", "check"][..], &["-m", "ruff", "format", "--check"]] {
        run(python().args(checked).arg("--quiet").arg(package))?;
    }
    Ok(())
}

/// The wheel by itself, with nothing but Python: what its readme shows trades as it is written, and the first example.
fn alone(target: &Path, package: &Path, wheel: &Path) -> Result<()> {
    let clean = Environment::new(target.join("python-clean-venv"))?;
    read(clean.pip().args(["install", "--no-index", "--no-deps"]).arg(wheel))?;
    let python = || {
        let mut python = clean.python();
        python.current_dir(&clean.folder).env("PATH", "");
        python
    };
    run(python().arg(package.join("tests").join("as_written.py")).arg(package.join("README.md")))?;
    run(python().arg(package.join("examples").join("first_order.py")))
}

/// A virtual environment.
struct Environment {
    folder: PathBuf,
}

impl Environment {
    fn new(folder: PathBuf) -> Result<Self> {
        read(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder))?;
        Ok(Self { folder })
    }

    /// One with what the tests need, made anew when the list of it changed.
    fn with_tools(target: &Path, package: &Path) -> Result<Self> {
        let folder = target.join("python-venv");
        let list = package.join("requirements-dev.txt");
        let wanted = std::fs::read_to_string(&list).context("no list of tools")?;
        let mark = folder.join("installed.txt");
        if std::fs::read_to_string(&mark).is_ok_and(|installed| installed == wanted) {
            return Ok(Self { folder });
        }
        let made = Self::new(folder)?;
        read(made.pip().args(["install", "--requirement"]).arg(&list))?;
        std::fs::write(&mark, wanted).with_context(|| format!("cannot write {}", mark.display()))?;
        Ok(made)
    }

    fn python(&self) -> Command {
        Command::new(self.folder.join("bin").join("python"))
    }

    fn pip(&self) -> Command {
        let mut pip = self.python();
        pip.args(["-m", "pip", "--quiet", "--disable-pip-version-check"]);
        pip
    }
}

fn target_folder(root: &Path) -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), |folder| root.join(folder))
}
