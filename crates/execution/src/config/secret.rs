//! Secrets by reference: the configuration says where one is, never what it is.

use std::fmt;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::str::FromStr;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

use secrecy::SecretString;
use serde::Deserialize;

use super::error::ConfigError;

/// The longest secret.
const BYTES_MAX: u64 = 64 * 1024;
/// How long a program may take to give one.
const EXEC_DEADLINE: Duration = Duration::from_secs(10);

/// Where a secret is:
/// - `env:NAME`: an environment variable;
/// - `file:PATH`: a file that only its owner may read; one newline at its end does not count;
/// - `exec:PROGRAM ARGS…`: what a program prints, run without a shell, words split at spaces;
/// - `keyring:SERVICE/USER`: the Linux kernel's keyring (its keys end with the session or a reboot; for the
///   desktop's keyring use `exec:secret-tool lookup …`).
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct SecretRef(Kind);

#[derive(Clone, PartialEq, Eq)]
enum Kind {
    Env(String),
    File(PathBuf),
    Exec(Vec<String>),
    Keyring { service: String, user: String },
}

impl FromStr for SecretRef {
    type Err = ConfigError;

    fn from_str(text: &str) -> Result<Self, ConfigError> {
        let refuse = |why| Err(ConfigError::NotReference { why });
        let Some((scheme, rest)) = text.split_once(':') else {
            return refuse("this has no scheme before a colon");
        };
        let kind = match scheme {
            "env" if is_variable(rest) => Kind::Env(rest.to_owned()),
            "env" => return refuse("env: needs the name of a variable"),
            "file" if !rest.is_empty() => Kind::File(PathBuf::from(rest)),
            "file" => return refuse("file: needs a path"),
            "exec" => Kind::Exec(rest.split_whitespace().map(str::to_owned).collect()),
            "keyring" => match rest.split_once('/') {
                Some((service, user)) if !service.is_empty() && !user.is_empty() => {
                    Kind::Keyring { service: service.to_owned(), user: user.to_owned() }
                }
                _ => return refuse("keyring: needs SERVICE/USER"),
            },
            _ => return refuse("this begins with none of the four"),
        };
        match kind {
            Kind::Exec(words) if words.is_empty() => refuse("exec: needs a program"),
            kind => Ok(Self(kind)),
        }
    }
}

fn is_variable(name: &str) -> bool {
    let starts_well = name.bytes().next().is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_');
    starts_well && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

impl TryFrom<String> for SecretRef {
    type Error = ConfigError;
    fn try_from(text: String) -> Result<Self, ConfigError> {
        text.parse()
    }
}

impl fmt::Display for SecretRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Env(name) => write!(f, "env:{name}"),
            Kind::File(path) => write!(f, "file:{}", path.display()),
            Kind::Exec(words) => write!(f, "exec:{}", words.join(" ")),
            Kind::Keyring { service, user } => write!(f, "keyring:{service}/{user}"),
        }
    }
}

impl fmt::Debug for SecretRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretRef({self})")
    }
}

impl SecretRef {
    /// The environment variable of this name.
    pub(super) fn env(name: &str) -> Self {
        Self(Kind::Env(name.to_owned()))
    }

    /// The same, with a relative file taken to be in `folder`.
    pub(super) fn based_on(self, folder: &Path) -> Self {
        match self.0 {
            Kind::File(path) => Self(Kind::File(folder.join(path))),
            kind => Self(kind),
        }
    }

    /// Fetches the secret. May block for as long as a program takes, at most ten seconds.
    ///
    /// # Errors
    /// [`ConfigError::Secret`] names the reference and what is wrong; never what was found.
    pub fn resolve(&self) -> Result<SecretString, ConfigError> {
        let fetched = match &self.0 {
            Kind::Env(name) => from_env(name),
            Kind::File(path) => from_file(path),
            Kind::Exec(words) => from_program(words, EXEC_DEADLINE),
            Kind::Keyring { service, user } => from_keyring(service, user),
        };
        let named = |why| ConfigError::Secret { reference: self.to_string(), why };
        match fetched.map_err(named)? {
            text if text.is_empty() => Err(named("it is empty".to_owned())),
            text => Ok(SecretString::from(text)),
        }
    }
}

type Fetched = Result<String, String>;

fn from_env(name: &str) -> Fetched {
    std::env::var(name).map_err(|error| match error {
        std::env::VarError::NotPresent => "the variable is not set; export it first".to_owned(),
        std::env::VarError::NotUnicode(_) => "the variable is not UTF-8 text".to_owned(),
    })
}

