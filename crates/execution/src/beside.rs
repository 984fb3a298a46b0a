//! What an operator can ask of a running engine from beside it: to stop trading.
//!
//! The journal's file lock keeps every second engine out, also that of `alphec-exec kill`. So the request is a small
//! file next to the journal, `<journal>.operator`, and the engine that holds the journal looks for it four times a
//! second and once before it sends anything. Only acts that stop trading can be asked for so: whoever may write next
//! to the journal may do that, and nothing else. A file that cannot be understood halts everything, because somebody
//! meant something by it. It stays until the act is durable.

use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

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

/// Where a request to the engine on this journal lies.
#[must_use]
pub fn operator_file(journal: &Path) -> PathBuf {
    let mut name = journal.as_os_str().to_owned();
    name.push(".operator");
    PathBuf::from(name)
}

/// Asks the engine that holds this journal to stop trading. It has when the file is gone.
///
/// # Errors
/// The file cannot be written, or another request still lies there.
pub fn ask_beside(journal: &Path, act: &StopAct) -> std::io::Result<PathBuf> {
    let path = operator_file(journal);
    let mut draft = path.as_os_str().to_owned();
    draft.push(format!(".{}", std::process::id()));
    let draft = PathBuf::from(draft);
    let mut file = fs::File::create(&draft)?;
    file.write_all(&serde_json::to_vec(act)?)?;
    file.sync_all()?;
    // Whole or not there at all, and never over another request.
    let linked = fs::hard_link(&draft, &path);
    fs::remove_file(&draft)?;
    linked.map(|()| path)
}

/// Looks for requests for as long as the engine runs.
pub(crate) fn watch(journal: &Path, line: OperatorLine) -> std::io::Result<()> {
    let mut watch = Watch { path: operator_file(journal), line, done: None };
    // Before this process can have sent anything: the link takes longer than this look.
    let first = watch.look();
    std::thread::Builder::new().name("alphec-operator".to_owned()).spawn(move || watch.run(first)).map(drop)
}

struct Watch {
    path: PathBuf,
    line: OperatorLine,
    /// The request that was done and whose file could not be removed yet.
    done: Option<Vec<u8>>,
}

/// A request on its way: its bytes, and its answer.
type Asked = (Vec<u8>, PendingReply);

impl Watch {
    fn run(mut self, first: Option<Asked>) {
        let mut asked = first;
        let mut pause = LOOK_EVERY;
        while self.line.is_open() {
            if let Some((bytes, answer)) = asked.take() {
                pause = LOOK_EVERY;
                match answer.wait() {
                    Ok(_) | Err(CallError::Misuse(_)) => self.finish(bytes),
                    Err(error) => {
                        // It was done; to do it over and over would only fill the lane of its cancels.
                        pause = NOT_ON_RECORD_PAUSE;
                        tracing::error!(%error, "the operator's request is not on record yet; trying again");
                    }
                }
            }
            std::thread::sleep(pause);
            asked = self.look();
        }
    }

    /// Asks for what lies there, if it is new.
    fn look(&mut self) -> Option<Asked> {
        let (bytes, command) = match self.read() {
            Ok(bytes) => {
                let act = serde_json::from_slice::<StopAct>(&bytes).map_err(|error| error.to_string());
                (bytes, act.map_or_else(|why| self.misunderstood(&why), StopAct::command))
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {
                self.done = None;
                return None;
            }
            Err(error) => (Vec::new(), self.misunderstood(&error.to_string())),
        };
        if self.done.as_ref() == Some(&bytes) {
            self.finish(bytes);
            return None;
        }
        self.line.ask(command).ok().map(|answer| (bytes, answer))
    }

    fn read(&self) -> std::io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        fs::File::open(&self.path)?.take(BYTES_MAX).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    fn misunderstood(&self, why: &str) -> Command {
        let reason = format!("{} could not be understood: {why}", self.path.display());
        Command::Halt { by: "the operator's file".to_owned(), reason }
    }

    /// It is on record: the file has done its work.
    fn finish(&mut self, bytes: Vec<u8>) {
        match fs::remove_file(&self.path) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                if self.done.is_none() {
                    tracing::error!(%error, path = %self.path.display(), "remove this file: its request is done");
                }
                self.done = Some(bytes);
            }
            _ => self.done = None,
        }
    }
}
