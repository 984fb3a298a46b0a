//! What the manifests say: edges between members, and the few foreign names that have an owner.
//!
//! Every declared dependency counts, optional and per-platform ones too.

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use super::rules::{FLOORS, NOT_EVEN_IN_TESTS, OWNED, PREFIX};

/// A workspace member with the names in its manifest, members without their prefix.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Member {
    pub(crate) name: String,
    /// Normal and build dependencies.
    pub(crate) shipped: Vec<String>,
    /// Dependencies of its tests, examples and benchmarks.
    pub(crate) tests: Vec<String>,
}

/// Reads the members out of `cargo metadata --no-deps`, sorted by their floor.
pub(crate) fn members(metadata: &Value) -> Result<Vec<Member>> {
    let packages = metadata.get("packages").and_then(Value::as_array).context("metadata has no packages")?;
    ensure!(!packages.is_empty(), "metadata lists no package");
    let mut members = packages.iter().map(member).collect::<Result<Vec<_>>>()?;
    let floor = |name: &str| FLOORS.iter().position(|floor| floor.name == name).unwrap_or(usize::MAX);
    members.sort_by_key(|member| (floor(&member.name), member.name.clone()));
    Ok(members)
}

fn member(package: &Value) -> Result<Member> {
    let mut member = Member { name: short(text(package, "name")?), ..Member::default() };
    let dependencies = package.get("dependencies").and_then(Value::as_array);
    for dependency in dependencies.context("a package has no list of dependencies")? {
        let name = short(text(dependency, "name")?);
        match dependency.get("kind").and_then(Value::as_str) {
            Some("dev") => member.tests.push(name),
            // A normal dependency has no kind, a build dependency has "build".
            _ => member.shipped.push(name),
        }
    }
    Ok(member)
}

fn text<'a>(value: &'a Value, field: &str) -> Result<&'a str> {
    value.get(field).and_then(Value::as_str).with_context(|| format!("metadata without `{field}`"))
}

fn short(name: &str) -> String {
    name.strip_prefix(PREFIX).unwrap_or(name).to_owned()
}

/// Every edge that the table does not allow, as sentences.
pub(crate) fn breaches(members: &[Member]) -> Vec<String> {
    let mut found = Vec::new();
    for member in members {
        let name = &member.name;
        let Some(floor) = FLOORS.iter().find(|floor| floor.name == *name) else {
            found.push(format!(
                "{name} has no place in the house: give it a line in xtask/src/layers/rules.rs"
            ));
            continue;
        };
        for seen in members.iter().filter(|other| member.shipped.contains(&other.name)) {
            if !floor.may_see.contains(&seen.name.as_str()) {
                found.push(format!("{name} depends on {}, and may see only {:?}", seen.name, floor.may_see));
            }
        }
        for (foreign, owner) in OWNED {
            if name != owner && names(&member.shipped, foreign) {
                found.push(format!("{name} depends on {foreign}, which only {owner} may"));
            }
        }
        for (who, foreign) in NOT_EVEN_IN_TESTS {
            if name == who && (names(&member.tests, foreign) || names(&member.shipped, foreign)) {
                found.push(format!("{name} names {foreign}, and must not even for its tests"));
            }
        }
    }
    found
}

fn names(list: &[String], name: &str) -> bool {
    list.iter().any(|entry| entry == name)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn member(name: &str, shipped: &[&str], tests: &[&str]) -> Member {
        let owned = |list: &[&str]| list.iter().map(ToString::to_string).collect();
        Member { name: name.to_owned(), shipped: owned(shipped), tests: owned(tests) }
    }

    #[test]
    fn edges_that_point_up_pass() {
        let members = [
            member("model", &["serde"], &["proptest"]),
            member("core", &["model"], &["journal"]),
            member("journal", &["model", "rusqlite"], &["tokio"]),
            member("ibkr", &["model", "ibapi"], &["twsim"]),
            member("twsim", &["model"], &["ibapi"]),
            member("engine", &["model", "core", "journal", "tokio"], &["twsim"]),
        ];
        assert_eq!(breaches(&members), Vec::<String>::new());
    }

    #[test]
    fn edges_that_point_down_or_sideways_are_named() {
        for (who, sees) in [
            ("model", "core"),
            ("core", "journal"),
            ("journal", "core"),
            ("twsim", "ibkr"),
            ("engine", "ibkr"),
        ] {
            let found = breaches(&[member(who, &[sees], &[]), member(sees, &[], &[])]);
            assert_eq!(found.len(), 1, "{who} -> {sees}: {found:?}");
            assert!(found[0].contains(who) && found[0].contains(sees));
        }
    }

    #[test]
    fn a_crate_without_a_floor_is_a_breach() {
        assert!(breaches(&[member("helpers", &[], &[])])[0].contains("helpers has no place"));
    }

    #[test]
    fn only_the_adapter_names_the_broker_library() {
        assert!(breaches(&[member("execution", &["ibapi"], &[])])[0].contains("only ibkr"));
        assert!(breaches(&[member("engine", &["rusqlite"], &[])])[0].contains("only journal"));
    }

    #[test]
    fn the_core_does_not_name_tokio_even_for_its_tests() {
        assert!(breaches(&[member("core", &[], &["tokio"])])[0].contains("tokio"));
        assert!(breaches(&[member("core", &["tokio"], &[])])[0].contains("tokio"));
    }

    #[test]
    fn metadata_is_read_by_kind() {
        let metadata = json!({"packages": [{"name": "alphec-core", "dependencies": [
            {"name": "alphec-model", "kind": null},
            {"name": "cc", "kind": "build"},
            {"name": "alphec-journal", "kind": "dev"}]}]});
        assert_eq!(members(&metadata).unwrap(), [member("core", &["model", "cc"], &["journal"])]);
    }

    #[test]
    fn metadata_of_another_shape_is_an_error_not_an_empty_house() {
        assert!(members(&json!({})).is_err());
        assert!(members(&json!({"packages": []})).is_err());
        assert!(members(&json!({"packages": [{"name": "alphec-core"}]})).is_err());
    }
}
