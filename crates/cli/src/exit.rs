//! How a command ends. The one place that turns errors and orders into exit codes.

use std::fmt;
use std::process::ExitCode;

use alphec_execution::model::{DenyReason, Order, OrderState};
use alphec_execution::{CallError, ConfigError, Error};
use alphec_journal::Error as JournalError;
use alphec_twsim::{FaultTextError, GatewayError, ScenarioError};

/// The exit codes, a promise to scripts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// What was asked for happened.
    Done,
    /// It did not, for a reason without a code of its own.
    Failed,
    /// The command line, the configuration or an id in them makes no sense.
    Usage,
    /// Our gate refused the order or the change; nothing was sent.
    Denied,
    /// The broker refused it.
    Rejected,
    /// There is no usable connection to the gateway.
    NotConnected,
    /// It may or may not have happened at the broker; nothing is sent again.
    InDoubt,
}

impl Exit {
    /// The list for `--help`.
    pub(crate) const HELP: &'static str = "Exit codes:
  0  done: what was asked for happened
  1  failed; also a journal that another process holds, or that cannot be trusted
  2  usage or configuration
  3  denied by the gate: nothing was sent
  4  rejected by the broker
  5  not connected
  6  in doubt: sent or maybe sent, and the broker has not said how it ended";

    const fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Denied => 3,
            Self::Rejected => 4,
            Self::NotConnected => 5,
            Self::InDoubt => 6,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// Why a command did not do what was asked: for people, for scripts, for the exit code.
#[derive(Debug, Clone)]
pub(crate) struct Failure {
    /// How the process ends.
    pub(crate) exit: Exit,
    /// One word for scripts.
    pub(crate) kind: &'static str,
    /// What is wrong and what to do.
    pub(crate) message: String,
    /// The order as it stands, when it is about one.
    pub(crate) order: Option<Box<Order>>,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

impl Failure {
    pub(crate) fn new(exit: Exit, kind: &'static str, message: impl Into<String>) -> Self {
        Self { exit, kind, message: message.into(), order: None }
    }

    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, "usage", message)
    }

    pub(crate) fn about(mut self, order: &Order) -> Self {
        self.order = Some(Box::new(order.clone()));
        self
    }

    /// Finds out what an error means. The whole chain is the message: each link adds to it.
    pub(crate) fn of(error: &anyhow::Error) -> Self {
        let message = format!("{error:#}");
        if let Some(failure) = error.downcast_ref::<Self>() {
            return Self { message, ..failure.clone() };
        }
        let (exit, kind) = error.chain().find_map(classify).unwrap_or((Exit::Failed, "failed"));
        let order = error.chain().find_map(|cause| match cause.downcast_ref::<Error>() {
            Some(Error::Denied { order, .. }) => Some(order.clone()),
            _ => None,
        });
        Self { exit, kind, message, order }
    }
}

fn classify(cause: &(dyn std::error::Error + 'static)) -> Option<(Exit, &'static str)> {
    if let Some(error) = cause.downcast_ref::<Error>() {
        return Some(of_execution(error));
    }
    if let Some(error) = cause.downcast_ref::<JournalError>() {
        return Some(of_journal(error));
    }
    if let Some(error) = cause.downcast_ref::<GatewayError>() {
        return Some(match error {
            GatewayError::Config { .. } | GatewayError::Record { .. } | GatewayError::Books { .. } => {
                (Exit::Usage, "usage")
            }
            _ => (Exit::Failed, "listen"),
        });
    }
    if cause.is::<ConfigError>() {
        return Some((Exit::Usage, "configuration"));
    }
    if cause.is::<ScenarioError>() {
        return Some((Exit::Usage, "usage"));
    }
    cause.is::<FaultTextError>().then_some((Exit::Usage, "usage"))
}

fn of_execution(error: &Error) -> (Exit, &'static str) {
    match error {
        Error::Config(_) => (Exit::Usage, "configuration"),
        Error::NoClientId { .. } => (Exit::Usage, "usage"),
        Error::Journal(error) => of_journal(error),
        Error::Recover { .. } => (Exit::Failed, "journal_corrupt"),
        Error::Denied { reason, .. } => of_denial(reason),
        Error::NotReady { readiness } if readiness.journal_trouble.is_some() => (Exit::Failed, "journal"),
        Error::NotReady { .. } => (Exit::NotConnected, "not_connected"),
        Error::Call(CallError::Misuse(_)) => (Exit::Usage, "usage"),
        Error::Call(CallError::Journal { .. } | CallError::NotOnRecord { .. }) => (Exit::Failed, "journal"),
        _ => (Exit::Failed, "failed"),
    }
}

/// What a denial is for scripts: one for what is not there yet is no verdict on the order.
pub(crate) const fn of_denial(reason: &DenyReason) -> (Exit, &'static str) {
    match reason {
        DenyReason::Journal { .. } => (Exit::Failed, "journal"),
        reason if reason.is_not_ready() => (Exit::NotConnected, "not_connected"),
        _ => (Exit::Denied, "denied"),
    }
}

fn of_journal(error: &JournalError) -> (Exit, &'static str) {
    match error {
        JournalError::Missing { .. } => (Exit::Usage, "journal_missing"),
        JournalError::Held { .. } => (Exit::Failed, "journal_held"),
        JournalError::Newer { .. } => (Exit::Failed, "journal_newer"),
        error if error.is_corrupt() => (Exit::Failed, "journal_corrupt"),
        _ => (Exit::Failed, "journal"),
    }
}

/// What a submitter or changer of an order waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Wait {
    /// Nothing: the intent is on record and on its way.
    None,
    /// The broker's first answer.
    Accepted,
    /// The order's end.
    Done,
}

