//! Every operation of AWS that the product uses, as one table.
//!
//! A row is all there is to say about an operation: its API, how the SDK calls it, whether it
//! changes anything, which token bucket of AWS it draws from, whether it may be sent again when
//! nobody knows how the first time ended, and its page size. An operation that is not here is
//! never called. The tests at the end hold the table against the API models; `wire_tests` holds
//! every row against raw bytes.

use std::fmt;

use serde_json::Value;

use super::carrier::Carrier;
use super::clients::Regional;
use super::failure::Failure;

/// The APIs, by the member of [`Regional`] that speaks them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Api {
    Ecs,
    Ecr,
    Autoscaling,
    Tagging,
    Sts,
}

impl Api {
    /// The name in IAM actions: `ecs` in `ecs:DescribeServices`.
    pub const fn iam_prefix(self) -> &'static str {
        match self {
            Self::Ecs => "ecs",
            Self::Ecr => "ecr",
            Self::Autoscaling => "application-autoscaling",
            Self::Tagging => "tag",
            Self::Sts => "sts",
        }
    }

    /// The members by which the API pages: the token (same name in and out) and the page's size.
    pub const fn paging_members(self) -> (&'static str, &'static str) {
        match self {
            Self::Ecs | Self::Ecr | Self::Sts => ("nextToken", "maxResults"),
            Self::Autoscaling => ("NextToken", "MaxResults"),
            Self::Tagging => ("PaginationToken", "ResourcesPerPage"),
        }
    }
}

/// Does it change anything?
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Access {
    Read,
    Write,
}

/// The token buckets of AWS: one each per account and Region, shared with every other tool there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RateClass {
    ServiceRead,
    ServiceModify,
    ServiceDeploymentRead,
    /// Not published.
    ServiceDeploymentModify,
    ServiceRevisionRead,
    TaskDefinitionRead,
    TaskDefinitionModify,
    ClusterRead,
    ClusterModify,
    /// Tasks and container instances.
    ClusterResourceRead,
    ClusterResourceModify,
    CapacityProviderRead,
    CapacityProviderModify,
    TagRead,
    TagModify,
    /// ECR's control plane: not published.
    Registry,
    /// Application Auto Scaling: not published.
    Autoscaling,
    /// Resource Groups Tagging: not published.
    Tagging,
    Identity,
}

impl fmt::Display for RateClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ServiceRead => "service read",
            Self::ServiceModify => "service modify",
            Self::ServiceDeploymentRead => "service deployment read",
            Self::ServiceDeploymentModify => "service deployment modify",
            Self::ServiceRevisionRead => "service revision read",
            Self::TaskDefinitionRead => "task definition read",
            Self::TaskDefinitionModify => "task definition modify",
            Self::ClusterRead => "cluster read",
            Self::ClusterModify => "cluster modify",
            Self::ClusterResourceRead => "task read",
            Self::ClusterResourceModify => "task modify",
            Self::CapacityProviderRead => "capacity provider read",
            Self::CapacityProviderModify => "capacity provider modify",
            Self::TagRead => "tag read",
            Self::TagModify => "tag modify",
            Self::Registry => "ECR",
            Self::Autoscaling => "Application Auto Scaling",
            Self::Tagging => "resource groups tagging",
            Self::Identity => "STS",
        })
    }
}

/// May it be sent again when it is not known whether the first one was carried out?
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Repeat {
    /// The second one finds what the first one did, or is refused by it: never two of anything.
    Always,
    /// Only with a `clientToken`: without one there would be two.
    WithToken,
    /// Unless it has `forceNewDeployment`, which starts a deployment each time.
    Unforced,
    /// Each one makes another: the caller looks first.
    Never,
}

struct Row {
    variant: &'static str,
    api: Api,
    access: Access,
    class: RateClass,
    repeat: Repeat,
    page: u32,
}

