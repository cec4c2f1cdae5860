//! A small AWS for demos and tests: ECS, ECR, Application Auto Scaling and what else is read,
//! kept in memory, honest as AWS is.
//!
//! It imports nothing of the rest of the crate; the API model's facts it reads as data. Every
//! input is checked against them before an operation sees it. One file or folder per API.
//!
//! A call goes `protocol` (HTTP to operation) → `rate` (AWS's token buckets) → `fault` (what a test
//! has scripted) → `model_check` → the API's `answer`, which changes the [`Region`] → `protocol`
//! (answer to HTTP).
//! Nothing runs in the background: a call first brings the world to the present, by what has
//! become due in the meantime, in its order (`world`).
//!
//! Tests: beside each module; `tests.rs` drives the whole with raw bytes.

// Operations and members are AWS's words, and read as such.
#![allow(clippy::doc_markdown)]

mod autoscaling;
mod call;
mod clock;
mod control;
#[cfg(test)]
mod corpus;
mod derived;
mod ecr;
mod ecs;
mod fault;
mod field;
mod ids;
mod late;
mod model_check;
mod page;
mod past;
mod protocol;
mod rate;
mod record;
pub mod server;
mod sts;
mod tagging;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod with_sdk;
mod world;

use std::collections::BTreeMap;
use std::future::{Future, pending};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use serde_json::Value;
use tokio::sync::watch;

pub use call::{Call, Document, Refusal};
pub use clock::Clock;
pub use fault::{Calls, Chances, Fault, FaultKind};
pub use ids::Ids;
pub use rate::Rates;
pub use record::{CallRecord, Count, Outcome};
pub use world::{Region, RestoreError};

use fault::{Failure, Faults};
use past::Past;
use protocol::{Body, Parsed};
use rate::Buckets;
use record::Ledger;
use world::World;

/// How a sandbox begins.
#[derive(Debug, Clone)]
pub struct Options {
    /// Ids follow from it.
    pub seed: u64,
    pub clock: Clock,
    /// Twelve digits.
    pub account: String,
    pub rates: Rates,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            seed: 0,
            clock: Clock::Real { speed: 1.0 },
            account: "123456789012".to_owned(),
            rates: Rates::Aws,
        }
    }
}

/// The small AWS. Clones are the same world.
#[derive(Debug, Clone)]
pub struct Sandbox(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    time: clock::Time,
    state: Mutex<State>,
    /// Whether a fault has halted the world.
    halted: watch::Sender<bool>,
}

#[derive(Debug)]
struct State {
    world: World,
    past: Past,
    faults: Faults,
    buckets: Buckets,
    ledger: Ledger,
}

impl Sandbox {
    /// An empty world.
    pub fn new(options: Options) -> Self {
        let world = World::new(options.seed, options.account);
        Self::begin(world, options.clock, options.rates)
    }

    /// The world that [`Self::world`] gave, with its account and ids; of the options only the
    /// clock, which begins no earlier than that world's present, and the rates count.
    #[allow(clippy::needless_pass_by_value)] // as `new` takes them
    pub fn restore(world: Value, options: Options) -> Result<Self, RestoreError> {
        Ok(Self::begin(World::restore(world)?, options.clock, options.rates))
    }

    fn begin(world: World, clock: Clock, rates: Rates) -> Self {
        let time = clock::Time::begin(clock, world.now());
        let state = State {
            world,
            past: Past::default(),
            faults: Faults::default(),
            buckets: Buckets::new(rates),
            ledger: Ledger::default(),
        };
        Self(Arc::new(Inner { time, state: Mutex::new(state), halted: watch::Sender::new(false) }))
    }

    /// Everything there is, to be kept in a file.
    pub fn world(&self) -> Value {
        self.present().world.keep()
    }

