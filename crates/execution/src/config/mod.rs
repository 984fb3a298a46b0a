//! Configuration: one TOML file of profiles, layered with the environment and the caller's options.
//!
//! Built-in defaults < file < `ALPHEC_EXEC_*` variables < [`Overrides`]. Nothing about money has a
//! default: a profile without limits does not start. Every value knows where it came from, every
//! complaint points at its cause, and secrets stand here only as references ([`SecretRef`]).
//!
//! ```
//! use alphec_execution::config::{Env, Source, load};
//!
//! # let folder = tempfile::tempdir().unwrap();
//! let path = folder.path().join("alphec-exec.toml");
//! std::fs::write(&path, r#"
//! [profiles.paper]
//! mode = "paper"
//! accounts = ["DU1234567"]
//! instruments.AAPL = { kind = "stock", exchange = "SMART", currency = "USD", tick = "0.01" }
//! limits = { max_order_qty = 100, max_order_notional = 25000, max_position = 500, max_gross_notional = 100000, max_net_notional = 100000, max_leverage = 1, price_collar = "0.05" }
//! "#).unwrap();
//! let env = Env::from_iter([("ALPHEC_EXEC_PORT".to_owned(), "4002".to_owned())]);
//! let loaded = load(Source { path: Some(path), env, ..Source::default() }).unwrap();
//! assert_eq!(loaded.profile.port, 4002);
//! assert_eq!(loaded.origins["port"].origin.to_string(), "env ALPHEC_EXEC_PORT");
//! ```

pub mod arming;
mod check;
mod de;
mod env;
mod error;
mod explain;
mod instruments;
mod profile;
mod restart;
mod secret;
mod text;
mod tree;

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};

pub use env::Env;
pub use error::{ConfigError, Place, SAMPLE};
pub use profile::{Armed, Heartbeat, Profile, Reconnect, Stop};
pub use restart::RestartWindow;
pub use secret::SecretRef;
pub use tree::Origin;

use de::Fault;
use explain::File;
use tree::{Node, Value, parse_toml};

/// The file's name where it is looked for first: in the current directory.
const HERE: &str = "alphec-exec.toml";
/// Its name below the user's configuration directory.
const IN_HOME: &str = "alphec-exec/config.toml";
/// The longest file.
const BYTES_MAX: u64 = 1024 * 1024;
/// The lowest layer.
const DEFAULTS: &str = include_str!("defaults.toml");

/// Where a configuration comes from.
#[derive(Debug, Clone, Default)]
pub struct Source {
    /// The file; `None` for `ALPHEC_EXEC_CONFIG`, else `./alphec-exec.toml`, else
    /// `$XDG_CONFIG_HOME/alphec-exec/config.toml` (`~/.config` without that variable).
    pub path: Option<PathBuf>,
    /// The profile; `None` for `ALPHEC_EXEC_PROFILE`, else `default_profile`, else the only one.
    pub profile: Option<String>,
    /// The environment.
    pub env: Env,
    /// The highest layer.
    pub overrides: Overrides,
}

/// What the caller sets, over everything else: command-line options.
#[derive(Debug, Clone, Default)]
pub struct Overrides {
    /// Gateway host.
    pub host: Option<String>,
    /// Gateway port.
    pub port: Option<u16>,
    /// The client id.
    pub client_id: Option<i32>,
    /// The journal file, as seen from the current directory.
    pub journal: Option<PathBuf>,
}

/// One effective setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// Its value, as TOML spells it. A secret is its reference.
    pub value: String,
    /// Where it came from.
    pub origin: Origin,
}

/// A profile, and where each of its values came from.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The profile, checked.
    pub profile: Profile,
    /// Every effective key of the profile, like `limits.max_order_qty`.
    pub origins: BTreeMap<String, Setting>,
    /// The file.
    pub path: PathBuf,
    /// All profiles of the file.
    pub profiles: Vec<String>,
}

