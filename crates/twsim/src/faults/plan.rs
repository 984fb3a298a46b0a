//! The faults that are armed, and what they decide.

use std::collections::HashMap;

use super::{Fault, FaultKind, Request, When};
use crate::venue::UtcNs;

/// What becomes of one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    Act,
    DropBefore,
    DropAfter,
    Swallow,
    Reject(i32),
    /// Every connection is cut, before this request is read.
    Disconnect,
    /// The gateway falls silent before it reads this request.
    Mute,
}

/// Something a fault does by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effect {
    Mute,
    Resume,
    Disconnect,
}

#[derive(Debug)]
struct Armed {
    fault: Fault,
    since: UtcNs,
    seen: u64,
    /// A lasting fault has begun, or a single one is spent.
    active: bool,
}

/// All armed faults.
#[derive(Debug, Default)]
pub(crate) struct FaultPlan {
    armed: Vec<Armed>,
    held: HashMap<i32, u32>,
    /// End of the current silence, when it has one.
    resume_at: Option<UtcNs>,
}

impl FaultPlan {
    pub(crate) fn arm(&mut self, now: UtcNs, fault: Fault) {
        let lasting = !is_single(fault.kind) && fault.when == When::Now;
        self.armed.push(Armed { fault, since: now, seen: 0, active: lasting && !is_event(fault.kind) });
    }

    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    pub(crate) fn resume_after(&mut self, now: UtcNs, pause: Option<i64>) {
        self.resume_at = pause.map(|pause| now.saturating_add(pause));
    }

    /// Decides about one request. Every fault that waits for such a request counts it; the first that is due
    /// decides.
    pub(crate) fn on_request(&mut self, now: UtcNs, request: Request) -> Fate {
        let mut fate = Fate::Act;
        let mut silence = None;
        for armed in self.armed.iter_mut().filter(|armed| !armed.active && counts(armed.fault.kind, request))
        {
            armed.seen += 1;
            let due = match armed.fault.when {
                When::Now => true,
                When::Nth(nth) => armed.seen >= nth,
                When::After(wait) => is_single(armed.fault.kind) && now >= armed.since.saturating_add(wait),
            };
            if !due || fate != Fate::Act {
                continue;
            }
            armed.active = true;
            fate = match armed.fault.kind {
                FaultKind::DropBefore(_) => Fate::DropBefore,
                FaultKind::Disconnect => Fate::Disconnect,
                FaultKind::DropAfter(_) => Fate::DropAfter,
                FaultKind::Swallow(_) => Fate::Swallow,
                FaultKind::Reject { code } => Fate::Reject(code),
                FaultKind::Mute { resume_after } => {
                    silence = Some(resume_after);
                    Fate::Mute
                }
                FaultKind::Delay { .. }
                | FaultKind::Duplicate { .. }
                | FaultKind::ExecutionFirst
                | FaultKind::NoStatus
                | FaultKind::HoldClientId { .. }
                | FaultKind::RollBackIds { .. } => Fate::Act,
            };
        }
        if let Some(pause) = silence {
            self.resume_after(now, pause);
        }
        fate
    }

    /// What has become due by the passage of time.
    pub(crate) fn on_time(&mut self, now: UtcNs) -> Vec<Effect> {
        let mut effects = Vec::new();
        if self.resume_at.is_some_and(|at| at <= now) {
            self.resume_at = None;
            effects.push(Effect::Resume);
        }
        let mut silence = None;
        for armed in self.armed.iter_mut().filter(|armed| !armed.active && !is_single(armed.fault.kind)) {
            let due = match armed.fault.when {
                When::Now => true,
                When::After(wait) => armed.since.saturating_add(wait) <= now,
                When::Nth(_) => false,
            };
            if !due {
                continue;
            }
            armed.active = true;
            match armed.fault.kind {
                FaultKind::Mute { resume_after } => {
                    silence = Some(resume_after);
                    effects.push(Effect::Mute);
                }
                FaultKind::Disconnect => effects.push(Effect::Disconnect),
                FaultKind::DropBefore(_)
                | FaultKind::DropAfter(_)
                | FaultKind::Swallow(_)
                | FaultKind::Reject { .. }
                | FaultKind::Delay { .. }
                | FaultKind::Duplicate { .. }
                | FaultKind::ExecutionFirst
                | FaultKind::NoStatus
                | FaultKind::HoldClientId { .. }
                | FaultKind::RollBackIds { .. } => {}
            }
        }
        if let Some(pause) = silence {
            self.resume_after(now, pause);
        }
        effects
    }

