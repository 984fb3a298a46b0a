//! Records to write and journals to write them to.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;

use alphec_journal::{Journal, OpenOptions, Sink};
use alphec_model::{
    ApiClientId, Body, BrokerOrderId, ClientOrderId, CorrelationId, ExecId, Header, LogId, PermId,
    Provenance, Record, Seq, UtcNanos,
};
use tempfile::TempDir;

/// A directory that goes with the test, and a journal path in it.
pub(crate) fn place() -> (TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("journal.db");
    (dir, path)
}

pub(crate) fn options() -> OpenOptions {
    OpenOptions::new("the tests", UtcNanos::from_nanos(1_700_000_000_000_000_000))
}

/// Record `seq`: the first opens the log, the others take turns at kinds and names.
pub(crate) fn record(seq: u64) -> Record {
    let number = i32::try_from(seq).unwrap();
    let body = match seq {
        1 => Body::Opened { log_id: LogId::new("testlog1").unwrap(), api_client_id: ApiClientId::new(7) },
        seq if seq.is_multiple_of(3) => Body::CancelAsked,
        seq if seq.is_multiple_of(5) => Body::PermIdLearned { perm_id: PermId::new(i64::from(number)) },
        seq => Body::Anomaly { what: format!("strange \"thing\" № {seq} \u{1F980}\n") },
    };
    let order = (seq > 1).then(|| ClientOrderId::new(format!("order-{}", seq % 7)).unwrap());
    Record {
        header: Header {
            seq: Seq::new(seq),
            at: UtcNanos::from_nanos(1_700_000_000_000_000_000 + i64::from(number) * 1_000_000_007),
            provenance: if seq.is_multiple_of(2) { Provenance::Decided } else { Provenance::Observed },
            correlation_id: seq
                .is_multiple_of(4)
                .then(|| CorrelationId::new(format!("work-{}", seq % 8)).unwrap()),
            client_order_id: order,
            broker_order_id: seq.is_multiple_of(2).then(|| BrokerOrderId::new(number)),
            perm_id: seq.is_multiple_of(5).then(|| PermId::new(i64::from(number))),
            exec_id: seq.is_multiple_of(6).then(|| ExecId::new(format!("0001.{seq}.01.01")).unwrap()),
        },
        body,
    }
}

pub(crate) fn records(range: impl IntoIterator<Item = u64>) -> Vec<Arc<Record>> {
    given(range.into_iter().map(record))
}

/// Records as a sink takes them.
pub(crate) fn given(records: impl IntoIterator<Item = Record>) -> Vec<Arc<Record>> {
    records.into_iter().map(Arc::new).collect()
}

/// A closed journal of `count` records at `path`.
pub(crate) fn journal_of(path: &Path, count: u64) {
    let mut journal = Journal::create(path, options()).unwrap();
    let _durable = journal.append(&records(1..=count)).unwrap();
    journal.close().unwrap();
}

/// All records from `from` on, or the first error.
pub(crate) fn replay(path: &Path, from: u64) -> Result<Vec<Arc<Record>>, alphec_journal::Error> {
    let reader = alphec_journal::Reader::open(path)?;
    let stored: Result<Vec<_>, _> = reader.records(Seq::new(from))?.collect();
    Ok(stored?.into_iter().map(|stored| Arc::new(stored.record)).collect())
}

/// The path with `suffix` added to its file name.
pub(crate) fn beside(path: &Path, suffix: &str) -> PathBuf {
    PathBuf::from(format!("{}{suffix}", path.display()))
}

/// This test binary, to run the one test `name` in a process of its own with a journal at `path`.
pub(crate) fn child(name: &str, path: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", name, "--nocapture", "--test-threads=1"]).env(CHILD, path);
    command
}

/// The journal path, in a process started by [`child`].
pub(crate) fn in_child() -> Option<PathBuf> {
    std::env::var_os(CHILD).map(PathBuf::from)
}

/// Runs the command where the script has mounted something for it alone; `None` where that is not allowed, but not in
/// CI: there, nobody would see that the test tests nothing.
#[expect(clippy::print_stdout, reason = "why a test is skipped is for people")]
pub(crate) fn with_mounts(script: &str, command: &Command) -> Option<Output> {
    let script = format!("{{ {script}; }} || exit 77; exec \"$0\" \"$@\"");
    let mut outer = Command::new("unshare");
    outer.args(["--user", "--map-root-user", "--mount", "sh", "-c", &script]).arg(command.get_program());
    outer.args(command.get_args()).envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let why = match outer.output() {
        // 1 is unshare's own failure, 77 the script's; a failed test exits with 101.
        Ok(output) if !matches!(output.status.code(), Some(1 | 77)) => return Some(output),
        Ok(output) => String::from_utf8_lossy(&output.stderr).into_owned(),
        Err(error) => error.to_string(),
    };
    let needed = format!("needs `unshare --user --map-root-user --mount` and there a mount: {why}");
    assert!(std::env::var_os("CI").is_none(), "CI is set, and this {needed}");
    println!("skipped: {needed}");
    None
}

const CHILD: &str = "ALPHEC_JOURNAL_TEST_CHILD";