/// Loads one profile, checked.
///
/// # Errors
/// [`ConfigError`] names the place, the key and the remedy. The first one found.
pub fn load(source: Source) -> Result<Loaded, ConfigError> {
    let (opened, overrides) = Opened::open(source)?;
    build(&opened.file(), opened.wanted.as_deref(), &opened.variables, overrides)
}

/// Checks every profile of the file: the one that [`load`] would give with all its layers, the others
/// by the file alone, because variables and options are meant for the one in use.
///
/// # Errors
/// [`ConfigError`] when the file itself cannot be used; what is wrong with a profile is in its place.
pub fn check_all(source: Source) -> Result<BTreeMap<String, Result<Profile, ConfigError>>, ConfigError> {
    let (opened, overrides) = Opened::open(source)?;
    let file = opened.file();
    let root = parse_toml(file.text, Some(file.path)).map_err(|fault| file.explain_syntax(fault))?;
    let chosen = match choose(&file, &root, opened.wanted.as_deref()) {
        Ok((name, _)) => Some(name),
        Err(ConfigError::WhichProfile { .. }) => None,
        // The chosen profile is no profile at all: said below, in its place.
        Err(ConfigError::Value { .. }) => None,
        Err(error) => return Err(error),
    };
    let check = |name: String| {
        let loaded = if chosen.as_ref() == Some(&name) {
            build(&file, Some(&name), &opened.variables, overrides.clone())
        } else {
            build(&file, Some(&name), &BTreeMap::new(), Overrides::default())
        };
        (name, loaded.map(|loaded| loaded.profile))
    };
    Ok(names(&root).into_iter().map(check).collect())
}

/// A file as read, with what the environment says.
struct Opened {
    path: PathBuf,
    text: String,
    variables: BTreeMap<String, String>,
    wanted: Option<String>,
}

impl Opened {
    fn open(source: Source) -> Result<(Self, Overrides), ConfigError> {
        let Source { path, profile, env, overrides } = source;
        let variables = env.variables()?;
        let path = match path.or_else(|| variables.get(env::CONFIG).map(PathBuf::from)) {
            Some(path) => path,
            None => find(&variables)?,
        };
        let text = read(&path).map_err(|why| ConfigError::Unreadable { path: path.clone(), why })?;
        let wanted = profile.or_else(|| variables.get(env::PROFILE).cloned());
        Ok((Self { path, text, variables, wanted }, overrides))
    }

    fn file(&self) -> File<'_> {
        File { path: &self.path, text: &self.text }
    }
}

/// Reads one profile from text alone, as if it were a file in the current directory.
///
/// # Errors
/// As [`load`].
pub fn parse(text: &str, profile: Option<&str>) -> Result<Profile, ConfigError> {
    let file = File { path: Path::new("configuration"), text };
    build(&file, profile, &BTreeMap::new(), Overrides::default()).map(|loaded| loaded.profile)
}

fn read(path: &Path) -> Result<String, String> {
    let mut text = String::new();
    let file = std::fs::File::open(path).map_err(|error| error.to_string())?;
    let read = file.take(BYTES_MAX + 1).read_to_string(&mut text).map_err(|error| error.to_string())?;
    if read as u64 > BYTES_MAX { Err(format!("it is longer than {BYTES_MAX} bytes")) } else { Ok(text) }
}

fn find(variables: &BTreeMap<String, String>) -> Result<PathBuf, ConfigError> {
    let set = |name: &str| variables.get(name).filter(|text| !text.is_empty()).map(PathBuf::from);
    let home = set("XDG_CONFIG_HOME").or_else(|| set("HOME").map(|home| home.join(".config")));
    let looked: Vec<PathBuf> =
        [Some(PathBuf::from(HERE)), home.map(|home| home.join(IN_HOME))].into_iter().flatten().collect();
    match looked.iter().find(|path| path.exists()) {
        Some(path) => Ok(path.clone()),
        None => Err(ConfigError::NoFile { looked }),
    }
}