/// What became of a new order, judged by what was waited for.
///
/// # Errors
/// [`Failure`] unless it stands as wished.
pub(crate) fn of_submitted(order: &Order, wait: Wait) -> Result<(), Failure> {
    let id = &order.client_order_id;
    let fail = |exit, kind, message: String| Err(Failure::new(exit, kind, message).about(order));
    match order.state {
        OrderState::Filled => Ok(()),
        OrderState::Working if wait != Wait::Done => Ok(()),
        OrderState::Staged | OrderState::PendingNew if wait == Wait::None => Ok(()),
        OrderState::Working => {
            let message = format!(
                "order {id} is still working, {} of {} filled; it stays at the broker: see `order status {id}`, or cancel it",
                order.cum_qty, order.spec.order_qty
            );
            fail(Exit::Failed, "still_working", message)
        }
        OrderState::Staged => {
            fail(Exit::Failed, "staged", format!("order {id} still waits for a risk rule; nothing was sent"))
        }
        OrderState::PendingNew => fail(
            Exit::InDoubt,
            "in_doubt",
            format!(
                "the broker has not answered order {id} yet; do not submit it again: see `order status {id}`"
            ),
        ),
        OrderState::InDoubt => fail(Exit::InDoubt, "in_doubt", in_doubt(order)),
        OrderState::Canceled | OrderState::Expired => {
            let message = format!(
                "order {id} ended {} with {} of {} filled{}",
                order.state,
                order.cum_qty,
                order.spec.order_qty,
                because(order)
            );
            fail(Exit::Failed, "not_filled", message)
        }
        OrderState::Rejected => {
            fail(Exit::Rejected, "rejected", format!("the broker rejected order {id}{}", because(order)))
        }
        OrderState::Denied => denied(order),
    }
}

/// What became of a cancel.
///
/// # Errors
/// [`Failure`] unless the order ended without being filled completely.
pub(crate) fn of_canceled(order: &Order) -> Result<(), Failure> {
    let id = &order.client_order_id;
    let fail = |exit, kind, message: String| Err(Failure::new(exit, kind, message).about(order));
    match order.state {
        OrderState::Canceled | OrderState::Expired | OrderState::Rejected | OrderState::Denied => Ok(()),
        OrderState::Filled => {
            fail(Exit::Failed, "filled", format!("order {id} was filled before it could be canceled"))
        }
        OrderState::InDoubt => fail(Exit::InDoubt, "in_doubt", in_doubt(order)),
        OrderState::Staged | OrderState::PendingNew | OrderState::Working => {
            let message = format!(
                "the broker has not confirmed the cancel of order {id}; it can still fill: see `order status {id}`"
            );
            fail(Exit::InDoubt, "in_doubt", message)
        }
    }
}

fn denied(order: &Order) -> Result<(), Failure> {
    let id = &order.client_order_id;
    let (exit, kind) = order.deny_reason.as_ref().map_or((Exit::Denied, "denied"), of_denial);
    Err(Failure::new(exit, kind, format!("order {id} was denied{}", because(order))).about(order))
}

fn in_doubt(order: &Order) -> String {
    let id = &order.client_order_id;
    format!(
        "order {id} is in doubt: it may be live at the broker; do not submit it again, its outcome is being looked for: see `order status {id}`"
    )
}

fn because(order: &Order) -> String {
    let denied = order.deny_reason.as_ref().map(ToString::to_string);
    let rejected = order.reject_reason.as_ref().map(ToString::to_string);
    denied.or(rejected).map(|why| format!(": {why}")).unwrap_or_default()
}
