//! How it grows: what thousands of declared services cost in processor time, memory, calls and time at AWS's rates.
//!
//! `cargo bench` prints three parts: the planner alone on a fleet that runs as declared; everything that a pass holds
//! in memory, from the text on (its `max alloc` is the peak); and sweeps against the sandbox under simulated time,
//! with all that AWS publishes as the call budget.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

#[path = "../tests/fleet.rs"]
#[allow(dead_code)]
mod fleet;

use divan::{AllocProfiler, Bencher, black_box};
use ecs_operator::aws::Share;
use ecs_operator::model::desired::Desired;
use ecs_operator::model::observed::Observed;
use ecs_operator::plan::{Options, plan};
use fleet::{Fleet, Size};
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};
use tokio::time::{Instant, sleep};

#[global_allocator]
static ALLOCATOR: AllocProfiler = AllocProfiler::system();

const SIZES: [usize; 3] = [1_000, 3_000, 10_000];
/// A Region has at most so many scalable targets of ECS.
const MOST_TARGETS: usize = 3_000;

fn main() {
    divan::main();
    println!("\nsweeps, warm, at the published rates (simulated):");
    println!("{:>9} {:>8} {:>14} {:>9}", "services", "calls", "a service", "seconds");
    for services in SIZES {
        runtime().block_on(sweep(services));
    }
}

/// Time stands still but for what is waited for.
fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().start_paused(true).build().unwrap()
}

/// Every service has a task definition of its own and two in three a repository; targets as far as AWS allows.
fn size(services: usize) -> Size {
    let (scaled, repositories) = (services.min(MOST_TARGETS), services * 2 / 3);
    Size { services, scaled, repositories, own_definitions: true }
}

fn options() -> Options {
    Options { owner: "default".to_owned(), ..Options::default() }
}

/// A fleet that runs as declared, as a sweep sees it.
fn observed(services: usize) -> (Desired, Observed) {
    runtime().block_on(async {
        let fleet = Fleet::new(size(services)).await;
        let session = fleet.session(Share::WHOLE).await;
        let seen = session.sweep(&fleet.desired).await.unwrap();
        assert!(seen.plan.actions.is_empty());
        (fleet.desired, seen.observed)
    })
}

/// The planner, which finds nothing to do.
#[divan::bench(args = SIZES, sample_count = 10, sample_size = 1)]
fn plans(bencher: Bencher, services: usize) {
    let (desired, observed) = observed(services);
    bencher.bench_local(|| plan(black_box(&desired), black_box(&observed), &options()));
}

/// All that is in memory at the end of a pass: manifests, what is wanted, what was seen, the task definitions that the
/// session keeps, the plan.
#[divan::bench(args = SIZES, sample_count = 2, sample_size = 1)]
fn holds_a_pass(bencher: Bencher, services: usize) {
    let text = fleet::manifests(size(services));
    let (_, observed) = observed(services);
    bencher.bench_local(|| {
        let text = text.clone();
        let desired = fleet::resolved(&text);
        let (observed, cached) = (observed.clone(), observed.revisions.clone());
        let plan = plan(&desired, &observed, &options());
        (text, desired, observed, cached, plan)
    });
}

async fn sweep(services: usize) {
    let fleet = Fleet::new(size(services)).await;
    let session = fleet.session(Share::WHOLE).await;
    session.sweep(&fleet.desired).await.unwrap();
    sleep(Duration::from_mins(5)).await;
    fleet.calls();
    let began = Instant::now();
    session.sweep(&fleet.desired).await.unwrap();
    let (took, calls) = (began.elapsed().as_secs_f64(), fleet.calls());
    let count = |of: &BTreeMap<String, usize>| of.values().sum::<usize>();
    let all = count(&calls);
    #[allow(clippy::cast_precision_loss)]
    let each = all as f64 / services as f64;
    println!("{services:>9} {all:>8} {each:>14.3} {took:>9.1}");
    for (operation, count) in calls {
        println!("{count:>18} {operation}");
    }
}