macro_rules! operations {
    ($($client:ident $api:ident { $(
        $operation:ident $method:ident $access:ident $class:ident $repeat:ident $page:literal
    )+ })+) => {
        /// An operation of AWS. Where two APIs have one of the same name, theirs start with
        /// `Ecs` and `Ecr` here.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Operation { $($($operation,)+)+ GetCallerIdentity }

        impl Operation {
            pub const ALL: &[Self] = &[$($(Self::$operation,)+)+ Self::GetCallerIdentity];

            const fn row(self) -> Row {
                match self {
                    $($(Self::$operation => Row {
                        variant: stringify!($operation),
                        api: Api::$api,
                        access: Access::$access,
                        class: RateClass::$class,
                        repeat: Repeat::$repeat,
                        page: $page,
                    },)+)+
                    Self::GetCallerIdentity => Row {
                        variant: "GetCallerIdentity",
                        api: Api::Sts,
                        access: Access::Read,
                        class: RateClass::Identity,
                        repeat: Repeat::Always,
                        page: 0,
                    },
                }
            }
        }

        impl Regional {
            /// Sends one request. What AWS answers is left in the carrier; only STS, which does
            /// not speak JSON, has its document returned from here.
            pub(super) async fn send(
                &self,
                operation: Operation,
                carrier: Carrier,
            ) -> Result<Option<Value>, Failure> {
                match operation {
                    $($(Operation::$operation => {
                        let sent = self.$client.$method().customize().interceptor(carrier).send();
                        Box::pin(sent).await.map(|_| None).map_err(Failure::from)
                    })+)+
                    Operation::GetCallerIdentity => Box::pin(self.caller_identity(carrier)).await.map(Some),
                }
            }
        }
    };
}

