//! AWS, by documents: the only place that knows the SDK.
//!
//! [`Aws::call`] takes an [`Operation`] and its input as JSON in the API's own spelling, and
//! gives the output the same way. The SDK does endpoints, credentials and signing under it;
//! nothing of its types leaves this folder. A request in words:
//!
//! ```text
//! call ─► retry ─► budget ─► SDK ─ carrier ─► AWS
//!   ◄── Answer or CallError ◄── answer ◄── the bytes that the carrier kept
//! ```
//!
//! It never logs a body, and it decides nothing about what to do. Tests: in every file, and
//! `wire_tests` for all operations against raw bytes.

mod answer;
mod budget;
mod carrier;
mod clients;
mod counters;
mod error;
mod failure;
mod gate;
mod operation;
mod page;
mod retry;
#[cfg(test)]
mod wire_tests;

use std::sync::Arc;

use bytes::Bytes;
use serde_json::{Value, json};
use tokio::sync::OnceCell;
use tokio::time::{Instant, sleep};
use tracing::{debug, info};

pub use answer::Answer;
pub use budget::{Priority, Share, Waiting};
pub use clients::{Connection, Exchange};
pub use counters::{Counters, Ended};
pub use error::{CallError, ErrorKind};
pub use operation::{Access, Api, Operation, RateClass};
pub use retry::Patience;

use answer::Attempt;
use budget::Budget;
use carrier::Carrier;
use clients::Clients;
use counters::Tally;
use gate::Gate;
use retry::Waits;

/// AWS, for one set of credentials, in any Region. Clones share all but their patience and priority.
#[derive(Clone)]
pub struct Aws {
    clients: Arc<Clients>,
    account: Arc<OnceCell<String>>,
    budget: Arc<Budget>,
    tally: Arc<Tally>,
    gate: Gate,
    patience: Patience,
    priority: Priority,
}

impl Aws {
    /// Reads the settings; nothing is sent yet.
    pub async fn connect(connection: Connection) -> Self {
        Self::of(Clients::new(connection).await)
    }

    fn of(clients: Clients) -> Self {
        Self {
            clients: Arc::new(clients),
            account: Arc::default(),
            budget: Arc::new(Budget::new(Share::default())),
            tally: Arc::default(),
            gate: Gate::default(),
            patience: Patience::default(),
            priority: Priority::Pass,
        }
    }

    #[must_use]
    pub fn with_patience(self, patience: Patience) -> Self {
        Self { patience, ..self }
    }

    /// With full buckets of this size, shared by the clones that are made from now on.
    #[must_use]
    pub fn with_budget(self, share: Share) -> Self {
        Self { budget: Arc::new(Budget::new(share)), ..self }
    }

    /// The same AWS; its reads queue with this priority.
    #[must_use]
    pub fn with_priority(&self, priority: Priority) -> Self {
        Self { priority, ..self.clone() }
    }

    /// Which calls wait for the call budget, the longest wait first.
    pub fn waiting(&self) -> Vec<Waiting> {
        self.budget.waiting()
    }

    /// The calls so far.
    pub fn counters(&self) -> Counters {
        self.tally.snapshot()
    }

    /// From now on no write is sent, nor sent again: it fails as `Stopped`. What is under way goes on.
    pub fn close(&self) {
        self.gate.close();
    }

    /// The Region of the settings, for what declares none.
    pub fn default_region(&self) -> Option<&str> {
        self.clients.default_region()
    }

    /// The account of the credentials, twelve digits; asked for once.
    pub async fn account_id(&self, region: &str) -> Result<&str, CallError> {
        self.account.get_or_try_init(|| self.ask_account(region)).await.map(String::as_str)
    }

    /// The same, asked for anew: credentials may change under a process that runs for long. Where nobody answers it is
    /// the one that was answered last.
    pub async fn account_now(&self, region: &str) -> Result<String, CallError> {
        match (self.ask_account(region).await, self.account.get()) {
            (Err(_), Some(known)) => Ok(known.clone()),
            (Err(error), None) => Err(error),
            (Ok(account), _) => {
                self.account.get_or_init(async || account.clone()).await;
                Ok(account)
            }
        }
    }