fn build(
    file: &File<'_>,
    wanted: Option<&str>,
    variables: &BTreeMap<String, String>,
    overrides: Overrides,
) -> Result<Loaded, ConfigError> {
    let root = parse_toml(file.text, Some(file.path)).map_err(|fault| file.explain_syntax(fault))?;
    let (name, of_file) = choose(file, &root, wanted)?;
    let profiles = names(&root);
    let mut tree = parse_toml(DEFAULTS, None).map_err(|fault| file.explain(&Node::empty(), &name, fault))?;
    tree.overlay(of_file);
    env::overlay(&mut tree, variables)?;
    let journal = overrides.journal.clone();
    tree.overlay(overrides.layer());
    check::derive(&mut tree, &name);
    let folder = file.path.parent().unwrap_or_else(|| Path::new(""));
    let mut profile =
        check::profile(&name, &tree, folder).map_err(|fault| file.explain(&tree, &name, fault))?;
    if let Some(path) = journal {
        // Not by way of text: a path need not be any.
        profile.journal = path;
    }
    let origins = origins(&tree, &profile);
    Ok(Loaded { profile, origins, path: file.path.to_owned(), profiles })
}

fn names(root: &Node) -> Vec<String> {
    root.child("profiles").and_then(Node::table).into_iter().flatten().map(|(name, _)| name.clone()).collect()
}

/// The profile to use, by name.
fn choose(file: &File<'_>, root: &Node, wanted: Option<&str>) -> Result<(String, Node), ConfigError> {
    let top = |fault| file.explain(root, "", fault);
    if let Some(key) =
        root.table().into_iter().flatten().map(|(key, _)| key).find(|key| !TOP.contains(&key.as_str()))
    {
        return Err(top(Fault::unknown_key(key, &TOP)));
    }
    let default = match root.child("default_profile").map(|node| &node.value) {
        None => None,
        Some(Value::Text(name)) => Some(name.as_str()),
        Some(_) => {
            return Err(top(Fault::at("default_profile", "the name of a profile in quotes belongs here")));
        }
    };
    let known = names(root);
    let path = || file.path.to_owned();
    let name = match (wanted.or(default), known.as_slice()) {
        (_, []) => return Err(ConfigError::NoProfiles { path: path() }),
        (Some(name), _) => name,
        (None, [only]) => only.as_str(),
        (None, _) => return Err(ConfigError::WhichProfile { path: path(), known }),
    };
    let Some(node) = root.child("profiles").and_then(|profiles| profiles.child(name)) else {
        return Err(ConfigError::UnknownProfile { name: name.to_owned(), path: path(), known });
    };
    let fault = |why: &str| top(Fault::bad(why).below(name).below("profiles"));
    if node.table().is_none() {
        return Err(fault("a profile is a table; begin it with a line like [profiles.paper]"));
    }
    // It becomes part of file names.
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    if name.is_empty() || name.len() > 32 || !name.bytes().all(plain) {
        return Err(fault("the name of a profile has 1 to 32 letters, digits, dashes and underscores"));
    }
    Ok((name.to_owned(), node.clone()))
}

const TOP: [&str; 2] = ["default_profile", "profiles"];

impl Overrides {
    fn layer(self) -> Node {
        let mut layer = Node::empty();
        let mut put = |key: &str, value: Option<Value>| {
            if let Some(value) = value {
                layer.put(&[key.to_owned()], Node::new(value, Origin::Override));
            }
        };
        put("host", self.host.map(Value::Text));
        put("port", self.port.map(|port| Value::Integer(port.into())));
        put("client_id", self.client_id.map(|id| Value::Integer(id.into())));
        put("journal", self.journal.map(|path| Value::Text(path.to_string_lossy().into_owned())));
        layer
    }
}

fn origins(tree: &Node, profile: &Profile) -> BTreeMap<String, Setting> {
    let mut origins = BTreeMap::new();
    tree.leaves("", &mut |key, node| {
        let value = match key.as_str() {
            "journal" => Value::Text(profile.journal.display().to_string()).to_string(),
            _ => node.value.to_string(),
        };
        origins.insert(key, Setting { value, origin: node.origin.clone() });
    });
    origins
}
