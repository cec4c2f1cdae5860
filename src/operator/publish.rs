//! Where what is known goes: lines of a log, or the status of a cluster's objects.
//!
//! Written by one hand, the loop's, and only when something has happened. Tests: `tests/operator`.

use super::Kept;
use crate::report::Event;

/// A place for what happens and for where the objects stand.
pub trait Publish: Send {
    /// `events` have just happened, after which everything stands as in `kept`.
    fn publish(&mut self, events: &[Event], kept: &Kept) -> impl Future<Output = ()> + Send;
}

/// How a line is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    Text,
    Json,
}

/// A log: a line for each event, to whoever prints it.
pub struct Log<F> {
    form: Form,
    print: F,
}

impl<F: FnMut(&str) + Send> Log<F> {
    pub fn new(form: Form, print: F) -> Self {
        Self { form, print }
    }

    /// Prints what has just happened.
    pub fn tell(&mut self, events: &[Event]) {
        let now = jiff::Timestamp::now();
        let time = jiff::Timestamp::from_second(now.as_second()).unwrap_or(now).to_string();
        for event in events {
            (self.print)(&match self.form {
                Form::Text => event.text(&time),
                Form::Json => event.json(&time),
            });
        }
    }
}

impl<F: FnMut(&str) + Send> Publish for Log<F> {
    async fn publish(&mut self, events: &[Event], _: &Kept) {
        self.tell(events);
    }
}
