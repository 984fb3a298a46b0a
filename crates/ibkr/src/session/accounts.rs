//! Account values: updates for a single account, a summary for several.
//!
//! A connection has one account-updates subscription (2100 replaces it), so a login with several accounts
//! is followed through one account summary. The summary has no readiness flag: its end marker, which comes
//! when every row was sent, stands for it.

use std::time::Duration;

use alphec_model::broker::{BrokerEvent, OrderNames};
use alphec_model::{AccountId, AccountValue};
use futures::StreamExt;
use ibapi::Error;
use ibapi::accounts::types::{AccountGroup, AccountId as WireAccount};
use ibapi::accounts::{AccountSummaryResult, AccountSummaryTags, AccountUpdate};
use ibapi::subscriptions::SubscriptionItem;

use super::Report;
use super::reference::Source;
use crate::convert::{account, names, undecodable};
use crate::notices;

/// Pause before an ended subscription is opened again.
const RETRY_AFTER: Duration = Duration::from_secs(15);

/// Follows the values of every account of the login.
pub(super) async fn follow(source: Source, accounts: Vec<AccountId>) {
    loop {
        source.turn().await;
        let ended = match accounts.as_slice() {
            [only] => updates(&source, only).await,
            several => summary(&source, several).await,
        };
        source.ended();
        if let Err(error) = ended {
            source.tell_error("account values", error).await;
        }
        tokio::time::sleep(RETRY_AFTER).await;
    }
}

async fn updates(source: &Source, only: &AccountId) -> Result<(), Error> {
    let mut updates = source.client.account_updates(&WireAccount::from(only.as_str())).await?;
    while let Some(item) = updates.next().await {
        match item? {
            SubscriptionItem::Data(AccountUpdate::AccountValue(row)) => {
                let holder = row.account.as_deref().map_or_else(|| Ok(only.clone()), names::account);
                let value = holder.and_then(|holder| {
                    Ok(account::value(&row.key, &row.value, &row.currency)?.map(|value| (holder, value)))
                });
                tell(source, value, &row).await;
            }
            SubscriptionItem::Data(_) => {}
            SubscriptionItem::Notice(notice) => tell_notice(source, notice).await,
        }
    }
    Ok(())
}

async fn summary(source: &Source, accounts: &[AccountId]) -> Result<(), Error> {
    let tags = [AccountSummaryTags::NET_LIQUIDATION, AccountSummaryTags::LEDGER_ALL];
    let mut rows = source.client.account_summary(&AccountGroup("All".to_owned()), &tags).await?;
    while let Some(item) = rows.next().await {
        match item? {
            SubscriptionItem::Data(AccountSummaryResult::Summary(row)) => {
                let value = names::account(&row.account).and_then(|holder| {
                    Ok(account::value(&row.tag, &row.value, &row.currency)?.map(|value| (holder, value)))
                });
                tell(source, value, &row).await;
            }
            SubscriptionItem::Data(AccountSummaryResult::End) => {
                for holder in accounts {
                    let ready = AccountValue::Ready { ready: true };
                    let event = BrokerEvent::Account { account: holder.clone(), value: ready };
                    source.tell(Report::Event(Box::new(event))).await;
                }
            }
            SubscriptionItem::Notice(notice) => tell_notice(source, notice).await,
        }
    }
    Ok(())
}

async fn tell(
    source: &Source,
    value: Result<Option<(AccountId, AccountValue)>, crate::convert::Refused>,
    raw: &impl core::fmt::Debug,
) {
    let event = match value {
        Ok(Some((account, value))) => BrokerEvent::Account { account, value },
        Ok(None) => return,
        Err(refused) => undecodable(OrderNames::default(), &refused, raw),
    };
    source.tell(Report::Event(Box::new(event))).await;
}

/// A lag costs nothing here: every value comes again within three minutes.
async fn tell_notice(source: &Source, notice: ibapi::Notice) {
    if !notices::is_gap(notice.code) {
        source.tell_notice("account values", notice).await;
    }
}
