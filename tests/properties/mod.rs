//! What holds for whatever is declared, over generated manifests that use any member of the model.
//!
//! A failure shrinks by dropping members. `PROPTEST_CASES` sets the number of fleets a property is tried on.

mod generator;
mod members;

use crate::world::{World, count};
use generator::{Place, Recipe};
use proptest::prelude::*;
use std::future::Future;

/// Runs under paused time.
fn under_paused_time<T>(story: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
    runtime.unwrap().block_on(story)
}

fn places() -> impl Strategy<Value = Place> {
    prop_oneof![
        Just(Place::Fargate),
        Just(Place::Awsvpc),
        Just(Place::Bridge),
        Just(Place::Host),
        Just(Place::Daemon)
    ]
}

fn recipes() -> impl Strategy<Value = Recipe> {
    let seeds = any::<u64>().no_shrink();
    (places(), seeds.clone(), seeds, 0..100u64).prop_map(|(place, identity, seed, density)| Recipe {
        place,
        identity,
        seed,
        density,
    })
}

fn config() -> ProptestConfig {
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(24);
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn what_is_applied_needs_no_second_apply(recipe in recipes()) {
        under_paused_time(async {
            let world = World::seeded(recipe.seed).await;
            let applied = world.applies(&recipe.fleet()).await;
            for operation in ["CreateCapacityProvider", "CreateCluster", "CreateRepository", "RegisterTaskDefinition", "CreateService"] {
                assert_eq!(count(&applied.changes, operation), 1, "{:?}", applied.changes);
            }
            assert_eq!(count(&applied.changes, "UpdateService"), 0);
        });
    }
}
