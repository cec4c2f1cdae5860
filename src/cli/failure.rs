//! From errors to exit codes: one table, the `From` implementations below; and what the edge prints.

use crate::aws::{CallError, ErrorKind};
use crate::report::ErrorView;
use std::error::Error;
use std::process::ExitCode;

/// How a command ends, mildest first: of several the worst counts. What needs fixing in the input stops a
/// command before anything is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exit {
    Done,
    /// The answer is no: changes with `--check`, not ready, rolled back, not owned, blocked.
    No,
    /// AWS, the network, a read that failed, partly applied.
    World,
    /// The caller must fix the input.
    Input,
}

impl Exit {
    #[must_use]
    pub fn worst(self, other: Self) -> Self {
        self.max(other)
    }

    pub fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::No => 1,
            Self::Input => 2,
            Self::World => 3,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        exit.code().into()
    }
}

/// Why a command could not do what it was asked: printed once, at the edge.
#[derive(Debug)]
pub struct Failure {
    pub exit: Exit,
    pub error: ErrorView,
}

impl Failure {
    pub fn input(message: impl Into<String>) -> Self {
        Self::new(Exit::Input, message)
    }

    pub fn world(message: impl Into<String>) -> Self {
        Self::new(Exit::World, message)
    }

    fn new(exit: Exit, message: impl Into<String>) -> Self {
        let error = ErrorView { message: message.into(), caused_by: Vec::new(), hints: Vec::new() };
        Self { exit, error }
    }

    /// Adds `error` and all that is under it.
    #[must_use]
    pub fn caused_by(mut self, error: &(dyn Error + 'static)) -> Self {
        let ErrorView { message, caused_by, .. } = ErrorView::of(error);
        self.error.caused_by.push(message);
        self.error.caused_by.extend(caused_by);
        self
    }

    /// Adds a cause that comes as words.
    #[must_use]
    pub fn because(mut self, cause: &str) -> Self {
        self.error.caused_by.push(cause.to_owned());
        self
    }

    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.error.hints.push(hint.into());
        self
    }
}

impl From<CallError> for Failure {
    fn from(error: CallError) -> Self {
        let settings = matches!(error.code.as_str(), "NoRegion" | "InvalidRegion" | "BadEndpoint");
        let exit = if error.kind == ErrorKind::Unreachable && settings { Exit::Input } else { Exit::World };
        let hints = error.hint().into_iter().collect();
        Self { exit, error: ErrorView { hints, ..ErrorView::of(&error) } }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_several_exit_codes_two_counts_before_three_before_one() {
        assert_eq!(Exit::No.worst(Exit::World).code(), 3);
        assert_eq!(Exit::World.worst(Exit::Input).code(), 2);
        assert_eq!(Exit::Done.worst(Exit::No).code(), 1);
    }
}