fn from_file(path: &Path) -> Fetched {
    let said = |error: std::io::Error| error.to_string();
    let file = std::fs::File::open(path).map_err(said)?;
    // Of the open file, so that it cannot be exchanged in between.
    let about = file.metadata().map_err(said)?;
    if !about.is_file() {
        return Err("it is not a regular file".to_owned());
    }
    owner_only(path, &about)?;
    read_text(file)
}

#[cfg(unix)]
fn owner_only(path: &Path, about: &std::fs::Metadata) -> Result<(), String> {
    use std::os::unix::fs::PermissionsExt;
    let mode = about.permissions().mode() & 0o777;
    if mode & 0o077 == 0 {
        return Ok(());
    }
    Err(format!("others than its owner may use the file (mode {mode:o}); run: chmod 600 {}", path.display()))
}

#[cfg(not(unix))]
fn owner_only(_: &Path, _: &std::fs::Metadata) -> Result<(), String> {
    Err("file permissions cannot be checked on this system; use env: or exec:".to_owned())
}

/// Reads a secret; one newline at its end does not count.
fn read_text(from: impl Read) -> Fetched {
    let mut bytes = Vec::new();
    from.take(BYTES_MAX.saturating_add(1)).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > BYTES_MAX {
        return Err("it is longer than 64 KiB".to_owned());
    }
    let mut text = String::from_utf8(bytes).map_err(|_| "it is not UTF-8 text".to_owned())?;
    for end in ['\n', '\r'] {
        if text.ends_with(end) {
            text.pop();
        }
    }
    Ok(text)
}

fn from_program(words: &[String], deadline: Duration) -> Fetched {
    let Some((program, arguments)) = words.split_first() else { return Err("no program".to_owned()) };
    let mut command = Command::new(program);
    // What it says on stderr could hold the secret, so nobody hears it.
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().map_err(|error| format!("the program did not start: {error}"))?;
    let (sender, output) = mpsc::sync_channel(1);
    if let Some(stdout) = child.stdout.take() {
        // Ends with the program's output; a grandchild that keeps it open holds up only this thread.
        std::thread::spawn(move || drop(sender.send(read_text(stdout))));
    }
    let give_up_at = Instant::now() + deadline;
    let text = output.recv_timeout(deadline);
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break Some(status),
            Ok(None) if Instant::now() < give_up_at && text.is_ok() => {
                std::thread::sleep(Duration::from_millis(5))
            }
            _ => break None,
        }
    };
    let Some(status) = status else {
        drop(child.kill());
        drop(child.wait());
        return Err(format!("the program did not finish within {} s", deadline.as_secs_f32()));
    };
    if !status.success() {
        return Err(format!("the program failed ({status}); run it by hand to see why"));
    }
    match text {
        Ok(text) => text,
        Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
            Err("the program left its output open".to_owned())
        }
    }
}

#[cfg(target_os = "linux")]
fn from_keyring(service: &str, user: &str) -> Fetched {
    use keyring_core::api::CredentialStoreApi;
    let entry = linux_keyutils_keyring_store::Store::new().and_then(|store| store.build(service, user, None));
    entry.and_then(|entry| entry.get_password()).map_err(|error| {
        let why = match error {
            keyring_core::Error::NoEntry => "the kernel's keyring has no such key".to_owned(),
            keyring_core::Error::BadEncoding(_) => "it is not UTF-8 text".to_owned(),
            keyring_core::Error::NoStorageAccess(_) | keyring_core::Error::PlatformFailure(_) => {
                "the kernel's keyring cannot be used here".to_owned()
            }
            _ => "the kernel's keyring refused".to_owned(),
        };
        format!(
            "{why}; store it with: keyctl padd user 'keyring:{user}@{service}' @s; \
             for the desktop's keyring use exec:secret-tool lookup service {service} user {user}"
        )
    })
}

#[cfg(not(target_os = "linux"))]
fn from_keyring(service: &str, user: &str) -> Fetched {
    Err(format!(
        "keyring: works on Linux only; use a program, such as exec:secret-tool lookup service {service} user {user}"
    ))
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_does_not_finish_is_given_up() {
        let words = ["sleep", "30"].map(str::to_owned);
        let began = Instant::now();
        let why = from_program(&words, Duration::from_millis(100)).unwrap_err();
        assert_eq!(why, "the program did not finish within 0.1 s");
        assert!(began.elapsed() < Duration::from_secs(10));
    }
}
