//! A small AWS for demos and tests: ECS, ECR, Application Auto Scaling and what else is read,
//! kept in memory, honest as AWS is.
//!
//! It imports nothing of the rest of the crate; the API model's facts it reads as data. Every
//! input is checked against them before an operation sees it. One file or folder per API.
//!
//! A call goes `protocol` (HTTP to operation) → `fault` (what a test has scripted) →
//! `model_check` → the API's `answer`, which changes the [`Region`] → `protocol` (answer to HTTP).
//! Nothing runs in the background: a call first brings the world to the present, by what has
//! become due in the meantime, in its order (`world`).
//!
//! Tests: beside each module; `tests.rs` drives the whole with raw bytes.

// Operations and members are AWS's words, and read as such.
#![allow(clippy::doc_markdown)]

mod autoscaling;
mod call;
mod clock;
#[cfg(test)]
mod corpus;
mod derived;
mod ecr;
mod ecs;
mod fault;
mod field;
mod ids;
mod model_check;
mod page;
mod protocol;
pub mod server;
mod sts;
mod tagging;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod with_sdk;
mod world;

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use serde_json::Value;

pub use call::{Call, Document, Refusal};
pub use clock::Clock;
pub use fault::{Fault, FaultKind};
pub use ids::Ids;
pub use world::{Region, RestoreError};

use fault::{Failure, Faults};
use protocol::{Body, Parsed};
use world::World;

/// Calls that [`Sandbox::calls`] remembers; older ones are forgotten.
const REMEMBERED_CALLS: usize = 100_000;

/// How a sandbox begins.
#[derive(Debug, Clone)]
pub struct Options {
    /// Ids follow from it.
    pub seed: u64,
    pub clock: Clock,
    /// Twelve digits.
    pub account: String,
}

impl Default for Options {
    fn default() -> Self {
        Self { seed: 0, clock: Clock::Real { speed: 1.0 }, account: "123456789012".to_owned() }
    }
}

/// What one call was and became.
#[derive(Debug, Clone, PartialEq)]
pub struct CallRecord {
    /// Seconds since the epoch, by the sandbox's clock.
    pub at: f64,
    /// The signing name: `ecs`, `ecr`, `application-autoscaling`, `tagging`, `sts`.
    pub service: String,
    pub region: String,
    pub operation: String,
    pub input: Document,
    pub outcome: Outcome,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    Answered,
    /// The exception's name.
    Refused(String),
    /// The connection broke, before the operation was done or after.
    Lost,
}

/// The small AWS. Clones are the same world.
#[derive(Debug, Clone)]
pub struct Sandbox(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    time: clock::Time,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    world: World,
    faults: Faults,
    calls: VecDeque<CallRecord>,
}

impl Sandbox {
    /// An empty world.
    pub fn new(options: Options) -> Self {
        let Options { seed, clock, account } = options;
        Self::begin(World::new(seed, account), clock)
    }

    /// The world that [`Self::world`] gave, with its account and ids; of the options only the
    /// clock counts, which begins no earlier than that world's present.
    #[allow(clippy::needless_pass_by_value)] // as `new` takes them
    pub fn restore(world: Value, options: Options) -> Result<Self, RestoreError> {
        Ok(Self::begin(World::restore(world)?, options.clock))
    }

    fn begin(world: World, clock: Clock) -> Self {
        let time = clock::Time::begin(clock, world.now());
        let state = State { world, faults: Faults::default(), calls: VecDeque::new() };
        Self(Arc::new(Inner { time, state: Mutex::new(state) }))
    }

    /// Everything there is, to be kept in a file.
    pub fn world(&self) -> Value {
        let mut state = self.state();
        state.world.advance(self.0.time.now());
        state.world.keep()
    }

    /// Answers one request. An error is a connection that broke.
    pub fn call(&self, request: Request<Bytes>) -> io::Result<Response<Bytes>> {
        let state = &mut *self.state();
        state.world.advance(self.0.time.now());
        let request_id = state.world.ids().uuid();
        let parsed = match protocol::parse(request) {
            Ok(parsed) => parsed,
            Err(refusal) => return protocol::refusal(&refusal, None, &request_id),
        };
        let call = state.world.call(&parsed.region);
        let answer = state.answer(&call, &parsed);
        state.record(&call, &parsed, &answer);
        match answer {
            Ok(body) => protocol::answer(body, &request_id),
            Err(Failure::Refused(refusal)) => {
                protocol::refusal(&refusal, Some(parsed.service()), &request_id)
            }
            Err(Failure::Lost) => Err(io::Error::new(io::ErrorKind::ConnectionReset, "connection lost")),
        }
    }

    /// Moves the clock on.
    pub fn advance(&self, by: Duration) {
        self.0.time.advance(by);
    }

    /// Has the next calls of an operation fail.
    pub fn script(&self, fault: Fault) {
        self.state().faults.script(fault);
    }

    /// The calls since the beginning or [`Self::forget_calls`], oldest first.
    pub fn calls(&self) -> Vec<CallRecord> {
        self.state().calls.iter().cloned().collect()
    }

    pub fn forget_calls(&self) {
        self.state().calls.clear();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn answer(&mut self, call: &Call, request: &Parsed) -> Result<Body, Failure> {
        let scripted = self.faults.draw(request.operation());
        if let Some(failure) = scripted.and_then(|kind| kind.before(call, request)) {
            return Err(failure);
        }
        let answer = request.perform(self.world.region(&call.region), call);
        match scripted {
            Some(FaultKind::LostAnswer) => Err(Failure::Lost),
            _ => answer.map_err(Failure::Refused),
        }
    }

    fn record(&mut self, call: &Call, request: &Parsed, answer: &Result<Body, Failure>) {
        if self.calls.len() == REMEMBERED_CALLS {
            self.calls.pop_front();
        }
        self.calls.push_back(CallRecord {
            at: call.now,
            service: request.service().to_owned(),
            region: call.region.clone(),
            operation: request.operation().to_owned(),
            input: request.input.clone(),
            outcome: match answer {
                Ok(_) => Outcome::Answered,
                Err(Failure::Refused(refusal)) => Outcome::Refused(refusal.code.clone()),
                Err(Failure::Lost) => Outcome::Lost,
            },
        });
    }
}
