//! Where a kill strikes.

use std::time::Duration;

use crate::dice::Dice;

/// Message ids of the wire, without the offset of protobuf bodies.
const PLACE_ORDER: i32 = 3;
const CANCEL_ORDER: i32 = 4;
const EXECUTIONS_ASKED: i32 = 7;
const ORDER_STATUS: i32 = 3;
const OPEN_ORDER: i32 = 5;
const EXECUTION: i32 = 11;

/// Which way a frame goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    ToGateway,
    ToEngine,
}

/// A named point, or any instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Point {
    /// At any instant.
    Random,
    /// Within the first moments of a start.
    WhileStarting,
    /// Just after the journal's head has moved: a batch is durable, what it holds back is about to leave.
    AfterAppend,
    /// An order has left the engine and never arrives.
    OrderNotDelivered,
    /// An order has just been handed to the gateway.
    AfterOrder,
    /// The gateway has answered an order, and the engine never hears it.
    BeforeFirstAnswer,
    /// The first answer has just been handed to the engine.
    AfterFirstAnswer,
    /// A fill happened, and the engine never hears of it.
    FillNotHeard,
    /// A fill has just been told.
    AfterFill,
    /// A cancel has left the engine and never arrives.
    CancelNotDelivered,
    /// In the middle of reading the broker's books.
    WhileReconciling,
    /// The gateway, as an order has just been handed to it; the engine dies a little later.
    GatewayAfterOrder,
    /// The gateway, as its first answer has just been handed to the engine, which dies a little later.
    GatewayAfterAnswer,
    /// The gateway, when it is asked for the broker's books; the engine dies a little later.
    GatewayWhileReconciling,
    /// The gateway at any instant; the engine dies a little later.
    GatewayRandom,
    /// Both at once, as an order has just been handed over.
    Both,
}

impl Point {
    pub(crate) const ALL: [Self; 16] = [
        Self::Random,
        Self::WhileStarting,
        Self::AfterAppend,
        Self::OrderNotDelivered,
        Self::AfterOrder,
        Self::BeforeFirstAnswer,
        Self::AfterFirstAnswer,
        Self::FillNotHeard,
        Self::AfterFill,
        Self::CancelNotDelivered,
        Self::WhileReconciling,
        Self::GatewayAfterOrder,
        Self::GatewayAfterAnswer,
        Self::GatewayWhileReconciling,
        Self::GatewayRandom,
        Self::Both,
    ];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Random => "random",
            Self::WhileStarting => "while-starting",
            Self::AfterAppend => "after-append",
            Self::OrderNotDelivered => "order-not-delivered",
            Self::AfterOrder => "after-order",
            Self::BeforeFirstAnswer => "before-first-answer",
            Self::AfterFirstAnswer => "after-first-answer",
            Self::FillNotHeard => "fill-not-heard",
            Self::AfterFill => "after-fill",
            Self::CancelNotDelivered => "cancel-not-delivered",
            Self::WhileReconciling => "while-reconciling",
            Self::GatewayAfterOrder => "gateway-after-order",
            Self::GatewayAfterAnswer => "gateway-after-answer",
            Self::GatewayWhileReconciling => "gateway-while-reconciling",
            Self::GatewayRandom => "gateway-random",
            Self::Both => "both",
        }
    }

    /// Whether this frame is the point.
    pub(crate) const fn is_at(self, way: Way, id: i32, order_sent: bool) -> bool {
        match (self, way) {
            (
                Self::OrderNotDelivered | Self::AfterOrder | Self::GatewayAfterOrder | Self::Both,
                Way::ToGateway,
            ) => id == PLACE_ORDER,
            (Self::CancelNotDelivered, Way::ToGateway) => id == CANCEL_ORDER,
            (Self::WhileReconciling | Self::GatewayWhileReconciling, Way::ToGateway) => {
                id == EXECUTIONS_ASKED
            }
            (Self::BeforeFirstAnswer | Self::AfterFirstAnswer | Self::GatewayAfterAnswer, Way::ToEngine) => {
                order_sent && (id == ORDER_STATUS || id == OPEN_ORDER)
            }
            (Self::FillNotHeard | Self::AfterFill, Way::ToEngine) => order_sent && id == EXECUTION,
            _ => false,
        }
    }

    /// Whether it is in the reading of the broker's books.
    pub(crate) const fn is_reconciling(self) -> bool {
        matches!(self, Self::WhileReconciling | Self::GatewayWhileReconciling)
    }

    /// Whether the frame at the point is lost.
    pub(crate) const fn loses_the_frame(self) -> bool {
        matches!(
            self,
            Self::OrderNotDelivered | Self::BeforeFirstAnswer | Self::FillNotHeard | Self::CancelNotDelivered
        )
    }

    /// Whether a frame decides, and not the clock or the journal.
    pub(crate) const fn is_on_the_wire(self) -> bool {
        !matches!(self, Self::Random | Self::WhileStarting | Self::AfterAppend | Self::GatewayRandom)
    }

    /// Whether the gateway is killed there.
    pub(crate) const fn takes_the_gateway(self) -> bool {
        matches!(
            self,
            Self::GatewayAfterOrder
                | Self::GatewayAfterAnswer
                | Self::GatewayWhileReconciling
                | Self::GatewayRandom
                | Self::Both
        )
    }

    /// When the engine is killed at the latest, or at all where no frame decides.
    pub(crate) const fn at_the_latest(self, dice: &mut Dice) -> Duration {
        match self {
            Self::WhileStarting => dice.millis(60),
            Self::Random => dice.millis(1_200),
            _ => Duration::from_millis(1_500),
        }
    }
}

pub(crate) const fn is_order(way: Way, id: i32) -> bool {
    matches!(way, Way::ToGateway) && id == PLACE_ORDER
}
