//! The call budget: how much of AWS's token buckets this process may use, and who goes first.
//!
//! AWS counts calls per account, Region and class of operations, and every other tool in the
//! account draws from the same buckets. So each attempt takes a permit from a bucket of our own,
//! which is a [`Share`] of AWS's. Who has to wait does so in the order of its [`Priority`], and
//! among equals in the order of coming; nobody waits for ever, because waiting makes up for a
//! lower priority.
//!
//! The published numbers are the upper bound, not a promise: a throttle halves the rate of the
//! bucket, for all its callers, and stops them for a moment; then the rate rises again. Where AWS publishes
//! nothing we begin at 5 calls a second and rise in the same way, up to the 20 that AWS publishes
//! for the reads of ECS: a sweep of 10,000 services needs some 700 calls to Application Auto
//! Scaling within a minute, which 5 a second would not give.
//!
//! There is no task in the background: the first in a queue waits for its token, and wakes the
//! second when it goes. It knows no clock but tokio's. Tests: here, under paused time.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, sleep};

use super::operation::RateClass;

/// What a call is for. Writes always go as [`Self::Write`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Priority {
    /// Changes, rollbacks above all.
    Write,
    /// Reads of a pass, which come before its writes.
    Pass,
    /// Reads of a sweep, which nobody waits for.
    Sweep,
}

impl Priority {
    /// How much longer a call has to have waited to go before a write. A sweep takes about a
    /// minute, so in practice a sweep's calls let all others pass.
    const fn patience(self) -> Duration {
        match self {
            Self::Write => Duration::ZERO,
            Self::Pass => Duration::from_mins(1),
            Self::Sweep => Duration::from_mins(5),
        }
    }
}

/// The part of AWS's buckets that may be used: more than nothing, at most all.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Share(f64);

impl Share {
    /// All that AWS allows the account.
    pub const WHOLE: Self = Self(1.0);
}

impl Default for Share {
    /// Half: the console, deploy tools and dashboards live on the other half.
    fn default() -> Self {
        Self(0.5)
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.0}%", self.0 * 100.0)
    }
}

impl FromStr for Share {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let percent = text.strip_suffix('%').and_then(|number| number.trim().parse::<u8>().ok());
        match percent {
            Some(percent @ 1..=100) => Ok(Self(f64::from(percent) / 100.0)),
            _ => Err("write a share from 1% to 100%, such as 50%".to_owned()),
        }
    }
}

/// A bucket of AWS: calls that may come at once, and calls a second.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Limit {
    burst: f64,
    rate: f64,
    /// Where nothing is published the rate is found out, from [`Self::rate`] up to here.
    most: f64,
}

const fn published(burst: f64, rate: f64) -> Limit {
    Limit { burst, rate, most: rate }
}

const UNPUBLISHED: Limit = Limit { burst: 20.0, rate: 5.0, most: 20.0 };

/// From "Request throttling for the Amazon ECS API" in the Amazon ECS API Reference.
#[allow(clippy::match_same_arms)] // line by line, as AWS has them
const fn limit(class: RateClass) -> Limit {
    match class {
        RateClass::ServiceRead => published(100.0, 20.0),
        RateClass::ServiceModify => published(50.0, 5.0),
        RateClass::ServiceDeploymentRead => published(50.0, 20.0),
        RateClass::ServiceRevisionRead => published(50.0, 20.0),
        RateClass::TaskDefinitionRead => published(50.0, 20.0),
        RateClass::TaskDefinitionModify => published(20.0, 1.0),
        RateClass::ClusterRead => published(50.0, 20.0),
        RateClass::ClusterModify => published(20.0, 1.0),
        RateClass::ClusterResourceRead => published(100.0, 20.0),
        RateClass::ClusterResourceModify => published(100.0, 40.0),
        RateClass::CapacityProviderRead => published(50.0, 20.0),
        RateClass::CapacityProviderModify => published(10.0, 1.0),
        RateClass::TagRead => published(50.0, 20.0),
        RateClass::TagModify => published(20.0, 10.0),
        RateClass::ServiceDeploymentModify
        | RateClass::Registry
        | RateClass::Autoscaling
        | RateClass::Tagging
        | RateClass::Identity => UNPUBLISHED,
    }
}

/// Calls do not arrive as evenly as they leave: as much of the burst stays unused as comes back in this time.
const JITTER: f64 = 0.25;
/// After a throttle nothing goes out for this long, so that AWS's bucket has something in it again.
const PAUSE: Duration = Duration::from_secs(1);
/// However often it is throttled, a bucket keeps this part of its highest rate.
const FLOOR: f64 = 1.0 / 8.0;
/// From nothing to the highest rate in this many seconds, if nothing is throttled: after one throttle it is back in
/// half of it.
const RECOVERY: f64 = 40.0;

