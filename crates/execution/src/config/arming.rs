//! Arming: the explicit, expiring act without which nothing trades live.
//!
//! The token is one line of text, `ALPHEC-LIVE <account> UNTIL <instant>`, with single spaces and
//! the instant in RFC 3339 with its zone. It is a statement of intent, not a password: whoever can
//! run the program can write it. It names exactly the one account of the profile, and ends within
//! 24 hours; when it ends, new orders and changes are denied and cancels still work.

use std::time::Duration;

use alphec_engine::core::Mode;
use alphec_model::{AccountId, UtcNanos};
use secrecy::ExposeSecret;

use super::error::ConfigError;
use super::profile::{Armed, Profile};

/// The longest that one token may arm.
pub const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);
/// Where the token of a live profile is found unless it says otherwise.
pub const VARIABLE: &str = "ALPHEC_EXEC_ARM";

/// The token that arms `account` until then.
#[must_use]
pub fn token_for(account: &AccountId, until: UtcNanos) -> String {
    format!("ALPHEC-LIVE {account} UNTIL {until}")
}

/// Reads a token. Whether it is the right one, and in time, is for [`Profile::check_armed`].
///
/// # Errors
/// [`ConfigError::BadToken`] for anything but the exact form.
pub fn parse(token: &str) -> Result<Armed, ConfigError> {
    let bad = |why: &str| ConfigError::BadToken { why: why.to_owned() };
    let mut words = token.split(' ');
    let (Some("ALPHEC-LIVE"), Some(account), Some("UNTIL"), Some(until), None) =
        (words.next(), words.next(), words.next(), words.next(), words.next())
    else {
        return Err(bad("it needs exactly four words, in capitals, with one space between them"));
    };
    let account = AccountId::new(account).map_err(|error| bad(&error.to_string()))?;
    let until = until.parse().map_err(|error: alphec_model::time::TimeError| bad(&error.to_string()))?;
    Ok(Armed { account, until })
}

impl Profile {
    /// Whether this profile may trade live now; gives until when. The token is the one given, or
    /// else the one that the profile's `arming` refers to.
    ///
    /// # Errors
    /// One [`ConfigError`] for each thing that is missing, wrong or over.
    pub fn check_armed(&self, given: Option<&str>, now: UtcNanos) -> Result<UtcNanos, ConfigError> {
        let profile = || self.name.clone();
        if self.mode != Mode::Live {
            return Err(ConfigError::ArmedPaper { profile: profile() });
        }
        if !self.allow_live {
            return Err(ConfigError::LiveNotAllowed { profile: profile() });
        }
        let [account] = self.accounts.as_slice() else {
            return Err(ConfigError::LiveAccounts { profile: profile() });
        };
        let Armed { account: armed, until } = parse(self.token(account, given)?.trim())?;
        if armed != *account {
            return Err(ConfigError::ArmedElsewhere { profile: profile(), account: account.clone(), armed });
        }
        if until <= now {
            return Err(ConfigError::ArmingExpired { until, now });
        }
        if until > now.saturating_add(LONGEST) {
            return Err(ConfigError::ArmingTooLong { until, now });
        }
        Ok(until)
    }

    fn token(&self, account: &AccountId, given: Option<&str>) -> Result<String, ConfigError> {
        let unarmed =
            |why| ConfigError::NotArmed { profile: self.name.clone(), account: account.clone(), why };
        match (given, &self.arming) {
            (Some(token), _) => Ok(token.to_owned()),
            (None, Some(reference)) => match reference.resolve() {
                Ok(token) => Ok(token.expose_secret().to_owned()),
                Err(error) => Err(unarmed(error.to_string())),
            },
            (None, None) => Err(unarmed("none was given".to_owned())),
        }
    }
}
