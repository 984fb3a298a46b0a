//! What may be traded, by our name and by the broker's contract id.

use std::collections::BTreeMap;

use alphec_model::{ConId, Instrument, InstrumentId};

/// What the broker said about an instrument.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Standing {
    /// Nothing yet.
    Asked,
    /// It has this id.
    Known(ConId),
    /// It does not know it, or knows several.
    Unknown(String),
}

#[derive(Debug)]
struct Entry {
    instrument: Instrument,
    standing: Standing,
}

/// The instruments of the profile. Bounded by the profile: nothing the broker sends adds one.
#[derive(Debug)]
pub(crate) struct Directory {
    entries: BTreeMap<InstrumentId, Entry>,
    by_con_id: BTreeMap<ConId, InstrumentId>,
}

impl Directory {
    pub(crate) fn new(instruments: &[Instrument]) -> Self {
        let mut directory = Self { entries: BTreeMap::new(), by_con_id: BTreeMap::new() };
        for instrument in instruments {
            let entry = Entry { instrument: instrument.clone(), standing: Standing::Asked };
            directory.entries.insert(instrument.id().clone(), entry);
            if let Some(con_id) = instrument.con_id()
                && let Err(why) = directory.resolve(instrument.id(), con_id)
            {
                directory.reject(instrument.id(), &why);
            }
        }
        directory
    }

    pub(crate) fn instruments(&self) -> impl Iterator<Item = &Instrument> {
        self.entries.values().map(|entry| &entry.instrument)
    }

    /// The broker knows it under this id. Contract ids change at corporate actions, so the newest counts
    /// for orders; an old one still names the instrument in reports.
    ///
    /// Refused when another instrument has the id: reports name the contract only, and a fill must not
    /// be booked on the wrong one of two names.
    pub(crate) fn resolve(&mut self, id: &InstrumentId, con_id: ConId) -> Result<(), String> {
        if let Some(other) = self.by_con_id.get(&con_id).filter(|other| *other != id) {
            return Err(format!("contract {con_id} is already instrument {other}; remove one of the two"));
        }
        if let Some(entry) = self.entries.get_mut(id) {
            entry.standing = Standing::Known(con_id);
            self.by_con_id.insert(con_id, id.clone());
        }
        Ok(())
    }

    /// The broker does not know it.
    pub(crate) fn reject(&mut self, id: &InstrumentId, why: &str) {
        if let Some(entry) = self.entries.get_mut(id) {
            entry.standing = Standing::Unknown(why.to_owned());
        }
    }

    /// The instrument behind a contract id, if it is one of ours.
    pub(crate) fn by_con_id(&self, con_id: ConId) -> Option<&InstrumentId> {
        self.by_con_id.get(&con_id)
    }

    /// What to trade: the instrument and its contract id, once known.
    pub(crate) fn tradable(&self, id: &InstrumentId) -> Result<(&Instrument, Option<ConId>), String> {
        let entry =
            self.entries.get(id).ok_or_else(|| format!("instrument {id} is not in the adapter's list"))?;
        match &entry.standing {
            Standing::Asked => Ok((&entry.instrument, None)),
            Standing::Known(con_id) => Ok((&entry.instrument, Some(*con_id))),
            Standing::Unknown(why) => Err(format!("the broker does not know instrument {id}: {why}")),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use alphec_model::instrument::InstrumentParts;
    use alphec_model::{Currency, Decimal, InstrumentKind, TickRule};

    use super::*;

    pub(crate) fn stock(id: &str) -> Instrument {
        Instrument::new(InstrumentParts {
            id: InstrumentId::new(id).unwrap(),
            symbol: id.into(),
            contract: InstrumentKind::Stock { primary_exchange: Some("NASDAQ".into()) },
            exchange: "SMART".into(),
            currency: Currency::USD,
            multiplier: Decimal::ONE,
            tick: TickRule::fixed("0.01".parse().unwrap()),
            lot: "1".parse().unwrap(),
        })
        .unwrap()
    }

    #[test]
    fn an_instrument_is_tradable_before_and_after_it_is_resolved_and_not_once_refused() {
        let mut directory = Directory::new(&[stock("AAPL")]);
        let id = InstrumentId::new("AAPL").unwrap();
        assert_eq!(directory.tradable(&id).unwrap().1, None);
        directory.resolve(&id, ConId::new(265_598)).unwrap();
        assert_eq!(directory.tradable(&id).unwrap().1, Some(ConId::new(265_598)));
        assert_eq!(directory.by_con_id(ConId::new(265_598)), Some(&id));
        directory.reject(&id, "no security definition");
        assert!(directory.tradable(&id).unwrap_err().contains("no security definition"));
        assert!(directory.tradable(&InstrumentId::new("MSFT").unwrap()).is_err());
    }

    #[test]
    fn two_names_for_one_contract_are_refused() {
        let mut directory = Directory::new(&[stock("AAPL"), stock("APPLE")]);
        let [first, second] = ["AAPL", "APPLE"].map(|id| InstrumentId::new(id).unwrap());
        directory.resolve(&first, ConId::new(7)).unwrap();
        directory.resolve(&first, ConId::new(7)).expect("the same again is no conflict");
        assert!(directory.resolve(&second, ConId::new(7)).unwrap_err().contains("AAPL"));
        assert_eq!(directory.by_con_id(ConId::new(7)), Some(&first));
    }

    #[test]
    fn a_contract_id_of_the_profile_counts_at_once() {
        let directory = Directory::new(&[stock("AAPL").with_con_id(ConId::new(7))]);
        assert!(directory.by_con_id(ConId::new(7)).is_some());
        assert!(directory.by_con_id(ConId::new(8)).is_none());
    }
}
