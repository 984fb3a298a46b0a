//! Instruments: ours as a contract to ask for or trade, the broker's details as rules.

use alphec_model::{ConId, Decimal, Instrument, InstrumentKind, OptionRight, Price, TickRule};
use ibapi::contracts::{
    Contract, ContractDetails, Currency, Exchange, MarketRule, OptionRight as WireRight, SecurityType, Symbol,
};
use smol_str::SmolStr;

use super::{Refused, money, names};

/// The contract to ask for or trade. The multiplier is left out: products quoted in another unit (pence,
/// cents) carry one that differs from money per point, and a wrong one would answer 200.
pub(crate) fn contract(instrument: &Instrument, con_id: Option<ConId>) -> Result<Contract, Refused> {
    let plain = Contract {
        contract_id: con_id.or(instrument.con_id()).map_or(0, ConId::get),
        symbol: Symbol::new(instrument.symbol()),
        exchange: Exchange::new(instrument.exchange()),
        currency: Currency::new(instrument.currency().as_str()),
        ..Contract::default()
    };
    Ok(match instrument.kind() {
        InstrumentKind::Stock { primary_exchange } => Contract {
            security_type: SecurityType::Stock,
            // Kept beside the contract id: it tells apart equal symbols behind SMART.
            primary_exchange: Exchange::new(primary_exchange.as_ref().map_or("", SmolStr::as_str)),
            ..plain
        },
        InstrumentKind::Future { expiry } => Contract {
            security_type: SecurityType::Future,
            last_trade_date_or_contract_month: expiry.to_string(),
            ..plain
        },
        InstrumentKind::Option { expiry, strike, right } => Contract {
            security_type: SecurityType::Option,
            last_trade_date_or_contract_month: expiry.to_string(),
            strike: money::to_double("strike", strike.get())?,
            right: Some(match right {
                OptionRight::Call => WireRight::Call,
                OptionRight::Put => WireRight::Put,
            }),
            ..plain
        },
        InstrumentKind::Forex => Contract { security_type: SecurityType::ForexPair, ..plain },
        other => return Err(Refused::new("instrument", format!("{other} is not served by this adapter"))),
    })
}

/// What the broker says of one contract.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Details {
    pub(crate) con_id: ConId,
    /// The smallest tick of any exchange and price level.
    pub(crate) tick: Option<TickRule>,
    pub(crate) multiplier: Option<Decimal>,
    /// The rule that holds on the instrument's exchange.
    pub(crate) market_rule: Option<i32>,
}

/// The one contract among the rows; several rows may describe the same one.
pub(crate) fn only(rows: &[ContractDetails], exchange: &str) -> Result<Details, Refused> {
    let Some(first) = rows.first() else {
        return Err(Refused::new("contract", "the broker sent no details"));
    };
    let mut others: Vec<i32> = rows.iter().map(|row| row.contract.contract_id).collect();
    others.sort_unstable();
    others.dedup();
    if others.len() > 1 {
        let why =
            format!("ambiguous: {} contracts match, ids {others:?}; describe it more closely", others.len());
        return Err(Refused::new("contract", why));
    }
    let con_id = names::con_id(first.contract.contract_id)
        .ok_or_else(|| Refused::new("contract", "details without a contract id"))?;
    Ok(Details {
        con_id,
        tick: positive_price(first.min_tick).map(TickRule::fixed),
        multiplier: multiplier(&first.contract.multiplier)?,
        market_rule: market_rule(first, exchange),
    })
}

/// Valid prices by the broker's rule: its ladder of `(low edge, increment)`.
pub(crate) fn ladder(rule: &MarketRule) -> Result<TickRule, Refused> {
    let mut steps = Vec::with_capacity(rule.price_increments.len());
    for step in &rule.price_increments {
        steps.push((money::price("low edge", step.low_edge)?, money::price("increment", step.increment)?));
    }
    steps.sort_by_key(|(low, _)| *low);
    let sound = steps.first().is_some_and(|(low, _)| low.is_zero())
        && steps.iter().all(|(_, increment)| increment.get() > Decimal::ZERO);
    if sound { Ok(TickRule::ladder(steps)) } else { Err(Refused::new("market rule", format!("{rule:?}"))) }
}

fn positive_price(value: f64) -> Option<Price> {
    money::price("minimum tick", value).ok().filter(|price| price.get() > Decimal::ZERO)
}

/// Empty for stocks; zero is how some products say "none".
fn multiplier(text: &str) -> Result<Option<Decimal>, Refused> {
    if text.is_empty() {
        return Ok(None);
    }
    Ok(Some(money::parse("multiplier", text)?).filter(|value| *value > Decimal::ZERO))
}

