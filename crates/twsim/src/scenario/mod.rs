//! A scenario: how a gateway starts, and a script of what happens to it — at this time or after this event, do that.
//!
//! ```toml
//! seed = 7
//! faults = ["commission-late=2s"]
//!
//! [prices]
//! AAPL = "230"
//!
//! [[step]]
//! at = "30s"
//! do = "inject"
//! fault = "half-open(resume=5s)"
//!
//! [[step]]
//! after = { event = "fill", symbol = "AAPL", nth = 2 }
//! wait = "500ms"
//! do = "bust"
//! ```
//!
//! What a step can do is what the control port can do ([`Action`](crate::action::Action)); one that names no order, execution or client
//! means that of the event. Each step happens once and is noted as a decision, with the seed.

mod setup;
mod steps;
mod toml;

use std::path::{Path, PathBuf};
use std::str::FromStr;

use crate::config::GatewayConfig;

pub use setup::Setup;
pub use steps::{Event, EventKind, Moment, Step};

use ::toml::de::DeTable;
use toml::{Source, Table};

/// A scenario that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}: {what}; {hint}")]
pub struct ScenarioError {
    /// The file.
    pub file: String,
    /// The line, counted from 1.
    pub line: usize,
    /// What is wrong.
    pub what: String,
    /// What would do.
    pub hint: String,
}

/// Largest file that is read.
const BYTES_MAX: u64 = 16 * 1024 * 1024;

/// A scenario, read and checked.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Scenario {
    /// How the gateway starts.
    pub setup: Setup,
    /// What happens to it.
    pub steps: Vec<Step>,
}

impl Scenario {
    /// Reads a file. Names of other files in it are relative to it.
    ///
    /// # Errors
    /// The file cannot be read, or the first thing in it that is wrong.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, ScenarioError> {
        let path = path.as_ref();
        let name = path.display().to_string();
        let failed = |what: String| ScenarioError {
            file: name.clone(),
            line: 0,
            what,
            hint: "name a scenario in TOML".to_owned(),
        };
        let size =
            std::fs::metadata(path).map_err(|error| failed(format!("it cannot be read: {error}")))?.len();
        if size > BYTES_MAX {
            return Err(failed(format!("it has {size} bytes, more than {BYTES_MAX}")));
        }
        let text =
            std::fs::read_to_string(path).map_err(|error| failed(format!("it cannot be read: {error}")))?;
        Self::read(&text, &name, path.parent())
    }

    fn read(text: &str, name: &str, folder: Option<&Path>) -> Result<Self, ScenarioError> {
        let source = Source { name, text };
        let document = DeTable::parse(text).map_err(|error| source.unreadable(&error))?;
        let root = Table::root(source, &document);
        let folder = folder.map_or_else(PathBuf::new, Path::to_owned);
        let setup = Setup::read(root, &folder)?;
        let listed = setup.listed();
        let steps = match root.get("step") {
            Some(item) => {
                item.list()?.into_iter().map(|item| Step::read(item, &listed)).collect::<Result<_, _>>()?
            }
            None => Vec::new(),
        };
        Ok(Self { setup, steps })
    }

    pub(crate) fn apply(self, config: &mut GatewayConfig) {
        self.setup.apply(config);
        config.steps = self.steps;
    }
}

/// A scenario from its text.
impl FromStr for Scenario {
    type Err = ScenarioError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::read(text, "scenario", None)
    }
}

#[cfg(test)]
mod tests;
