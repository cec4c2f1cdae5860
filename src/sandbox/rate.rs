//! AWS's rates: a token bucket per Region and class of operations. A call takes a token; a bucket
//! fills at its rate, in the sandbox's time, up to its burst. Never waits: whoever finds the bucket
//! empty is refused, in the words of the service.
//!
//! Tests: in this file.

use std::collections::BTreeMap;

use super::Refusal;

/// How many calls the sandbox takes.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum Rates {
    /// As many as AWS.
    #[default]
    Aws,
    /// So many times AWS's bursts and rates.
    Times(f64),
    Unlimited,
}

/// Operations that share a bucket.
#[derive(Debug)]
struct Class {
    service: &'static str,
    /// None: what no other class of the service has.
    operations: &'static [&'static str],
    burst: f64,
    per_second: f64,
}

const fn class(
    service: &'static str,
    burst: f64,
    per_second: f64,
    operations: &'static [&'static str],
) -> Class {
    Class { service, operations, burst, per_second }
}

/// The first class that has an operation counts.
const CLASSES: &[Class] = &[
    // Published: "Request throttling for the Amazon ECS API".
    class("ecs", 100.0, 20.0, &["DescribeServices", "ListServices"]),
    class("ecs", 50.0, 5.0, &["CreateService", "UpdateService", "DeleteService"]),
    class(
        "ecs",
        50.0,
        20.0,
        &["DescribeTaskDefinition", "ListTaskDefinitions", "ListTaskDefinitionFamilies"],
    ),
    class("ecs", 20.0, 1.0, &["RegisterTaskDefinition", "DeregisterTaskDefinition"]),
    class("ecs", 5.0, 1.0, &["DeleteTaskDefinitions"]),
    class("ecs", 50.0, 20.0, &["DescribeClusters", "ListClusters"]),
    class(
        "ecs",
        20.0,
        1.0,
        &[
            "CreateCluster",
            "UpdateCluster",
            "DeleteCluster",
            "PutClusterCapacityProviders",
            "UpdateClusterSettings",
        ],
    ),
    class(
        "ecs",
        100.0,
        20.0,
        &["DescribeTasks", "ListTasks", "DescribeContainerInstances", "ListContainerInstances"],
    ),
    class(
        "ecs",
        100.0,
        40.0,
        &[
            "RunTask",
            "StartTask",
            "StopTask",
            "RegisterContainerInstance",
            "DeregisterContainerInstance",
            "UpdateContainerInstancesState",
        ],
    ),
    class("ecs", 50.0, 20.0, &["ListServiceDeployments", "DescribeServiceDeployments"]),
    class("ecs", 50.0, 20.0, &["DescribeServiceRevisions"]),
    class("ecs", 20.0, 10.0, &["TagResource", "UntagResource"]),
    class("ecs", 50.0, 20.0, &["ListTagsForResource"]),
    class("ecs", 50.0, 20.0, &["DescribeCapacityProviders"]),
    class("ecs", 10.0, 1.0, &["CreateCapacityProvider", "UpdateCapacityProvider", "DeleteCapacityProvider"]),
    // Not published: what follows are numbers of our own, of the size of those above.
    class("ecs", 10.0, 1.0, &["StopServiceDeployment", "ContinueServiceDeployment"]),
    class("ecs", 40.0, 20.0, &[]),
    class("ecr", 40.0, 20.0, &[]),
    class("application-autoscaling", 40.0, 20.0, &[]),
    class("tagging", 40.0, 20.0, &[]),
    class("sts", 40.0, 20.0, &[]),
];

/// The buckets of an account in all its Regions: those that were ever taken from.
#[derive(Debug, Default)]
pub(super) struct Buckets {
    rates: Rates,
    /// By Region and the place of the class in the table.
    taken: BTreeMap<(String, usize), Bucket>,
}

#[derive(Debug)]
struct Bucket {
    tokens: f64,
    /// When it held so many, in seconds since the epoch.
    at: f64,
}

impl Buckets {
    pub fn new(rates: Rates) -> Self {
        Self { rates, taken: BTreeMap::new() }
    }

    /// Takes a token for a call at `now`; AWS's refusal where there is none.
    pub fn take(&mut self, region: &str, service: &str, operation: &str, now: f64) -> Result<(), Refusal> {
        let times = match self.rates {
            Rates::Aws => 1.0,
            Rates::Times(times) => times,
            Rates::Unlimited => return Ok(()),
        };
        let has = |class: &Class| {
            class.service == service && (class.operations.is_empty() || class.operations.contains(&operation))
        };
        let Some((place, class)) = CLASSES.iter().enumerate().find(|(_, class)| has(class)) else {
            return Ok(());
        };
        let (burst, per_second) = (class.burst * times, class.per_second * times);
        let full = Bucket { tokens: burst, at: now };
        let bucket = self.taken.entry((region.to_owned(), place)).or_insert(full);
        if bucket.take(now, burst, per_second) { Ok(()) } else { Err(throttled(service)) }
    }
}

