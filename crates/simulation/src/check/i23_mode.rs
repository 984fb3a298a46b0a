//! Mode.

use alphec_model::BrokerEvent;

use super::{Invariant, Scene, Verdict};
use crate::profile;
use crate::sight::Sight;
use crate::wire::Sent;

#[derive(Default)]
pub(super) struct Mode {
    is_paper: bool,
}

impl Invariant for Mode {
    fn number(&self) -> u8 {
        23
    }

    fn sentence(&self) -> &'static str {
        "Orders leave only for accounts of the profile, and only on a connection whose account list is a paper login with all of them."
    }

    fn see(&mut self, scene: &Scene<'_>) -> Verdict {
        match scene.sight {
            Sight::Told(BrokerEvent::Connected(session)) => {
                let names = || session.accounts.iter().map(alphec_model::AccountId::as_str);
                self.is_paper =
                    names().all(|name| name.starts_with('D')) && names().any(|name| name == profile::ACCOUNT);
                Ok(())
            }
            Sight::Wire(Sent::Place(ticket) | Sent::Replace(ticket)) => {
                if ticket.account.as_str() != profile::ACCOUNT {
                    return Err(format!("an order leaves for account {}", ticket.account));
                }
                if self.is_paper {
                    Ok(())
                } else {
                    Err("an order leaves to a login that is not ours".to_owned())
                }
            }
            _ => Ok(()),
        }
    }
}
