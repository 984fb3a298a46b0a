//! What an operator can ask of a running engine from beside it: to stop trading.
//!
//! The journal's file lock keeps every second engine out, also that of `alphec-exec kill`. So the request is a small
//! file next to the journal, `<journal>.operator` (with an ending of its own where another one still lies there), and
//! the engine that holds the journal looks for it four times a second and once before it sends anything. Only acts that
//! stop trading can be asked for so: whoever may write next
//! to the journal may do that, and nothing else. A file that cannot be understood halts everything, because somebody
//! meant something by it. It stays until the act is durable.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use alphec_engine::{CallError, OperatorLine, PendingReply};
use alphec_model::{CancelScope, Command};
use serde::{Deserialize, Serialize};

use crate::new_correlation_id;

/// Between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// How long a request waits that was done and could not be recorded.
const NOT_ON_RECORD_PAUSE: Duration = Duration::from_secs(5);
/// The longest file.
const BYTES_MAX: u64 = 16 * 1024;

/// An act that stops trading.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "act", rename_all = "snake_case", deny_unknown_fields)]
pub enum StopAct {
    /// Refuse every new order and change, until resumed.
    Halt {
        /// Who.
        by: String,
        /// Why.
        reason: String,
    },
    /// The kill switch.
    Kill {
        /// What.
        scope: CancelScope,
        /// Who.
        by: String,
        /// Why.
        reason: String,
    },
}

impl StopAct {
    fn command(self) -> Command {
        match self {
            Self::Halt { by, reason } => Command::Halt { by, reason },
            Self::Kill { scope, by, reason } => {
                Command::Kill { scope, by, reason, correlation_id: new_correlation_id() }
            }
        }
    }
}

/// Where a request to the engine on this journal lies, if it is the only one.
#[must_use]
pub fn operator_file(journal: &Path) -> PathBuf {
    with_ending(journal, ".operator")
}

/// Asks the engine that holds this journal to stop trading. It has when the file is gone.
///
/// # Errors
/// The file cannot be written.
pub fn ask_beside(journal: &Path, act: &StopAct) -> std::io::Result<PathBuf> {
    let path = operator_file(journal);
    let one_more = uuid::Uuid::new_v4().simple().to_string();
    let draft = with_ending(&path, &format!("-{one_more}"));
    let mut file = fs::File::create(&draft)?;
    file.write_all(&serde_json::to_vec(act)?)?;
    file.sync_all()?;
    // Whole or not there at all, and never over another request: that one may wait for a journal in trouble, and this
    // one may reach further.
    let linked = match fs::hard_link(&draft, &path) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            let beside = with_ending(&path, &format!(".{one_more}"));
            fs::hard_link(&draft, &beside).map(|()| beside)
        }
        linked => linked.map(|()| path),
    };
    // Left behind it is no request.
    drop(fs::remove_file(&draft));
    linked
}

fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

/// Looks for requests for as long as the engine runs.
pub(crate) fn watch(journal: &Path, line: OperatorLine) -> std::io::Result<()> {
    let mut watch = Watch { path: operator_file(journal), line, known: BTreeMap::new() };
    // Before this process can have sent anything: the link takes longer than this look.
    let first = watch.look();
    std::thread::Builder::new().name("alphec-operator".to_owned()).spawn(move || watch.run(first)).map(drop)
}

struct Watch {
    path: PathBuf,
    line: OperatorLine,
    known: BTreeMap<PathBuf, Known>,
}

/// What became of a request that still lies there.
enum Known {
    /// It was done, and could not be recorded: to do it over and over would only fill the lane of its cancels.
    NotOnRecord { again_at: Instant },
    /// It is on record, and its file could not be removed.
    Done { bytes: Vec<u8> },
}

/// A request on its way.
struct Asked {
    path: PathBuf,
    bytes: Vec<u8>,
    answer: PendingReply,
}