    async fn ask_account(&self, region: &str) -> Result<String, CallError> {
        let input = json!({});
        let answer = self.call(region, Operation::GetCallerIdentity, &input).await?;
        answer.document.get("Account").and_then(Value::as_str).map(str::to_owned).ok_or_else(|| {
            Attempt { operation: Operation::GetCallerIdentity, region, input: &input }.error(
                ErrorKind::Garbage,
                "EmptyAnswer",
                "the answer names no account",
            )
        })
    }

    /// Carries out an operation, trying again where that helps and does no harm. An
    /// empty region is the error `NoRegion`; a null input is sent as `{}`.
    pub async fn call(&self, region: &str, operation: Operation, input: &Value) -> Result<Answer, CallError> {
        let attempt = Attempt { operation, region, input };
        check_region(&attempt)?;
        let body = match (operation.api(), input) {
            (Api::Sts, _) => None,
            (_, Value::Null) => Some(Bytes::from_static(b"{}")),
            (_, input) => Some(Bytes::from(input.to_string())),
        };
        let mut waits = Waits::new(self.patience, operation.safe_to_repeat(input));
        let bucket = self.budget.bucket(region, operation.class());
        let priority = if operation.writes() { Priority::Write } else { self.priority };
        let began = Instant::now();
        let (mut unclear, mut attempts) = (false, 0);
        loop {
            attempts += 1;
            let queued = Instant::now();
            if self.unless_closed(operation, bucket.permit(priority, began)).await.is_none() {
                return Err(CallError { unclear, attempts: attempts - 1, ..stopped(&attempt) });
            }
            let waited = queued.elapsed();
            let outcome = self.attempt(&attempt, body.clone(), attempts).await;
            self.tally.count(operation, waited, &outcome);
            let mut error = match outcome {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            if error.kind == ErrorKind::Throttled {
                bucket.throttled();
            }
            let wait = waits.next(&error);
            unclear |= error.unclear;
            let Some(wait) = wait else {
                error.attempts = attempts;
                error.unclear = unclear;
                return Err(error);
            };
            if self.unless_closed(operation, sleep(wait)).await.is_none() {
                return Err(CallError { unclear, attempts, ..stopped(&attempt) });
            }
        }
    }

    /// What comes of `wait`; a write does not wait when no writes are sent any more.
    async fn unless_closed<T>(&self, operation: Operation, wait: impl Future<Output = T>) -> Option<T> {
        if operation.writes() { self.gate.unless_closed(wait).await } else { Some(wait.await) }
    }

    async fn attempt(
        &self,
        attempt: &Attempt<'_>,
        body: Option<Bytes>,
        number: u32,
    ) -> Result<Answer, CallError> {
        let began = Instant::now();
        let carrier = Carrier::new(body);
        let sdk = self.clients.regional(attempt.region).send(attempt.operation, carrier.clone()).await;
        let outcome = attempt.outcome(carrier.journey(), sdk);
        trace(attempt, number, began, &outcome);
        outcome
    }
}

/// One event for each attempt: writes and failures at `info`, reads that went well at `debug`.
fn trace(attempt: &Attempt<'_>, number: u32, began: Instant, outcome: &Result<Answer, CallError>) {
    let Attempt { operation, region, .. } = attempt;
    let ms = began.elapsed().as_millis();
    match outcome {
        Ok(Answer { request_id: request, .. }) if operation.writes() => {
            info!(%operation, region, ms, attempt = number, outcome = "ok", request);
        }
        Ok(Answer { request_id: request, .. }) => {
            debug!(%operation, region, ms, attempt = number, outcome = "ok", request);
        }
        Err(CallError { kind, code, request_id: request, .. }) => {
            info!(%operation, region, ms, attempt = number, outcome = ?kind, code, request);
        }
    }
}

fn stopped(attempt: &Attempt<'_>) -> CallError {
    attempt.error(ErrorKind::Unreachable, CallError::STOPPED, "no more calls are begun")
}

/// A Region's name becomes part of a host's name.
fn check_region(attempt: &Attempt<'_>) -> Result<(), CallError> {
    let region = attempt.region;
    if region.is_empty() {
        return Err(attempt.error(ErrorKind::Unreachable, "NoRegion", "no Region is set"));
    }
    let sound = region.len() <= 63
        && region.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    if sound {
        return Ok(());
    }
    Err(attempt.error(ErrorKind::Unreachable, "InvalidRegion", "this is not the name of a Region"))
}
