//! Everything there is, Region by Region, and how it moves with time. What is due is done at its
//! own time and in its order, however late it is looked at: the same calls at the same times make
//! the same world.
//!
//! Tests: `tests.rs`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::ids::Ids;
use super::{Call, autoscaling, ecr, ecs, tagging};

/// The form of a kept world. A world of another form is refused, not guessed at.
const VERSION: u32 = 2;

/// The state of one Region.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
#[serde(default)]
pub struct Region {
    pub ecs: ecs::State,
    pub ecr: ecr::State,
    pub autoscaling: autoscaling::State,
    /// What of a listing is still to be paged through.
    #[serde(skip)]
    pub tagging: tagging::State,
}

impl Region {
    /// When something is next due, in seconds since the epoch.
    fn due(&self) -> Option<f64> {
        let times = [self.ecs.due(), autoscaling::due(self)];
        times.into_iter().flatten().min_by(f64::total_cmp)
    }

    /// Does what is due at `call.now`.
    fn advance(&mut self, call: &Call) {
        ecs::advance(self, call);
        autoscaling::advance(self, call);
    }
}

/// One account in all its Regions.
#[derive(Debug)]
pub struct World {
    account: String,
    ids: Ids,
    now: f64,
    regions: BTreeMap<String, Region>,
}

/// How a [`World`] is written down.
#[derive(Serialize, Deserialize)]
struct Kept {
    version: u32,
    account: String,
    ids: u64,
    now: f64,
    regions: BTreeMap<String, Region>,
}

/// Why a kept world cannot be taken up again.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    #[error("not a world of the sandbox")]
    NotAWorld(#[source] serde_json::Error),
    #[error("the world has version {found}; this sandbox reads version {VERSION}")]
    Version { found: u32 },
}

impl World {
    pub(super) fn new(seed: u64, account: String) -> Self {
        Self { account, ids: Ids::seeded(seed), now: 0.0, regions: BTreeMap::new() }
    }

    pub(super) fn restore(kept: Value) -> Result<Self, RestoreError> {
        if let Some(found) = kept["version"].as_u64().and_then(|found| u32::try_from(found).ok())
            && found != VERSION
        {
            return Err(RestoreError::Version { found });
        }
        let Kept { account, ids, now, regions, .. } =
            serde_json::from_value(kept).map_err(RestoreError::NotAWorld)?;
        Ok(Self { account, ids: Ids::seeded(ids), now, regions })
    }

    pub(super) fn keep(&self) -> Value {
        serde_json::json!({
            "version": VERSION,
            "account": self.account,
            "ids": self.ids.position(),
            "now": self.now,
            "regions": self.regions,
        })
    }

    pub(super) fn now(&self) -> f64 {
        self.now
    }

    pub(super) fn ids(&self) -> &Ids {
        &self.ids
    }

    pub(super) fn region(&mut self, name: &str) -> &mut Region {
        self.regions.entry(name.to_owned()).or_default()
    }

    /// A call into a Region in the world's present.
    pub(super) fn call(&self, region: &str) -> Call {
        Call {
            account: self.account.clone(),
            region: region.to_owned(),
            now: self.now,
            ids: self.ids.clone(),
        }
    }

    /// Brings every Region to `now`.
    pub(super) fn advance(&mut self, now: f64) {
        let mut call = self.call("");
        for (name, region) in &mut self.regions {
            call.region.clone_from(name);
            while let Some(due) = region.due().filter(|due| *due <= now) {
                call.now = due;
                region.advance(&call);
            }
        }
        self.now = self.now.max(now);
    }
}