    /// When `on_time` next has something to say.
    pub(crate) fn next_wake(&self) -> Option<UtcNs> {
        let timed = self
            .armed
            .iter()
            .filter(|armed| !armed.active && !is_single(armed.fault.kind))
            .filter_map(|armed| match armed.fault.when {
                When::Now => Some(armed.since),
                When::After(wait) => Some(armed.since.saturating_add(wait)),
                When::Nth(_) => None,
            })
            .min();
        [timed, self.resume_at].into_iter().flatten().min()
    }

    /// How late everything is, in nanoseconds.
    pub(crate) fn delay(&self) -> i64 {
        self.lasting().map(|kind| if let FaultKind::Delay { by } = kind { by } else { 0 }).sum()
    }

    /// How often an order callback is sent.
    pub(crate) fn copies(&self) -> u32 {
        self.lasting()
            .map(|kind| if let FaultKind::Duplicate { copies } = kind { copies } else { 1 })
            .max()
            .unwrap_or(1)
    }

    /// True when executions overtake order callbacks.
    pub(crate) fn execution_first(&self) -> bool {
        self.lasting().any(|kind| kind == FaultKind::ExecutionFirst)
    }

    /// True when order callbacks are left out.
    pub(crate) fn no_status(&self) -> bool {
        self.lasting().any(|kind| kind == FaultKind::NoStatus)
    }

    /// How far back the handshake puts the next order id.
    pub(crate) fn roll_back(&self) -> i32 {
        self.lasting()
            .map(|kind| if let FaultKind::RollBackIds { by } = kind { by } else { 0 })
            .max()
            .unwrap_or(0)
    }

    /// A session of `client_id` ended. The gateway cannot tell a clean end from a dead client.
    pub(crate) fn on_disconnect(&mut self, client_id: i32) {
        let attempts = self
            .lasting()
            .map(|kind| if let FaultKind::HoldClientId { attempts } = kind { attempts } else { 0 })
            .max()
            .unwrap_or(0);
        if attempts > 0 {
            self.held.insert(client_id, attempts);
        }
    }

    /// True when this attempt to start with `client_id` meets the ghost of its last session.
    pub(crate) fn is_held(&mut self, client_id: i32) -> bool {
        match self.held.get_mut(&client_id) {
            Some(left) if *left > 0 => {
                *left -= 1;
                true
            }
            _ => false,
        }
    }

    fn lasting(&self) -> impl Iterator<Item = FaultKind> {
        self.armed.iter().filter(|armed| armed.active).map(|armed| armed.fault.kind)
    }
}

/// Tied to one request, and spent by it.
fn is_single(kind: FaultKind) -> bool {
    matches!(
        kind,
        FaultKind::DropBefore(_) | FaultKind::DropAfter(_) | FaultKind::Swallow(_) | FaultKind::Reject { .. }
    )
}

/// Happens at an instant.
fn is_event(kind: FaultKind) -> bool {
    matches!(kind, FaultKind::Mute { .. } | FaultKind::Disconnect)
}

/// The requests a fault counts. Faults that name none count new orders, and only when told to.
fn counts(kind: FaultKind, request: Request) -> bool {
    match kind {
        FaultKind::DropBefore(tied) | FaultKind::DropAfter(tied) | FaultKind::Swallow(tied) => {
            tied == request
        }
        FaultKind::Reject { .. }
        | FaultKind::Mute { .. }
        | FaultKind::Disconnect
        | FaultKind::Delay { .. }
        | FaultKind::Duplicate { .. }
        | FaultKind::ExecutionFirst
        | FaultKind::NoStatus
        | FaultKind::HoldClientId { .. }
        | FaultKind::RollBackIds { .. } => request == Request::Place,
    }
}
