//! What can be wrong with a configuration: each says where, what, and what to do about it.

use std::fmt;
use std::path::PathBuf;

use alphec_model::{AccountId, UtcNanos};

use super::tree::Origin;

/// Where in the configuration something is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Which layer.
    pub origin: Origin,
    /// The column in the file, counted from 1.
    pub column: Option<usize>,
    /// The line with a caret below; left out when it may hold a secret.
    pub excerpt: Option<String>,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.origin, self.column) {
            (Origin::Default, _) => f.write_str("built-in defaults"),
            (Origin::Override, _) => f.write_str("option"),
            (Origin::Env { name }, _) => write!(f, "variable {name}"),
            (origin @ Origin::File { .. }, Some(column)) => write!(f, "{origin}:{column}"),
            (origin @ Origin::File { .. }, None) => write!(f, "{origin}"),
        }
    }
}

/// The excerpt, on lines of its own.
struct Below<'a>(&'a Place);

impl fmt::Display for Below<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.excerpt.as_deref().map_or(Ok(()), |excerpt| write!(f, "\n{excerpt}"))
    }
}

/// A configuration that cannot be used. Nothing was started.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// There is no file.
    #[error(
        "no configuration found (looked for {}); create alphec-exec.toml like this:\n\n{SAMPLE}",
        list(looked)
    )]
    NoFile {
        /// Where it was looked for.
        looked: Vec<PathBuf>,
    },
    /// The file cannot be read.
    #[error("cannot read the configuration {}: {why}", path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// What the system said.
        why: String,
    },
    /// The file is not TOML.
    #[error("{place}: this is not TOML: {why}{}", Below(place))]
    Syntax {
        /// Where.
        place: Box<Place>,
        /// What the parser said.
        why: String,
    },
    /// A key that means nothing.
    #[error("{place}: unknown key `{key}`{hint}{}", Below(place))]
    UnknownKey {
        /// Where.
        place: Box<Place>,
        /// The whole key.
        key: String,
        /// What was probably meant, or what there is.
        hint: String,
    },
    /// A key that must be there is not.
    #[error("{place}: `{key}` is missing{hint}{}", Below(place))]
    MissingKey {
        /// The table that lacks it.
        place: Box<Place>,
        /// The whole key.
        key: String,
        /// What to write.
        hint: &'static str,
    },
    /// Limits that must be there are not.
    #[error(
        "{place}: profile `{profile}` lacks limits: {}; a profile without limits does not start trading; \
         write them in `limits = {{ ... }}`",
        missing.join(", ")
    )]
    MissingLimits {
        /// The profile, or its `limits`.
        place: Box<Place>,
        /// Whose.
        profile: String,
        /// Which.
        missing: Vec<&'static str>,
    },
    /// A value that cannot be.
    #[error("{place}: `{key}`: {why}{}", Below(place))]
    Value {
        /// Where.
        place: Box<Place>,
        /// The whole key.
        key: String,
        /// Why not, and what to write instead.
        why: String,
    },
    /// A file without profiles.
    #[error("{} has no profile; begin one with a line `[profiles.paper]`", path.display())]
    NoProfiles {
        /// Which file.
        path: PathBuf,
    },
    /// A profile that is not in the file.
    #[error("{} has no profile `{name}`; it has {}", path.display(), known.join(", "))]
    UnknownProfile {
        /// The one asked for.
        name: String,
        /// Which file.
        path: PathBuf,
        /// Those in it.
        known: Vec<String>,
    },
    /// Several profiles, and none is named.
    #[error(
        "{} has several profiles: {}; name one with --profile, ALPHEC_EXEC_PROFILE or default_profile",
        path.display(),
        known.join(", ")
    )]
    WhichProfile {
        /// Which file.
        path: PathBuf,
        /// Those in it.
        known: Vec<String>,
    },
    /// An environment variable of ours that means nothing.
    #[error("the environment variable {name} sets nothing: {why}; correct or unset it")]
    UnknownVariable {
        /// Its name.
        name: String,
        /// What is wrong with it, and what was probably meant.
        why: String,
    },
    /// Text that is no reference to a secret. The text is not repeated: it may be the secret itself.
    #[error(
        "a secret is written here only as a reference: env:NAME, file:PATH, exec:PROGRAM ARGS or \
         keyring:SERVICE/USER; put the secret there, not into the configuration ({why})"
    )]
    NotReference {
        /// What is wrong with the form.
        why: &'static str,
    },
    /// A secret that cannot be had.
    #[error("cannot get the secret {reference}: {why}")]
    Secret {
        /// The reference, never what it stands for.
        reference: String,
        /// What went wrong and what to do.
        why: String,
    },
    /// The secret is no address to post alerts to. It is not repeated.
    #[error("the alert webhook cannot be used: {why}")]
    Webhook {
        /// What is wrong with it.
        why: String,
    },
    /// A paper profile was to be armed.
    #[error("profile `{profile}` is for paper and needs no arming; drop the token, or choose a live profile")]
    ArmedPaper {
        /// Which.
        profile: String,
    },
    /// The profile forbids live trading.
    #[error(
        "profile `{profile}` is live but does not allow it; if real money is meant, set allow_live = true \
         in it, and arm it"
    )]
    LiveNotAllowed {
        /// Which.
        profile: String,
    },
    /// A live profile without exactly one account.
    #[error("profile `{profile}` is live and needs exactly one account, so that its arming can name it")]
    LiveAccounts {
        /// Which.
        profile: String,
    },
    /// No arming token was given.
    #[error(
        "profile `{profile}` trades live and is not armed; give the token \
         `ALPHEC-LIVE {account} UNTIL <instant within 24 hours, like 2026-11-23T21:00:00Z>` \
         with --arm, in the variable ALPHEC_EXEC_ARM, or where `arming` of the profile refers to ({why})"
    )]
    NotArmed {
        /// Which.
        profile: String,
        /// Its account.
        account: AccountId,
        /// What was found instead.
        why: String,
    },
    /// Text that is no arming token.
    #[error(
        "this is no arming token: {why}; write exactly \
         `ALPHEC-LIVE <account> UNTIL <instant with its zone, like 2026-11-23T21:00:00Z>`"
    )]
    BadToken {
        /// What is wrong with it.
        why: String,
    },
    /// The token arms another account.
    #[error(
        "the arming token is for account {armed}, but profile `{profile}` trades {account}; make one for it"
    )]
    ArmedElsewhere {
        /// Which profile.
        profile: String,
        /// Its account.
        account: AccountId,
        /// The token's.
        armed: AccountId,
    },
    /// The token has expired.
    #[error("the arming token expired at {until}, now it is {now}; make a new one")]
    ArmingExpired {
        /// When.
        until: UtcNanos,
        /// The time now.
        now: UtcNanos,
    },
    /// The token lasts too long.
    #[error(
        "the arming token lasts until {until}, more than 24 hours after now, {now}; make one that ends sooner"
    )]
    ArmingTooLong {
        /// Until when.
        until: UtcNanos,
        /// The time now.
        now: UtcNanos,
    },
    /// The journal was written under another client id or mode.
    #[error(
        "the journal {} belongs to {theirs}, but the profile is {ours}; orders of one cannot be changed \
         as the other: set the profile back, or name another journal",
        path.display()
    )]
    AnotherJournal {
        /// Which journal.
        path: PathBuf,
        /// What it was written as.
        theirs: String,
        /// What the profile says.
        ours: String,
    },
    /// A value that JSON has no spelling for: a bug of ours.
    #[error("the limits cannot be written for the record: {why}; please report this")]
    Unspellable {
        /// What the serializer said.
        why: String,
    },
}

impl ConfigError {
    pub(crate) fn unspellable(error: &serde_json::Error) -> Self {
        Self::Unspellable { why: error.to_string() }
    }
}

/// A profile that works, in five lines; shown to whoever has none.
pub const SAMPLE: &str = r#"[profiles.paper]
mode = "paper"
accounts = ["DU1234567"]
instruments.AAPL = { kind = "stock", exchange = "SMART", currency = "USD", tick = "0.01" }
limits = { max_order_qty = 100, max_order_notional = 25000, max_position = 500, max_gross_notional = 100000, max_net_notional = 100000, max_leverage = 1, price_collar = "0.05" }
"#;

fn list(paths: &[PathBuf]) -> String {
    let paths: Vec<_> = paths.iter().map(|path| path.display().to_string()).collect();
    paths.join(", ")
}
