//! The connection and what is said on it beside orders: sessions, the link's states, codes with a text.

use core::fmt;

use serde::{Deserialize, Serialize};

use crate::ids::{AccountId, ApiClientId, BrokerOrderId, Generation};

/// A finished handshake.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Session {
    /// Which connection of this process life.
    pub generation: Generation,
    /// The negotiated protocol level.
    pub server_version: i32,
    /// The client id it holds.
    pub api_client_id: ApiClientId,
    /// The lowest order id the broker offers; a floor, never an order to go back.
    pub next_order_id: BrokerOrderId,
    /// Every account of the login. These, not the port, say whether it is paper.
    pub accounts: Vec<AccountId>,
}

/// How the link to the broker stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkState {
    /// No connection.
    Down,
    /// Connected; the broker's books are being read. No new orders yet.
    Recovering,
    /// Connected and reconciled.
    Ready,
    /// The gateway lost the broker's servers (code 1100 or 2110). No new orders.
    Degraded,
}

impl fmt::Display for LinkState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Down => "down",
            Self::Recovering => "recovering",
            Self::Ready => "ready",
            Self::Degraded => "degraded",
        })
    }
}

/// A change of connectivity between the gateway and the broker's servers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ServerLink {
    /// Lost (1100, 2110). The socket to the gateway stays up.
    Lost,
    /// Back, subscriptions gone (1101).
    RestoredDataLost,
    /// Back, subscriptions kept (1102).
    Restored,
}

/// What a code means for the order it names. One table in the adapter assigns it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoticeClass {
    /// A new order is dead; a change of an acknowledged order is refused and the original lives.
    Dead,
    /// The order lives on; the text informs.
    Informational,
    /// Only a change can be meant; the original lives.
    ModifyRefused,
    /// The order was canceled, by us or by the broker (202).
    Canceled,
    /// A cancel was refused because of where the order stands.
    CancelRefused,
    /// The broker does not know the order (10147): not a proof of absence.
    NotFound,
    /// Connectivity.
    Link,
    /// Too many messages.
    Pacing,
    /// Order ids collide.
    IdTrouble,
    /// Answers a data request, not an order.
    Request,
    /// Not in the table: the order, if one is named, is in doubt.
    Unlisted,
}

/// An error or message of the broker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Notice {
    /// The order it names, if its id is one of an order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub broker_order_id: Option<BrokerOrderId>,
    /// The code.
    pub code: i32,
    /// The text, possibly localised: for people.
    pub text: String,
    /// What the table says of the code.
    pub class: NoticeClass,
}
