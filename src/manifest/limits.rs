//! Bounds that the API's documentation states and its model does not, as one table.
//!
//! Only what AWS is known to refuse stands here. Tests: with the reader.

/// Least and greatest value of a number, by shape and member.
const LIMITS: &[(&str, &str, f64, f64)] = &[
    ("Service", "desiredCount", 0.0, MANY),
    ("Service", "healthCheckGracePeriodSeconds", 0.0, MANY),
    ("DeploymentConfiguration", "maximumPercent", 0.0, MANY),
    ("DeploymentConfiguration", "minimumHealthyPercent", 0.0, MANY),
    ("DeploymentConfiguration", "bakeTimeInMinutes", 0.0, 1440.0),
    ("LinearConfiguration", "stepPercent", 3.0, 100.0),
    ("LinearConfiguration", "stepBakeTimeInMinutes", 0.0, 1440.0),
    ("CanaryConfiguration", "canaryPercent", 0.1, 100.0),
    ("CanaryConfiguration", "canaryBakeTimeInMinutes", 0.0, 1440.0),
    ("LoadBalancer", "containerPort", 1.0, 65535.0),
    ("ServiceRegistry", "containerPort", 1.0, 65535.0),
    ("ServiceRegistry", "port", 1.0, 65535.0),
    ("PortMapping", "containerPort", 1.0, 65535.0),
    ("PortMapping", "hostPort", 0.0, 65535.0),
    ("ContainerDefinition", "cpu", 0.0, MANY),
    ("ContainerDefinition", "memory", 4.0, MANY),
    ("ContainerDefinition", "memoryReservation", 4.0, MANY),
    ("ContainerDefinition", "startTimeout", 0.0, MANY),
    ("ContainerDefinition", "stopTimeout", 0.0, MANY),
    ("ContainerRestartPolicy", "restartAttemptPeriod", 60.0, 1800.0),
    ("HealthCheck", "interval", 5.0, 300.0),
    ("HealthCheck", "timeout", 2.0, 120.0),
    ("HealthCheck", "retries", 1.0, 10.0),
    ("HealthCheck", "startPeriod", 0.0, 300.0),
    ("LinuxParameters", "swappiness", 0.0, 100.0),
    ("LinuxParameters", "sharedMemorySize", 0.0, MANY),
    ("EFSVolumeConfiguration", "transitEncryptionPort", 0.0, 65535.0),
    ("Autoscaling", "minCapacity", 0.0, MANY),
    ("Autoscaling", "maxCapacity", 0.0, MANY),
    ("ScalableTargetAction", "minCapacity", 0.0, MANY),
    ("ScalableTargetAction", "maxCapacity", 0.0, MANY),
    ("StepScalingPolicyConfiguration", "cooldown", 0.0, MANY),
    ("TargetTrackingScalingPolicyConfiguration", "scaleInCooldown", 0.0, MANY),
    ("TargetTrackingScalingPolicyConfiguration", "scaleOutCooldown", 0.0, MANY),
];

/// The greatest value of the APIs' integers.
const MANY: f64 = 2_147_483_647.0;

/// The bounds of a member, where the table has them.
pub fn of(shape: &str, member: &str) -> Option<(f64, f64)> {
    LIMITS.iter().find(|row| row.0 == shape && row.1 == member).map(|row| (row.2, row.3))
}

#[cfg(test)]
mod tests {
    use crate::model::facts::{kind_shape, shape};

    #[test]
    fn every_row_names_a_member_of_the_model() {
        for (owner, member, _, _) in super::LIMITS {
            let kinds = ["Service", "Autoscaling"];
            let shape = if kinds.contains(owner) {
                Some(kind_shape(owner))
            } else {
                shape("ecs", owner).or_else(|| shape("application-autoscaling", owner))
            };
            assert!(shape.is_some_and(|shape| shape.member(member).is_some()), "{owner}.{member}");
        }
    }
}
