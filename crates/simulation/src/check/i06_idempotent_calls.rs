//! Idempotent calls.

use std::collections::{BTreeMap, BTreeSet};

use alphec_core::{Misuse, Reply};
use alphec_model::{ClientOrderId, Command, OrderRequest};

use super::{Invariant, Scene, Verdict};
use crate::sight::Sight;

/// The body that first came under each key, and what it became.
#[derive(Default)]
pub(super) struct IdempotentCalls {
    first: BTreeMap<ClientOrderId, (OrderRequest, Option<String>)>,
}

impl Invariant for IdempotentCalls {
    fn number(&self) -> u8 {
        6
    }

    fn sentence(&self) -> &'static str {
        "Any number of submissions with one key and one body give one order; one key with another body is refused."
    }

    fn see(&mut self, scene: &Scene<'_>) -> Verdict {
        if let Sight::Born { records, .. } = scene.sight {
            // A key whose record was lost with its process was never heard of: it is free again.
            let known: BTreeSet<_> =
                records.iter().filter_map(|record| record.header.client_order_id.as_ref()).collect();
            self.first.retain(|key, _| known.contains(key));
        }
        let Sight::Answered(Command::Submit(request), Ok(reply)) = scene.sight else { return Ok(()) };
        let key = &request.client_order_id;
        match reply {
            Reply::Order(order) => {
                let identity = order.order_ref.as_ref().map(|text| text.as_str().to_owned());
                let first =
                    self.first.entry(key.clone()).or_insert_with(|| (request.clone(), identity.clone()));
                if first.0 != *request {
                    return Err(format!("{key} was taken with two bodies"));
                }
                // Placed again it has a second reference, and goes by that from there on.
                let now = scene.ledger.intents.get(key).and_then(|intent| intent.order.order_ref.clone());
                let is_current = now.is_some_and(|now| identity.as_deref() == Some(now.as_str()));
                let is_placed_again = order.attempts > 1 && is_current;
                if first.1 != identity && !is_placed_again {
                    return Err(format!("{key} became two orders: {:?} and {identity:?}", first.1));
                }
                Ok(())
            }
            Reply::Misuse(Misuse::KeyReused(_)) => {
                let is_same = self.first.get(key).is_some_and(|(first, _)| first == request);
                if is_same { Err(format!("{key} was refused though its body is the same")) } else { Ok(()) }
            }
            other => Err(format!("{key} was answered with {other:?}")),
        }
    }
}