/// The rule ids are a list aligned with the list of valid exchanges.
fn market_rule(details: &ContractDetails, exchange: &str) -> Option<i32> {
    let position = details.valid_exchanges.iter().position(|valid| valid == exchange)?;
    details.market_rule_ids.get(position)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use alphec_model::InstrumentId;
    use alphec_model::instrument::InstrumentParts;
    use ibapi::contracts::PriceIncrement;

    use super::*;
    use crate::directory::tests::stock;

    fn instrument(kind: InstrumentKind, symbol: &str, exchange: &str) -> Instrument {
        Instrument::new(InstrumentParts {
            id: InstrumentId::new("X").unwrap(),
            symbol: symbol.into(),
            contract: kind,
            exchange: exchange.into(),
            currency: "USD".parse().unwrap(),
            multiplier: Decimal::ONE,
            tick: TickRule::fixed("0.01".parse().unwrap()),
            lot: "1".parse().unwrap(),
        })
        .unwrap()
    }

    fn details(con_id: i32) -> ContractDetails {
        ContractDetails {
            contract: Contract { contract_id: con_id, multiplier: "50".to_owned(), ..Contract::default() },
            min_tick: 0.25,
            valid_exchanges: vec!["SMART".to_owned(), "CME".to_owned()],
            market_rule_ids: vec!["26".to_owned(), "67".to_owned()],
            ..ContractDetails::default()
        }
    }

    #[test]
    fn a_stock_keeps_its_primary_exchange_beside_the_contract_id() {
        let contract = contract(&stock("AAPL"), Some(ConId::new(265_598))).unwrap();
        assert_eq!(contract.contract_id, 265_598);
        assert_eq!(contract.security_type, SecurityType::Stock);
        assert_eq!((contract.exchange.as_str(), contract.primary_exchange.as_str()), ("SMART", "NASDAQ"));
    }

    #[test]
    fn futures_options_and_pairs_carry_what_only_they_have() {
        let future = instrument(InstrumentKind::Future { expiry: "202612".into() }, "ES", "CME");
        let future = contract(&future, None).unwrap();
        assert_eq!((future.security_type, future.contract_id), (SecurityType::Future, 0));
        assert_eq!(future.last_trade_date_or_contract_month, "202612");
        let kind = InstrumentKind::Option {
            expiry: "20261218".into(),
            strike: "197.5".parse().unwrap(),
            right: OptionRight::Put,
        };
        let option = contract(&instrument(kind, "AAPL", "SMART"), None).unwrap();
        assert_eq!((option.strike, option.right), (197.5, Some(WireRight::Put)));
        let pair = contract(&instrument(InstrumentKind::Forex, "EUR", "IDEALPRO"), None).unwrap();
        assert_eq!(pair.security_type, SecurityType::ForexPair);
        assert_eq!(pair.primary_exchange.as_str(), "");
    }

    #[test]
    fn details_give_id_tick_multiplier_and_the_rule_of_the_exchange() {
        let found = only(&[details(7), details(7)], "CME").unwrap();
        assert_eq!(found.con_id, ConId::new(7));
        assert_eq!(found.tick, Some(TickRule::fixed("0.25".parse().unwrap())));
        assert_eq!(found.multiplier, Some(Decimal::from(50)));
        assert_eq!(found.market_rule, Some(67));
        assert_eq!(only(&[details(7)], "GLOBEX").unwrap().market_rule, None);
    }

    #[test]
    fn several_contracts_none_or_one_without_id_are_refused() {
        assert!(only(&[details(7), details(8)], "CME").unwrap_err().to_string().contains("ambiguous"));
        assert!(only(&[], "CME").is_err());
        assert!(only(&[details(0)], "CME").is_err());
    }

    #[test]
    fn a_market_rule_becomes_a_ladder_or_is_refused() {
        let rule = |steps: &[(f64, f64)]| MarketRule {
            market_rule_id: 26,
            price_increments: steps
                .iter()
                .map(|(low_edge, increment)| PriceIncrement { low_edge: *low_edge, increment: *increment })
                .collect(),
        };
        let ladder_of = ladder(&rule(&[(1.0, 0.01), (0.0, 0.0001)])).unwrap();
        assert!(ladder_of.admits("0.1234".parse().unwrap()) && !ladder_of.admits("1.234".parse().unwrap()));
        assert!(ladder(&rule(&[])).is_err());
        assert!(ladder(&rule(&[(1.0, 0.01)])).is_err());
        assert!(ladder(&rule(&[(0.0, 0.0)])).is_err());
    }
}
