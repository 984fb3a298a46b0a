//! How a victim ended: only SIGKILL is a kill.

use std::os::unix::process::ExitStatusExt as _;
use std::process::ExitStatus;

const SIGKILL: i32 = 9;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    Killed,
    /// A demo that was through before the kill, or failed because its gateway was killed.
    ByItself,
    /// A panic, a signal that nobody sent, or a failure without that reason.
    Defect,
}

impl End {
    pub(crate) fn of(ended: ExitStatus, has_lost_gateway: bool) -> Self {
        const PANIC: i32 = 101;
        match ended.code() {
            None if ended.signal() == Some(SIGKILL) => Self::Killed,
            Some(0) => Self::ByItself,
            Some(code) if code != PANIC && has_lost_gateway => Self::ByItself,
            _ => Self::Defect,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_sigkill_is_a_kill_and_a_victim_may_fail_only_if_its_gateway_was_killed() {
        let [killed, aborted, well, failed, panicked] =
            [SIGKILL, 6, 0, 1 << 8, 101 << 8].map(ExitStatus::from_raw);
        for has_lost_gateway in [false, true] {
            let end = |ended| End::of(ended, has_lost_gateway);
            assert_eq!([killed, well].map(end), [End::Killed, End::ByItself]);
            assert_eq!([aborted, panicked].map(end), [End::Defect; 2]);
            assert_eq!(end(failed), if has_lost_gateway { End::ByItself } else { End::Defect });
        }
    }
}
