//! `bench`: every benchmark of the workspace, or one pass over each with `--smoke`.
//!
//! Benchmarks are named one by one: a bare `cargo bench` would also build every unit test for release.
//! Numbers are read by people; no step fails because a machine was slow.

use std::path::Path;

use anyhow::{Context as _, Result};
use serde_json::Value;

use crate::command::{cargo, run};
use crate::step::{Context, Outcome, Step};
use crate::workspace::metadata;

pub(crate) const STEP: Step =
    Step { name: "bench", about: "all benchmarks; --smoke runs each once (not part of ci)", run: bench };

fn bench(context: &Context) -> Result<Outcome> {
    let targets = targets(&context.root)?;
    if targets.is_empty() {
        return Ok(Outcome::Skipped("no benchmark target in the workspace yet".to_owned()));
    }
    for (package, target) in &targets {
        let mut command = cargo(&context.root);
        command.args(["bench", "--locked", "--package", package, "--bench", target]);
        if context.flags.smoke {
            command.args(["--", "--test"]);
        }
        run(&mut command)?;
    }
    Ok(Outcome::Passed(format!("{} benchmarks", targets.len())))
}

fn targets(root: &Path) -> Result<Vec<(String, String)>> {
    bench_targets(&metadata(root)?).context("cargo metadata has an unexpected shape")
}

/// Pairs of package and benchmark.
fn bench_targets(metadata: &Value) -> Option<Vec<(String, String)>> {
    let mut found = Vec::new();
    for package in metadata.get("packages")?.as_array()? {
        let package_name = package.get("name")?.as_str()?;
        for target in package.get("targets")?.as_array()? {
            let kinds = target.get("kind")?.as_array()?;
            if kinds.iter().any(|kind| kind.as_str() == Some("bench")) {
                found.push((package_name.to_owned(), target.get("name")?.as_str()?.to_owned()));
            }
        }
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_benchmark_targets_are_run() {
        let metadata = json!({"packages": [{"name": "alphec-core", "targets": [
            {"name": "alphec_core", "kind": ["lib"]}, {"name": "decide", "kind": ["bench"]}]}]});
        assert_eq!(bench_targets(&metadata).unwrap(), [("alphec-core".to_owned(), "decide".to_owned())]);
    }

    #[test]
    fn an_unexpected_shape_is_not_an_empty_list() {
        assert!(bench_targets(&json!({"package": []})).is_none());
    }
}