/// The timer's grain: a shorter sleep would be none, and the loop a busy one.
const TICK: Duration = Duration::from_millis(1);

/// Calls that wait for a bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    pub region: String,
    pub class: RateClass,
    pub calls: usize,
    /// How long the one that came first has waited.
    pub longest: Duration,
}

/// The buckets of one account.
#[derive(Debug)]
pub struct Budget {
    share: Share,
    buckets: Mutex<HashMap<(String, RateClass), Arc<Bucket>>>,
}

impl Budget {
    pub fn new(share: Share) -> Self {
        Self { share, buckets: Mutex::default() }
    }

    pub fn bucket(&self, region: &str, class: RateClass) -> Arc<Bucket> {
        let key = (region.to_owned(), class);
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(buckets.entry(key).or_insert_with(|| Arc::new(Bucket::new(limit(class), self.share))))
    }

    /// What waits now, the longest wait first.
    pub fn waiting(&self) -> Vec<Waiting> {
        let buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let waiting = buckets.iter().filter_map(|((region, class), bucket)| {
            let state = bucket.state();
            let first = state.queue.values().map(|waiter| waiter.came).min()?;
            let (calls, longest) = (state.queue.len(), first.elapsed());
            Some(Waiting { region: region.clone(), class: *class, calls, longest })
        });
        let mut waiting: Vec<Waiting> = waiting.collect();
        waiting.sort_by(|a, b| b.longest.cmp(&a.longest).then_with(|| a.region.cmp(&b.region)));
        waiting
    }
}

/// One token bucket, and the queue before it.
#[derive(Debug)]
pub struct Bucket(Mutex<State>);

#[derive(Debug)]
struct State {
    tokens: f64,
    burst: f64,
    /// Calls a second now, and the bounds in which it moves: it rises to `usual` by itself, above only in use.
    rate: f64,
    usual: f64,
    most: f64,
    filled: Instant,
    throttled: Option<Instant>,
    queue: BTreeMap<Place, Waiter>,
    came: u64,
}

/// When it would be its turn if it were a write, and a number that makes it one place.
type Place = (Instant, u64);

#[derive(Debug)]
struct Waiter {
    came: Instant,
    turn: Arc<Notify>,
}

impl Bucket {
    fn new(limit: Limit, Share(share): Share) -> Self {
        let burst = ((limit.burst - limit.most * JITTER) * share).max(1.0);
        Self(Mutex::new(State {
            tokens: burst,
            burst,
            rate: limit.rate * share,
            usual: limit.rate * share,
            most: limit.most * share,
            filled: Instant::now(),
            throttled: None,
            queue: BTreeMap::new(),
            came: 0,
        }))
    }

    /// Waits for a call's turn and its token. `since` is when the call began: an attempt that comes again keeps its
    /// place. Dropping the future gives the place up.
    pub async fn permit(&self, priority: Priority, since: Instant) {
        let place = self.enter(priority, since);
        loop {
            let token = self.state().take(place.at);
            match token {
                Token::Taken => return,
                Token::In(wait) => tokio::select! {
                    () = sleep(wait) => {}
                    () = place.turn.notified() => {}
                },
                Token::NotYourTurn => place.turn.notified().await,
            }
        }
    }