impl Bucket {
    fn take(&mut self, now: f64, burst: f64, per_second: f64) -> bool {
        self.tokens = burst.min(self.tokens + (now - self.at).max(0.0) * per_second);
        self.at = now;
        // Sums of fractions: a token that is there but for the rounding is there.
        let has_one = self.tokens > 1.0 - 1e-6;
        if has_one {
            self.tokens -= 1.0;
        }
        has_one
    }
}

/// A throttle as the service words it.
pub(super) fn throttled(service: &str) -> Refusal {
    let code = match service {
        "tagging" => "ThrottledException",
        "sts" => "Throttling",
        _ => "ThrottlingException",
    };
    Refusal::client(code, "Rate exceeded")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many calls in a row are answered.
    fn answered(buckets: &mut Buckets, service: &str, operation: &str, now: f64) -> usize {
        (0..1000).take_while(|_| buckets.take("eu-central-1", service, operation, now).is_ok()).count()
    }

    #[test]
    fn every_class_has_its_burst_and_its_rate() {
        for (service, operation, burst, per_second) in [
            ("ecs", "DescribeServices", 100, 20),
            ("ecs", "CreateService", 50, 5),
            ("ecs", "UpdateService", 50, 5),
            ("ecs", "DescribeTaskDefinition", 50, 20),
            ("ecs", "RegisterTaskDefinition", 20, 1),
            ("ecs", "DeleteTaskDefinitions", 5, 1),
            ("ecs", "DescribeClusters", 50, 20),
            ("ecs", "PutClusterCapacityProviders", 20, 1),
            ("ecs", "DescribeTasks", 100, 20),
            ("ecs", "RunTask", 100, 40),
            ("ecs", "ListServiceDeployments", 50, 20),
            ("ecs", "DescribeServiceRevisions", 50, 20),
            ("ecs", "TagResource", 20, 10),
            ("ecs", "ListTagsForResource", 50, 20),
            ("ecs", "DescribeCapacityProviders", 50, 20),
            ("ecs", "CreateCapacityProvider", 10, 1),
            ("ecs", "StopServiceDeployment", 10, 1),
            ("ecs", "ListAccountSettings", 40, 20),
            ("ecr", "DescribeRepositories", 40, 20),
            ("application-autoscaling", "RegisterScalableTarget", 40, 20),
            ("tagging", "GetResources", 40, 20),
            ("sts", "GetCallerIdentity", 40, 20),
        ] {
            let mut buckets = Buckets::default();
            assert_eq!(answered(&mut buckets, service, operation, 0.0), burst, "{operation}");
            assert_eq!(answered(&mut buckets, service, operation, 1.0), per_second, "{operation}");
            assert_eq!(answered(&mut buckets, service, operation, 3600.0), burst, "{operation}");
        }
    }

    #[test]
    fn operations_of_a_class_share_a_bucket_and_regions_do_not() {
        let mut buckets = Buckets::default();
        assert_eq!(answered(&mut buckets, "ecs", "UpdateService", 0.0), 50);
        assert_eq!(answered(&mut buckets, "ecs", "DeleteService", 0.0), 0);
        assert_eq!(answered(&mut buckets, "ecs", "DescribeServices", 0.0), 100);
        assert!(buckets.take("us-west-2", "ecs", "DeleteService", 0.0).is_ok());
    }

    #[test]
    fn a_token_comes_in_the_time_of_the_rate_and_not_before() {
        let mut buckets = Buckets::default();
        answered(&mut buckets, "ecs", "UpdateService", 1_767_225_600.0);
        assert_eq!(answered(&mut buckets, "ecs", "UpdateService", 1_767_225_600.199), 0);
        assert_eq!(answered(&mut buckets, "ecs", "UpdateService", 1_767_225_600.2), 1);
    }

    #[test]
    fn rates_are_scaled_or_switched_off() {
        let mut double = Buckets::new(Rates::Times(2.0));
        assert_eq!(answered(&mut double, "ecs", "UpdateService", 0.0), 100);
        assert_eq!(answered(&mut double, "ecs", "UpdateService", 1.0), 10);
        let mut none = Buckets::new(Rates::Unlimited);
        assert_eq!(answered(&mut none, "ecs", "UpdateService", 0.0), 1000);
    }

    #[test]
    fn every_service_throttles_in_its_own_words() {
        for (service, code) in [
            ("ecs", "ThrottlingException"),
            ("ecr", "ThrottlingException"),
            ("application-autoscaling", "ThrottlingException"),
            ("tagging", "ThrottledException"),
            ("sts", "Throttling"),
        ] {
            let refusal = throttled(service);
            assert_eq!((refusal.code.as_str(), refusal.status), (code, 400));
            assert_eq!(refusal.message, "Rate exceeded");
        }
    }
}