impl Watch {
    fn run(mut self, first: Vec<Asked>) {
        let mut asked = first;
        while self.line.is_open() {
            asked.into_iter().for_each(|one| self.hear(one));
            std::thread::sleep(LOOK_EVERY);
            asked = self.look();
        }
    }

    fn hear(&mut self, Asked { path, bytes, answer }: Asked) {
        match answer.wait() {
            Ok(_) | Err(CallError::Misuse(_)) => self.finish(path, bytes),
            Err(error) => {
                tracing::error!(%error, "the operator's request is not on record yet; trying again");
                self.known
                    .insert(path, Known::NotOnRecord { again_at: Instant::now() + NOT_ON_RECORD_PAUSE });
            }
        }
    }

    /// Asks for what lies there, as far as it is new or due again.
    fn look(&mut self) -> Vec<Asked> {
        let there = self.requests();
        self.known.retain(|path, _| there.contains(path));
        there.into_iter().filter_map(|path| self.ask(path)).collect()
    }

    /// The file, and others that came while it lay there.
    fn requests(&self) -> Vec<PathBuf> {
        let name = self.path.file_name().unwrap_or_default().as_encoded_bytes();
        let is_request = |path: &PathBuf| {
            let ending = path.file_name().and_then(|it| it.as_encoded_bytes().strip_prefix(name));
            ending
                .is_some_and(|ending| ending.is_empty() || ending.strip_prefix(b".").is_some_and(is_one_more))
        };
        let folder = self.path.parent().filter(|it| !it.as_os_str().is_empty());
        match fs::read_dir(folder.unwrap_or(Path::new("."))) {
            Ok(entries) => entries
                .flatten()
                .map(|entry| self.path.with_file_name(entry.file_name()))
                .filter(is_request)
                .collect(),
            // A folder that may be written and not be listed still shows the files that are known.
            Err(_) => {
                let known: BTreeSet<_> = self.known.keys().chain([&self.path]).cloned().collect();
                known.into_iter().collect()
            }
        }
    }

    fn ask(&mut self, path: PathBuf) -> Option<Asked> {
        if matches!(self.known.get(&path), Some(Known::NotOnRecord { again_at }) if Instant::now() < *again_at)
        {
            return None;
        }
        let (bytes, command) = match read(&path) {
            Ok(bytes) => {
                let act = serde_json::from_slice::<StopAct>(&bytes).map_err(|error| error.to_string());
                (bytes, act.map_or_else(|why| misunderstood(&path, &why), StopAct::command))
            }
            Err(error) if error.kind() == ErrorKind::NotFound => return None,
            Err(error) => (Vec::new(), misunderstood(&path, &error.to_string())),
        };
        if matches!(self.known.get(&path), Some(Known::Done { bytes: done }) if *done == bytes) {
            self.finish(path, bytes);
            return None;
        }
        let answer = self.line.ask(command).ok()?;
        Some(Asked { path, bytes, answer })
    }

    /// It is on record: the file has done its work.
    fn finish(&mut self, path: PathBuf, bytes: Vec<u8>) {
        match fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                if !matches!(self.known.get(&path), Some(Known::Done { .. })) {
                    tracing::error!(%error, path = %path.display(), "remove this file: its request is done");
                }
                self.known.insert(path, Known::Done { bytes });
            }
            _ => drop(self.known.remove(&path)),
        }
    }
}

/// What [`ask_beside`] puts behind the name of a further request. Whatever else lies there, such as what an editor keeps of
/// the file, is none.
fn is_one_more(ending: &[u8]) -> bool {
    ending.len() == 32 && ending.iter().all(u8::is_ascii_hexdigit)
}

fn read(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    fs::File::open(path)?.take(BYTES_MAX).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn misunderstood(path: &Path, why: &str) -> Command {
    let reason = format!("{} could not be understood: {why}", path.display());
    Command::Halt { by: "the operator's file".to_owned(), reason }
}