    fn enter(&self, priority: Priority, since: Instant) -> InQueue<'_> {
        let mut state = self.state();
        state.came += 1;
        let at = (since + priority.patience(), state.came);
        let turn = Arc::new(Notify::new());
        state.queue.insert(at, Waiter { came: Instant::now(), turn: Arc::clone(&turn) });
        InQueue { bucket: self, at, turn }
    }

    /// AWS has throttled a call of this bucket: all of them wait, and then go more slowly.
    pub fn throttled(&self) {
        let mut state = self.state();
        let now = Instant::now();
        state.fill(now);
        // Calls that were under way together are throttled together: that is one sign, not many.
        if state.throttled.is_none_or(|last| now >= last + PAUSE) {
            state.throttled = Some(now);
            state.rate = (state.rate / 2.0).max(state.most * FLOOR);
            state.tokens = state.tokens.min(0.0).min(1.0 - state.rate * PAUSE.as_secs_f64());
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

enum Token {
    Taken,
    In(Duration),
    NotYourTurn,
}

impl State {
    fn take(&mut self, place: Place) -> Token {
        if self.queue.first_key_value().is_some_and(|(first, _)| *first != place) {
            return Token::NotYourTurn;
        }
        self.fill(Instant::now());
        if self.tokens < 1.0 {
            let wait = Duration::from_secs_f64((1.0 - self.tokens) / self.rate);
            return Token::In(wait.max(TICK));
        }
        self.tokens -= 1.0;
        Token::Taken
    }

    /// What has come into the bucket, and how its rate has risen, since it was filled last.
    fn fill(&mut self, now: Instant) {
        let passed = now.duration_since(self.filled).as_secs_f64();
        self.filled = now;
        let in_use = self.tokens < self.burst;
        let ceiling = if in_use { self.most } else { self.usual.max(self.rate) };
        let risen = (self.rate + self.most / RECOVERY * passed).min(ceiling);
        self.tokens = (self.tokens + f64::midpoint(self.rate, risen) * passed).min(self.burst);
        self.rate = risen;
    }
}

/// A place in a queue, for as long as it is held.
struct InQueue<'a> {
    bucket: &'a Bucket,
    at: Place,
    turn: Arc<Notify>,
}

impl Drop for InQueue<'_> {
    /// Gone, with a token or without: whoever is first now looks for its own.
    fn drop(&mut self) {
        let mut state = self.bucket.state();
        state.queue.remove(&self.at);
        if let Some((_, first)) = state.queue.first_key_value() {
            first.turn.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::future::join_all;
    use tokio::task::{JoinSet, yield_now};

    use super::*;

    const REGION: &str = "eu-central-1";

    fn bucket(class: RateClass) -> Arc<Bucket> {
        Budget::new(Share::WHOLE).bucket(REGION, class)
    }

    /// The seconds that this many permits take.
    async fn time_for(bucket: &Bucket, calls: usize) -> f64 {
        let began = Instant::now();
        join_all((0..calls).map(|_| bucket.permit(Priority::Pass, began))).await;
        began.elapsed().as_secs_f64()
    }

    fn is_about(seconds: f64, expected: f64) {
        assert!((seconds - expected).abs() <= expected * 0.02 + 0.01, "{seconds} s, not {expected} s");
    }

    /// Has `name` told when it has its permit.
    fn queue(
        bucket: &Arc<Bucket>,
        told: &Arc<Mutex<Vec<String>>>,
        tasks: &mut JoinSet<()>,
        (priority, name): (Priority, &str),
    ) {
        let (bucket, told, name) = (Arc::clone(bucket), Arc::clone(told), name.to_owned());
        tasks.spawn(async move {
            bucket.permit(priority, Instant::now()).await;
            told.lock().unwrap().push(name);
        });
    }

    #[test]
    fn a_share_is_a_percentage_and_nothing_else() {
        assert_eq!("50%".parse(), Ok(Share::default()));
        assert_eq!("100%".parse(), Ok(Share::WHOLE));
        assert_eq!("7%".parse::<Share>().unwrap().to_string(), "7%");
        for wrong in ["", "%", "0%", "101%", "50", "-1%", "0.5%", "a%"] {
            assert!(wrong.parse::<Share>().is_err(), "{wrong}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_burst_goes_at_once_and_the_rest_at_the_rate() {
        let bucket = bucket(RateClass::ServiceRead);
        is_about(time_for(&bucket, 95).await, 0.0);
        is_about(time_for(&bucket, 200).await, 10.0);
        sleep(Duration::from_secs(2)).await;
        is_about(time_for(&bucket, 40).await, 0.0);
        sleep(Duration::from_hours(1)).await;
        is_about(time_for(&bucket, 115).await, 1.0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_share_cuts_burst_and_rate_and_leaves_at_least_one_call() {
        let half = Budget::new(Share::default());
        is_about(time_for(&half.bucket(REGION, RateClass::ServiceRead), 47 + 100).await, 10.0);
        let least = Budget::new("1%".parse().unwrap());
        is_about(time_for(&least.bucket(REGION, RateClass::TaskDefinitionModify), 2).await, 100.0);
    }

    #[tokio::test(start_paused = true)]
    async fn every_region_and_class_has_its_own_bucket() {
        let budget = Budget::new(Share::WHOLE);
        for (region, class) in [
            (REGION, RateClass::ServiceRead),
            ("us-east-1", RateClass::ServiceRead),
            (REGION, RateClass::Registry),
        ] {
            is_about(time_for(&budget.bucket(region, class), 15).await, 0.0);
        }
        is_about(time_for(&budget.bucket(REGION, RateClass::ServiceRead), 100).await, 1.0);
    }

    #[tokio::test(start_paused = true)]
    async fn writes_go_before_a_pass_before_a_sweep_and_equals_in_their_order() {
        let bucket = bucket(RateClass::TaskDefinitionModify);
        time_for(&bucket, 19).await;
        let (told, mut tasks) = (Arc::default(), JoinSet::new());
        for one in [
            (Priority::Sweep, "sweep 1"),
            (Priority::Pass, "pass 1"),
            (Priority::Sweep, "sweep 2"),
            (Priority::Write, "write 1"),
            (Priority::Pass, "pass 2"),
        ] {
            queue(&bucket, &told, &mut tasks, one);
            yield_now().await;
        }
        sleep(Duration::from_millis(500)).await;
        queue(&bucket, &told, &mut tasks, (Priority::Write, "write 2"));
        while tasks.join_next().await.is_some() {}
        let told = told.lock().unwrap();
        assert_eq!(*told, ["write 1", "write 2", "pass 1", "pass 2", "sweep 1", "sweep 2"]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_sweep_is_not_starved_by_writes_without_end() {
        let bucket = bucket(RateClass::TaskDefinitionModify);
        time_for(&bucket, 19).await;
        let writes = Arc::clone(&bucket);
        let writes = tokio::spawn(async move {
            loop {
                join_all((0..3).map(|_| writes.permit(Priority::Write, Instant::now()))).await;
            }
        });
        let began = Instant::now();
        bucket.permit(Priority::Sweep, began).await;
        assert!(began.elapsed() < Duration::from_secs(310), "{:?}", began.elapsed());
        writes.abort();
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_is_dropped_gives_its_place_up() {
        let bucket = bucket(RateClass::TaskDefinitionModify);
        time_for(&bucket, 19).await;
        let (told, mut tasks) = (Arc::default(), JoinSet::new());
        let gone = Arc::clone(&bucket);
        let gone = tokio::spawn(async move { gone.permit(Priority::Write, Instant::now()).await });
        yield_now().await;
        queue(&bucket, &told, &mut tasks, (Priority::Pass, "pass"));
        yield_now().await;
        sleep(Duration::from_millis(900)).await;
        gone.abort();
        let began = Instant::now();
        while tasks.join_next().await.is_some() {}
        assert!(began.elapsed() < Duration::from_millis(500), "{:?}", began.elapsed());
        assert!(bucket.state().queue.is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn a_throttle_stops_all_callers_then_halves_the_rate_which_comes_back() {
        let bucket = bucket(RateClass::ServiceRead);
        // Ten that were under way together are one sign.
        (0..10).for_each(|_| bucket.throttled());
        is_about(time_for(&bucket, 1).await, 1.0);
        let first = time_for(&bucket, 10).await;
        assert!((0.8..1.0).contains(&first), "ten a second and rising: {first}");
        time_for(&bucket, 400).await;
        is_about(time_for(&bucket, 200).await, 10.0);
    }

    #[tokio::test(start_paused = true)]
    async fn throttled_without_end_it_still_goes_on_at_the_floor() {
        let bucket = bucket(RateClass::ServiceModify);
        for _ in 0..50 {
            bucket.throttled();
            sleep(PAUSE).await;
        }
        assert!(bucket.state().rate >= 5.0 * FLOOR);
        assert!(time_for(&bucket, 2).await < 5.0);
    }

    #[tokio::test(start_paused = true)]
    async fn where_nothing_is_published_the_rate_is_found_out_in_use() {
        let bucket = bucket(RateClass::Autoscaling);
        is_about(time_for(&bucket, 15).await, 0.0);
        let first = time_for(&bucket, 50).await;
        assert!((7.0..10.0).contains(&first), "five a second and rising: {first}");
        time_for(&bucket, 400).await;
        is_about(time_for(&bucket, 200).await, 10.0);
        bucket.throttled();
        sleep(Duration::from_hours(1)).await;
        let rate = bucket.state().rate;
        time_for(&bucket, 1).await;
        assert!(rate < 10.1, "it does not rise while nobody looks: {rate}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_sweep_of_ten_thousand_services_fits_in_a_minute() {
        let budget = Budget::new(Share::WHOLE);
        let services = budget.bucket(REGION, RateClass::ServiceRead);
        let scaling = budget.bucket(REGION, RateClass::Autoscaling);
        assert!(time_for(&services, 1_000).await < 60.0);
        assert!(time_for(&scaling, 730).await < 60.0);
    }

    #[tokio::test(start_paused = true)]
    async fn what_waits_can_be_seen() {
        let budget = Budget::new(Share::WHOLE);
        let bucket = budget.bucket(REGION, RateClass::ClusterModify);
        time_for(&bucket, 19).await;
        assert_eq!(budget.waiting(), []);
        let began = Instant::now();
        let calls = join_all((0..3).map(|_| bucket.permit(Priority::Write, began)));
        let seen = async {
            sleep(Duration::from_millis(200)).await;
            budget.waiting()
        };
        let (_, seen) = futures::join!(calls, seen);
        let longest = Duration::from_millis(200);
        let class = RateClass::ClusterModify;
        assert_eq!(seen, [Waiting { region: REGION.to_owned(), class, calls: 3, longest }]);
        assert_eq!(budget.waiting(), []);
    }
}
