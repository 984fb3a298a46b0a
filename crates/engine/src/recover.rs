//! Start: fold the journal into the machine. Nothing trades before that has worked.

use std::borrow::Borrow;

use alphec_core::{Core, ReplayError};
use alphec_journal::Error as JournalError;
use alphec_model::{Record, Seq};

/// The journal cannot be trusted as it is.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecoverError {
    /// It could not be read, or its chain is broken.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// A record does not follow from the ones before it.
    #[error(transparent)]
    Replay(#[from] ReplayError),
}

/// Folds records in, in order. Gives the last sequence.
///
/// # Errors
/// [`RecoverError`] names the first bad record.
pub fn replay<R: Borrow<Record>>(
    core: &mut Core,
    records: impl IntoIterator<Item = Result<R, JournalError>>,
) -> Result<Option<Seq>, RecoverError> {
    for record in records {
        core.replay(record?.borrow())?;
    }
    Ok(core.book().seq())
}