// The columns: operation, the SDK's method, access, token bucket, repeated when unclear, the
// largest page that AWS gives (0: not paged).
operations! {
    ecs Ecs {
        CreateCluster               create_cluster                 Write ClusterModify           Always    0
        UpdateCluster               update_cluster                 Write ClusterModify           Always    0
        DeleteCluster               delete_cluster                 Write ClusterModify           Always    0
        DescribeClusters            describe_clusters              Read  ClusterRead             Always    0
        ListClusters                list_clusters                  Read  ClusterRead             Always    100
        PutClusterCapacityProviders put_cluster_capacity_providers Write ClusterModify           Always    0
        CreateCapacityProvider      create_capacity_provider       Write CapacityProviderModify  Always    0
        UpdateCapacityProvider      update_capacity_provider       Write CapacityProviderModify  Always    0
        DeleteCapacityProvider      delete_capacity_provider       Write CapacityProviderModify  Always    0
        DescribeCapacityProviders   describe_capacity_providers    Read  CapacityProviderRead    Always    10
        RegisterTaskDefinition      register_task_definition       Write TaskDefinitionModify    Never     0
        DescribeTaskDefinition      describe_task_definition       Read  TaskDefinitionRead      Always    0
        ListTaskDefinitions         list_task_definitions          Read  TaskDefinitionRead      Always    100
        CreateService               create_service                 Write ServiceModify           WithToken 0
        UpdateService               update_service                 Write ServiceModify           Unforced  0
        DeleteService               delete_service                 Write ServiceModify           Always    0
        DescribeServices            describe_services              Read  ServiceRead             Always    0
        ListServices                list_services                  Read  ServiceRead             Always    100
        ListServiceDeployments      list_service_deployments       Read  ServiceDeploymentRead   Always    100
        DescribeServiceDeployments  describe_service_deployments   Read  ServiceDeploymentRead   Always    0
        StopServiceDeployment       stop_service_deployment        Write ServiceDeploymentModify Always    0
        ContinueServiceDeployment   continue_service_deployment    Write ServiceDeploymentModify Always    0
        DescribeServiceRevisions    describe_service_revisions     Read  ServiceRevisionRead     Always    0
        ListTasks                   list_tasks                     Read  ClusterResourceRead     Always    100
        DescribeTasks               describe_tasks                 Read  ClusterResourceRead     Always    0
        RunTask                     run_task                       Write ClusterResourceModify   WithToken 0
        StopTask                    stop_task                      Write ClusterResourceModify   Always    0
        EcsTagResource              tag_resource                   Write TagModify               Always    0
        EcsUntagResource            untag_resource                 Write TagModify               Always    0
        EcsListTagsForResource      list_tags_for_resource         Read  TagRead                 Always    0
    }
    ecr Ecr {
        CreateRepository            create_repository              Write Registry                Always    0
        DeleteRepository            delete_repository              Write Registry                Always    0
        DescribeRepositories        describe_repositories          Read  Registry                Always    1000
        PutImageTagMutability       put_image_tag_mutability       Write Registry                Always    0
        PutImageScanningConfiguration put_image_scanning_configuration Write Registry            Always    0
        GetLifecyclePolicy          get_lifecycle_policy           Read  Registry                Always    0
        PutLifecyclePolicy          put_lifecycle_policy           Write Registry                Always    0
        DeleteLifecyclePolicy       delete_lifecycle_policy        Write Registry                Always    0
        GetRepositoryPolicy         get_repository_policy          Read  Registry                Always    0
        SetRepositoryPolicy         set_repository_policy          Write Registry                Always    0
        DeleteRepositoryPolicy      delete_repository_policy       Write Registry                Always    0
        ListImages                  list_images                    Read  Registry                Always    1000
        DescribeImages              describe_images                Read  Registry                Always    1000
        EcrTagResource              tag_resource                   Write Registry                Always    0
        EcrUntagResource            untag_resource                 Write Registry                Always    0
        EcrListTagsForResource      list_tags_for_resource         Read  Registry                Always    0
    }
    autoscaling Autoscaling {
        RegisterScalableTarget      register_scalable_target       Write Autoscaling             Always    0
        DeregisterScalableTarget    deregister_scalable_target     Write Autoscaling             Always    0
        DescribeScalableTargets     describe_scalable_targets      Read  Autoscaling             Always    50
        PutScalingPolicy            put_scaling_policy             Write Autoscaling             Always    0
        DeleteScalingPolicy         delete_scaling_policy          Write Autoscaling             Always    0
        DescribeScalingPolicies     describe_scaling_policies      Read  Autoscaling             Always    10
        PutScheduledAction          put_scheduled_action           Write Autoscaling             Always    0
        DeleteScheduledAction       delete_scheduled_action        Write Autoscaling             Always    0
        DescribeScheduledActions    describe_scheduled_actions     Read  Autoscaling             Always    50
        DescribeScalingActivities   describe_scaling_activities    Read  Autoscaling             Always    50
    }
    tagging Tagging {
        GetResources                get_resources                  Read  Tagging                 Always    100
    }
}

impl Operation {
    pub const fn api(self) -> Api {
        self.row().api
    }

    /// The API's own name, `TagResource` for both [`Self::EcsTagResource`] and
    /// [`Self::EcrTagResource`].
    pub fn name(self) -> &'static str {
        let variant = self.row().variant;
        variant.strip_prefix("Ecs").or_else(|| variant.strip_prefix("Ecr")).unwrap_or(variant)
    }

    pub const fn access(self) -> Access {
        self.row().access
    }

    /// Does it change anything?
    pub fn writes(self) -> bool {
        self.access() == Access::Write
    }

    /// The token bucket it draws from.
    pub const fn class(self) -> RateClass {
        self.row().class
    }

    /// The largest page AWS gives; `None` when the operation does not page.
    pub const fn page_size(self) -> Option<u32> {
        match self.row().page {
            0 => None,
            size => Some(size),
        }
    }

    /// The IAM permission it needs: `ecs:DescribeServices`, and `tag:GetResources` for the
    /// tagging API.
    pub fn permission(self) -> String {
        format!("{}:{}", self.api().iam_prefix(), self.name())
    }

    /// May this input be sent again when it is not known whether it was carried out?
    pub fn safe_to_repeat(self, input: &Value) -> bool {
        match self.row().repeat {
            Repeat::Always => true,
            Repeat::WithToken => input["clientToken"].as_str().is_some_and(|token| !token.is_empty()),
            Repeat::Unforced => input["forceNewDeployment"] != Value::Bool(true),
            Repeat::Never => false,
        }
    }

    pub fn find(api: Api, name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|operation| operation.api() == api && operation.name() == name)
    }
}

