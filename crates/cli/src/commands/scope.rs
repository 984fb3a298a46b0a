//! Which part of trading a halt, a kill or a resume is about.

use alphec_execution::model::{AccountId, CancelScope, InstrumentId, StrategyId};

/// Exactly one of them.
#[derive(Debug, Clone, clap::Args)]
#[group(required = true, multiple = false)]
pub(crate) struct ScopeArgs {
    /// Everything of this journal.
    #[arg(long)]
    all: bool,
    /// One account.
    #[arg(long)]
    account: Option<AccountId>,
    /// One strategy.
    #[arg(long, value_name = "ID")]
    strategy: Option<StrategyId>,
    /// One instrument.
    #[arg(long, value_name = "NAME")]
    instrument: Option<InstrumentId>,
}

impl ScopeArgs {
    /// The scope that was named.
    pub(crate) fn scope(&self) -> CancelScope {
        // Clap lets exactly one of them through.
        if let Some(account) = &self.account {
            return CancelScope::Account { account: account.clone() };
        }
        if let Some(strategy_id) = &self.strategy {
            return CancelScope::Strategy { strategy_id: strategy_id.clone() };
        }
        match &self.instrument {
            Some(instrument) => CancelScope::Instrument { instrument: instrument.clone() },
            None => CancelScope::All,
        }
    }
}

/// Who does it and why: both are on record.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Act {
    /// Why; it is on record.
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: String,
    /// Who; it is on record.
    #[arg(long, value_name = "NAME", default_value = "operator")]
    pub(crate) by: String,
}
