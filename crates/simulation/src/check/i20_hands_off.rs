//! Hands off.

use alphec_model::{BrokerEvent, Command};

use super::{Invariant, Scene, Verdict};
use crate::sight::Sight;
use crate::wire::Sent;

#[derive(Default)]
pub(super) struct HandsOff {
    asked: u32,
}

impl Invariant for HandsOff {
    fn number(&self) -> u8 {
        20
    }

    fn sentence(&self) -> &'static str {
        "Orders without our reference are never changed or canceled, unless an operator asked for everything to be canceled."
    }

    fn see(&mut self, scene: &Scene<'_>) -> Verdict {
        match scene.sight {
            Sight::Asked(Command::GlobalCancel { .. }) => {
                self.asked += 1;
                Ok(())
            }
            Sight::Wire(Sent::GlobalCancel) => {
                let left = self.asked.checked_sub(1);
                self.asked = left.ok_or("everything is canceled and nobody asked for it")?;
                Ok(())
            }
            // One request is for one connection.
            Sight::Told(BrokerEvent::Disconnected { .. }) | Sight::Died => {
                self.asked = 0;
                Ok(())
            }
            // Ids of ours are above zero; an order typed by hand has none before it is bound.
            Sight::Wire(Sent::Cancel(id)) if id.get() <= 0 => {
                Err(format!("order {id} is canceled and is not ours"))
            }
            Sight::Wire(Sent::Cancel(id)) => match scene.ledger.refs_of_id.get(&id.get()) {
                Some(order_ref) if !scene.ledger.by_ref.contains_key(order_ref) => {
                    Err(format!("order {id} is canceled and is not ours"))
                }
                _ => Ok(()),
            },
            Sight::Wire(Sent::Replace(ticket)) if scene.ledger.intent_of(ticket).is_none() => {
                Err(format!("order {} is changed and is not ours", ticket.broker_order_id))
            }
            _ => Ok(()),
        }
    }
}