impl fmt::Display for Operation {
    /// As in IAM and in the SDK's own words: `ecs:DescribeServices`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.api().iam_prefix(), self.name())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use serde_json::json;

    use super::*;
    use crate::aws::wire_tests::model;

    /// The members of an operation's input or output, by the model.
    fn members(operation: Operation, side: &str) -> Value {
        let model = model(operation.api()).expect("a JSON API");
        let shape = &model["operations"][operation.name()][side];
        model["shapes"][shape.as_str().unwrap()]["members"].clone()
    }

    fn modelled() -> impl Iterator<Item = Operation> {
        Operation::ALL.iter().copied().filter(|operation| model(operation.api()).is_some())
    }

    #[test]
    fn every_operation_is_in_the_models_and_found_by_its_name() {
        let mut seen = HashSet::new();
        for &operation in Operation::ALL {
            assert_eq!(Operation::find(operation.api(), operation.name()), Some(operation));
            assert!(seen.insert(operation.to_string()), "{operation} twice");
        }
        for operation in modelled() {
            let model = model(operation.api()).unwrap();
            assert!(model["operations"][operation.name()].is_object(), "{operation} is not in the model");
        }
        assert_eq!(Operation::find(Api::Ecs, "TagResource"), Some(Operation::EcsTagResource));
        assert_eq!(Operation::find(Api::Ecr, "DescribeServices"), None);
    }

    #[test]
    fn what_pages_has_the_members_of_paging_in_the_model_and_what_does_not_has_none() {
        for operation in modelled() {
            let (token, size) = operation.api().paging_members();
            let (input, output) = (members(operation, "input"), members(operation, "output"));
            let paged = operation.page_size().is_some();
            assert_eq!(input.get(token).is_some(), paged, "{operation}: {token} in the input");
            assert_eq!(output.get(token).is_some(), paged, "{operation}: {token} in the output");
            assert_eq!(input.get(size).is_some(), paged, "{operation}: {size}");
        }
    }

    #[test]
    fn reads_are_named_as_reads() {
        for &operation in Operation::ALL {
            let named_read =
                ["Describe", "List", "Get"].iter().any(|start| operation.name().starts_with(start));
            assert_eq!(operation.access() == Access::Read, named_read, "{operation}");
        }
    }

    #[test]
    fn a_client_token_makes_safe_what_would_make_two() {
        for operation in modelled() {
            let takes_token = members(operation, "input").get("clientToken").is_some();
            if operation.access() == Access::Write && takes_token {
                assert!(operation.safe_to_repeat(&json!({"clientToken": "t"})), "{operation}");
            }
        }
        assert!(!Operation::CreateService.safe_to_repeat(&json!({})));
        assert!(!Operation::RunTask.safe_to_repeat(&json!({"clientToken": ""})));
        assert!(!Operation::RegisterTaskDefinition.safe_to_repeat(&json!({})));
        assert!(Operation::UpdateService.safe_to_repeat(&json!({"desiredCount": 2})));
        assert!(!Operation::UpdateService.safe_to_repeat(&json!({"forceNewDeployment": true})));
        assert!(Operation::PutScalingPolicy.safe_to_repeat(&json!({})));
    }

    #[test]
    fn permissions_are_written_as_iam_writes_them() {
        assert_eq!(Operation::GetResources.permission(), "tag:GetResources");
        assert_eq!(Operation::EcrTagResource.permission(), "ecr:TagResource");
        assert_eq!(Operation::PutScalingPolicy.permission(), "application-autoscaling:PutScalingPolicy");
    }
}
