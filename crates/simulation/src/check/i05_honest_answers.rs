//! Honest answers.

use alphec_core::Reply;
use alphec_engine::CallError;
use alphec_model::{Command, Order, OrderState};

use super::{Invariant, Scene, Verdict};
use crate::sight::Sight;

pub(super) struct HonestAnswers;

impl Invariant for HonestAnswers {
    fn number(&self) -> u8 {
        5
    }

    fn sentence(&self) -> &'static str {
        "No caller hears `not sent` or `rejected` of an order that the venue had live, nor `working` of one without a word of the broker; what is heard is on record."
    }

    fn see(&mut self, scene: &Scene<'_>) -> Verdict {
        match scene.sight {
            Sight::Answered(command, Ok(Reply::Order(order))) => {
                true_at_the_venue(order, scene)?;
                // What only asks for less is answered at once while the journal is in trouble.
                if matches!(command, Command::Submit(_) | Command::Modify(_)) {
                    on_record(order, scene)
                } else {
                    Ok(())
                }
            }
            Sight::Answered(Command::SubmitGroup(_), Ok(Reply::Group(orders))) => {
                orders.iter().try_for_each(|order| {
                    true_at_the_venue(order, scene)?;
                    on_record(order, scene)
                })
            }
            Sight::Published(event) => event.order.as_ref().map_or(Ok(()), |order| {
                true_at_the_venue(order, scene)?;
                on_record(order, scene)
            }),
            Sight::Answered(Command::Submit(request), Err(CallError::Journal { .. })) => {
                let intent = scene.ledger.intents.get(&request.client_order_id);
                let order_ref = intent.and_then(|intent| intent.order.order_ref.as_ref());
                if order_ref.is_some_and(|text| scene.ledger.was_live(text.as_str())) {
                    return Err(format!("{} was said not to be sent and was live", request.client_order_id));
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

fn true_at_the_venue(order: &Order, scene: &Scene<'_>) -> Verdict {
    let key = &order.client_order_id;
    let order_ref = order.order_ref.as_ref().map_or("", |text| text.as_str());
    if matches!(order.state, OrderState::Denied | OrderState::Rejected) && scene.ledger.was_live(order_ref) {
        // An order that worked and was then thrown out by the broker is rejected all the same, if it has not filled.
        let lives = scene.ledger.is_open(order_ref) || !order.cum_qty.is_zero();
        if order.state == OrderState::Denied || lives {
            return Err(format!("{key} is said to be {} and was live at the venue", order.state));
        }
    }
    Ok(())
}

fn on_record(order: &Order, scene: &Scene<'_>) -> Verdict {
    let key = &order.client_order_id;
    // While the journal takes nothing, refusals and cancels are told before they are on record.
    let is_refusal = matches!(order.state, OrderState::Denied | OrderState::Canceled | OrderState::Rejected);
    if is_refusal && scene.ledger.seq < scene.ledger.handed {
        return Ok(());
    }
    if order.state == OrderState::Denied && order.broker_order_id.is_none() {
        return Ok(());
    }
    let Some(intent) = scene.ledger.intents.get(key) else {
        return Err(format!("{key} is told to be {} and is not on record", order.state));
    };
    if !intent.states.contains(&order.state) {
        return Err(format!("{key} is told to be {}, which is not on record", order.state));
    }
    let needs_word = matches!(order.state, OrderState::Working | OrderState::Filled);
    if needs_word && !scene.ledger.was_told(key) {
        return Err(format!("{key} is told to be {} without a word of the broker", order.state));
    }
    Ok(())
}
