//! What only a person can settle, by proof that the machine cannot see. Each act is on record with its
//! author and reason; none invents a fill.

use alphec_model::{
    AccountId, Body, ClientOrderId, Command, CorrelationId, Evidence, InstrumentId, OrderState, Provenance,
};

use crate::machine::{About, Turn};
use crate::step::{Misuse, Reply, Token};

impl Turn<'_> {
    /// The books are read out of turn.
    pub(crate) fn reconcile(&mut self, token: Token, correlation_id: CorrelationId) {
        let command = Command::Reconcile { correlation_id };
        self.record(About::default(), Provenance::Operator, Body::Commanded { command });
        self.look_for_operator();
        self.reply(token, Reply::Reconciling(self.now));
    }

    /// The broker's position is the right one.
    pub(crate) fn accept_position(
        &mut self,
        token: Token,
        (account, instrument): (AccountId, InstrumentId),
        (by, reason): (String, String),
    ) {
        let command = Command::AcceptPosition {
            account: account.clone(),
            instrument: instrument.clone(),
            by: by.clone(),
            reason: reason.clone(),
        };
        self.record(About::default(), Provenance::Operator, Body::Commanded { command });
        let ours = self.core.book.position(&account, &instrument);
        let broken = self.core.book.exposure(&account, &instrument).broken;
        let Some(theirs) = broken.and_then(|difference| ours.checked_add(difference)) else {
            self.reply(token, Reply::Misuse(Misuse::NotBroken { account, instrument }));
            return;
        };
        if self.has_moved_since_books(&account, &instrument) {
            self.look_for_operator();
            let why =
                "it was traded since the broker's books were last read; accept it once they are read again";
            self.reply(token, Reply::Misuse(Misuse::NotClean(why.to_owned())));
            return;
        }
        let body = Body::PositionAccepted { account, instrument, ours, theirs, by, reason };
        self.record(About::default(), Provenance::Operator, body);
        // The next lists must agree with what was accepted.
        self.look_for_operator();
        self.reply(token, Reply::Done);
    }

    /// An order in doubt is over. A cancel leaves for it all the same, where there is a connection: an entry that
    /// waits untransmitted at the broker is in no list, and the person who looked it up could not see it. Should
    /// it show up after all, it is a late arrival and is canceled.
    pub(crate) fn settle(&mut self, token: Token, key: &ClientOrderId, (by, reason): (String, String)) {
        let ix = self.core.book.ix_of(key);
        let command =
            Command::Settle { client_order_id: key.clone(), by: by.clone(), reason: reason.clone() };
        let about = About { ix, key: Some(key.clone()), ..About::default() };
        self.record(about, Provenance::Operator, Body::Commanded { command });
        let Some((ix, state)) = ix.and_then(|ix| Some((ix, self.state(ix)?))) else {
            self.reply(token, Reply::Misuse(Misuse::UnknownOrder(key.clone())));
            return;
        };
        // It has ended; a person's word that it never was ends the watch for it.
        if self.core.book.is_watched(ix) {
            self.record(About::order(ix), Provenance::Operator, Body::WatchEnded);
            return self.reply_order(token, ix);
        }
        if state != OrderState::InDoubt {
            self.reply(token, Reply::Misuse(Misuse::NotInDoubt { client_order_id: key.clone(), state }));
            return;
        }
        // By a person's word it never stood, which decides about its group; a wish to cancel it would say otherwise.
        self.change_state(ix, OrderState::Canceled, Evidence::Operator { who: by, reason });
        self.send_cancel(ix);
        self.reply_order(token, ix);
    }
}