    /// Does what one request asks for, at once, and answers it. An error is a connection that
    /// broke. The answer may never come: see [`FaultKind::Unanswered`].
    pub fn exchange(
        &self,
        request: Request<Bytes>,
    ) -> impl Future<Output = io::Result<Response<Bytes>>> + Send + 'static {
        let answer = self.answer(request);
        async move {
            match answer {
                Some(answer) => answer,
                None => pending().await,
            }
        }
    }

    /// The same for those who do not wait: an answer that never comes is an error.
    pub fn call(&self, request: Request<Bytes>) -> io::Result<Response<Bytes>> {
        self.answer(request).unwrap_or_else(|| Err(io::Error::new(io::ErrorKind::TimedOut, "no answer")))
    }

    fn answer(&self, request: Request<Bytes>) -> Option<io::Result<Response<Bytes>>> {
        if *self.0.halted.borrow() {
            return None;
        }
        let state = &mut *self.present();
        let request_id = state.world.ids().uuid();
        let parsed = match protocol::parse(request) {
            Ok(parsed) => parsed,
            Err(refusal) => return Some(protocol::refusal(&refusal, None, &request_id)),
        };
        match state.answer(&parsed) {
            Ok(body) => Some(protocol::answer(body, &request_id)),
            Err(Failure::Refused(refusal)) => {
                Some(protocol::refusal(&refusal, Some(parsed.service()), &request_id))
            }
            Err(Failure::Lost) => {
                Some(Err(io::Error::new(io::ErrorKind::ConnectionReset, "connection lost")))
            }
            Err(Failure::Unanswered) => None,
            Err(Failure::Halted) => {
                self.0.halted.send_replace(true);
                None
            }
        }
    }

    /// Performs an operation of a service (`ecs`; its signing name) as somebody else would: it meets
    /// neither faults nor rates, and is not among [`Self::calls`].
    pub fn perform(
        &self,
        region: &str,
        service: &str,
        operation: &str,
        input: &Value,
    ) -> Result<Value, Refusal> {
        let request = Parsed::new(region, service, operation, input)?;
        match self.present().perform(&request)? {
            Body::Json(answer) => Ok(answer),
            Body::Xml(answer) => Ok(Value::String(answer)),
        }
    }

    /// Has Application Auto Scaling set a service's desired count, as near to `count` as its bounds
    /// allow, by an alarm of one of its policies. Answers the count; `None` without a target.
    pub fn scale(&self, region: &str, cluster: &str, service: &str, count: i64) -> Option<i64> {
        let world = &mut self.present().world;
        let call = world.call(region);
        autoscaling::scale(world.region(region), &call, cluster, service, count)
    }

    /// Moves the clock on.
    pub fn advance(&self, by: Duration) {
        self.0.time.advance(by);
    }

    /// Has the next calls of a kind fail.
    pub fn script(&self, fault: Fault) {
        self.state().faults.script(fault);
    }

    /// Has calls fail by chance, until [`Self::clear_faults`].
    pub fn leave_to_chance(&self, chances: Chances) {
        self.state().faults.leave_to_chance(chances);
    }

    /// From now on nothing goes wrong but what rates and AWS's rules refuse.
    pub fn clear_faults(&self) {
        let state = &mut *self.state();
        state.faults = Faults::default();
        state.past.forget();
    }

    /// Ready once a fault has halted the world. A test that ends the caller here has it crash there.
    pub async fn halted(&self) {
        // It ends in an error only with the sender, which is ours.
        let _ = self.0.halted.subscribe().wait_for(|halted| *halted).await;
    }

    /// A halted world goes on. The calls it left unanswered stay so.
    pub fn resume(&self) {
        self.0.halted.send_replace(false);
    }

    /// The calls since the beginning or [`Self::forget_calls`], oldest first, at most the last
    /// 100,000 of them.
    pub fn calls(&self) -> Vec<CallRecord> {
        self.state().ledger.calls.iter().cloned().collect()
    }

    pub fn forget_calls(&self) {
        self.state().ledger.calls.clear();
    }

    /// All calls since the beginning, forgotten ones included, by service and operation:
    /// `ecs:CreateService`.
    pub fn counts(&self) -> BTreeMap<String, Count> {
        self.state().ledger.counts.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The state, brought to the present.
    fn present(&self) -> MutexGuard<'_, State> {
        let mut state = self.state();
        state.world.advance(self.0.time.now());
        state
    }
}

impl State {
    fn answer(&mut self, request: &Parsed) -> Result<Body, Failure> {
        let call = self.world.call(&request.region);
        let mut done = false;
        let answer = self.admit(&call, request).and_then(|fault| {
            let answer = self.reach(&call, request, fault.as_ref());
            done = answer.is_ok();
            let lost = fault.as_ref().and_then(FaultKind::after);
            lost.map_or_else(|| answer.map_err(Failure::Refused), Err)
        });
        self.ledger.record(&call, request, &answer, done);
        answer
    }

    /// Keeps a call from its operation, by AWS's rates or by a fault; else answers the fault that
    /// it meets on the way. What the rates refuse meets no fault.
    fn admit(&mut self, call: &Call, request: &Parsed) -> Result<Option<FaultKind>, Failure> {
        let (service, operation) = (request.service(), request.operation());
        self.buckets.take(&call.region, service, operation, call.now).map_err(Failure::Refused)?;
        let fault = self.faults.draw(service, operation);
        fault.as_ref().and_then(|fault| fault.before(call, request)).map_or(Ok(fault), Err)
    }

    /// Performs the operation on the present, or reads from the past.
    fn reach(&mut self, call: &Call, request: &Parsed, fault: Option<&FaultKind>) -> Result<Body, Refusal> {
        if let Some(FaultKind::StaleRead { seconds }) = fault
            && let Some(past) = self.past.before(&call.region, *seconds, call.now)
        {
            return request.perform(past, call);
        }
        self.perform(request)
    }

    fn perform(&mut self, request: &Parsed) -> Result<Body, Refusal> {
        let call = self.world.call(&request.region);
        let region = self.world.region(&call.region);
        if request.changes() && self.faults.look_back() {
            self.past.remember(&call.region, call.now, region);
        }
        request.perform(region, &call)
    }
}
