//! Reading NUL-terminated text fields. Every problem names the message and the field, and ends the
//! connection: a client that miscounts its fields cannot be understood any more.

use crate::wire::frame::FrameError;

/// What can be wrong with a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FieldProblem {
    /// The message ends before it.
    #[error("is missing")]
    Missing,
    /// Not a number of its type.
    #[error("is not a number")]
    NotANumber,
    /// Neither yes nor no.
    #[error("is neither 0 nor 1")]
    NotAFlag,
    /// A value that has no meaning here.
    #[error("has no known meaning")]
    Unknown,
    /// The body is not UTF-8, or does not end with NUL.
    #[error("is not text")]
    NotText,
}

type Read<T> = Result<T, FrameError>;

/// The fields of one message, read in order.
#[derive(Debug)]
pub(super) struct Fields<'a> {
    message_id: i32,
    rest: &'a str,
    read: usize,
}

impl<'a> Fields<'a> {
    /// The fields in a body from which the message id has been taken.
    pub(super) fn of(message_id: i32, body: &'a [u8]) -> Read<Self> {
        let problem = |problem| FrameError::BadField { message_id, field: 0, problem };
        if !body.is_empty() && body.last() != Some(&0) {
            return Err(problem(FieldProblem::NotText));
        }
        let rest = std::str::from_utf8(body).map_err(|_| problem(FieldProblem::NotText))?;
        Ok(Self { message_id, rest, read: 0 })
    }

    /// The next field.
    pub(super) fn str(&mut self) -> Read<&'a str> {
        let Some((field, rest)) = self.rest.split_once('\0') else {
            return Err(self.problem(FieldProblem::Missing));
        };
        self.rest = rest;
        self.read += 1;
        Ok(field)
    }

    pub(super) fn skip(&mut self, count: usize) -> Read<()> {
        for _ in 0..count {
            self.str()?;
        }
        Ok(())
    }

    /// A text; empty means unset.
    pub(super) fn text(&mut self) -> Read<Option<String>> {
        Ok(Some(self.str()?).filter(|text| !text.is_empty()).map(str::to_owned))
    }

    /// A whole number; empty and the sentinel mean unset.
    pub(super) fn int(&mut self) -> Read<Option<i32>> {
        let field = self.str()?;
        if field.is_empty() {
            return Ok(None);
        }
        let number: i32 = field.parse().map_err(|_| self.last_problem(FieldProblem::NotANumber))?;
        Ok(Some(number).filter(|number| *number != i32::MAX))
    }

    /// An identifier, which cannot be left out.
    pub(super) fn id(&mut self) -> Read<i32> {
        self.int()?.ok_or_else(|| self.last_problem(FieldProblem::NotANumber))
    }

    /// A number; empty and the sentinel mean unset. Infinity is spelled in two ways by two clients.
    pub(super) fn double(&mut self) -> Read<Option<f64>> {
        let field = self.str()?;
        match field {
            "" => Ok(None),
            "Infinity" | "Infinite" => Ok(Some(f64::INFINITY)),
            _ => {
                let number: f64 = field.parse().map_err(|_| self.last_problem(FieldProblem::NotANumber))?;
                if number.is_nan() {
                    return Err(self.last_problem(FieldProblem::NotANumber));
                }
                Ok(Some(number).filter(|number| *number < f64::MAX))
            }
        }
    }

    /// Yes, or nothing: as in protobuf, no is the same as unset.
    pub(super) fn flag(&mut self) -> Read<Option<bool>> {
        match self.str()? {
            "1" | "true" | "True" => Ok(Some(true)),
            "" | "0" | "false" | "False" => Ok(None),
            _ => Err(self.last_problem(FieldProblem::NotAFlag)),
        }
    }

    /// How many items follow. Each item is at least one field, so a count cannot ask for more than there is.
    pub(super) fn count(&mut self) -> Read<usize> {
        let count = usize::try_from(self.int()?.unwrap_or(0))
            .map_err(|_| self.last_problem(FieldProblem::NotANumber))?;
        if count > self.rest.len() {
            return Err(self.problem(FieldProblem::Missing));
        }
        Ok(count)
    }

    /// The field just read has a problem.
    pub(super) fn last_problem(&self, problem: FieldProblem) -> FrameError {
        FrameError::BadField { message_id: self.message_id, field: self.read.saturating_sub(1), problem }
    }

    fn problem(&self, problem: FieldProblem) -> FrameError {
        FrameError::BadField { message_id: self.message_id, field: self.read, problem }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unset_values_and_both_infinities_are_understood() {
        let mut fields =
            Fields::of(3, b"\x002147483647\x001.7976931348623157e+308\x00Infinity\x00Infinite\x001\x000\x00")
                .unwrap();
        assert_eq!(fields.text(), Ok(None));
        assert_eq!(fields.int(), Ok(None));
        assert_eq!(fields.double(), Ok(None));
        assert_eq!(fields.double(), Ok(Some(f64::INFINITY)));
        assert_eq!(fields.double(), Ok(Some(f64::INFINITY)));
        assert_eq!((fields.flag(), fields.flag()), (Ok(Some(true)), Ok(None)));
        assert!(matches!(fields.str(), Err(FrameError::BadField { field: 7, .. })));
    }

    #[test]
    fn what_is_no_number_is_an_error_that_names_its_field() {
        let mut fields = Fields::of(3, b"1\0ten\0").unwrap();
        assert_eq!(fields.id(), Ok(1));
        let problem = FieldProblem::NotANumber;
        assert_eq!(fields.int(), Err(FrameError::BadField { message_id: 3, field: 1, problem }));
        assert!(Fields::of(3, b"no end").is_err());
        assert!(Fields::of(3, b"\xff\0").is_err());
        assert!(Fields::of(3, b"2000000000\0").unwrap().count().is_err());
    }
}
