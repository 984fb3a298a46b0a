//! Profiles for tests, and variables that are not those of the process.

use std::path::PathBuf;

use alphec_execution::ConfigError;
use alphec_execution::config::{Env, Loaded, Overrides, Source, load};
use tempfile::TempDir;

/// A paper profile in five lines.
pub(crate) const PAPER: &str = r#"[profiles.paper]
mode = "paper"
accounts = ["DU1234567"]
instruments.AAPL = { kind = "stock", exchange = "SMART", currency = "USD", tick = "0.01" }
limits = { max_order_qty = 100, max_order_notional = 25000, max_position = 500, max_gross_notional = 100000, max_net_notional = 100000, max_leverage = 1, price_collar = "0.05" }
"#;

/// A folder with a configuration file in it.
pub(crate) struct Folder {
    pub(crate) dir: TempDir,
}

impl Folder {
    pub(crate) fn with(text: &str) -> Self {
        let folder = Self { dir: tempfile::tempdir().unwrap() };
        std::fs::write(folder.file(), text).unwrap();
        folder
    }

    pub(crate) fn file(&self) -> PathBuf {
        self.dir.path().join("alphec-exec.toml")
    }

    /// Loads with these variables and overrides, and no others.
    pub(crate) fn load(
        &self,
        variables: &[(&str, &str)],
        overrides: Overrides,
    ) -> Result<Loaded, ConfigError> {
        load(Source { path: Some(self.file()), profile: None, env: env(variables), overrides })
    }
}

pub(crate) fn env(variables: &[(&str, &str)]) -> Env {
    variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}
