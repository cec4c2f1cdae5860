//! What every operation is given and what it answers.

use serde_json::{Map, Value};

use super::ids::Ids;

/// An input or output of an operation: a JSON object in the API's own spelling.
pub type Document = Map<String, Value>;

/// Who calls, where, and when.
#[derive(Debug, Clone)]
pub struct Call {
    /// Twelve digits.
    pub account: String,
    /// From the credential scope of the request's signature, such as `eu-central-1`.
    pub region: String,
    /// The sandbox's clock: seconds since the epoch, as AWS writes time stamps.
    pub now: f64,
    /// Where new ids come from.
    pub ids: Ids,
}

impl Call {
    /// A call with ids of its own, beginning at the seed 0.
    pub fn new(account: &str, region: &str, now: f64) -> Self {
        Self { account: account.to_owned(), region: region.to_owned(), now, ids: Ids::seeded(0) }
    }

    /// The same caller at another time.
    #[must_use]
    pub fn at(&self, now: f64) -> Self {
        Self { now, ..self.clone() }
    }

    /// The ARN of a resource of the caller's account in the called Region.
    pub fn arn(&self, service: &str, resource: &str) -> String {
        format!("arn:{}:{service}:{}:{}:{resource}", self.partition(), self.region, self.account)
    }

    /// The ARN of something in IAM, which knows no Regions: `user/someone`, `role/ecs`.
    pub fn iam_arn(&self, resource: &str) -> String {
        format!("arn:{}:iam::{}:{resource}", self.partition(), self.account)
    }

    /// Who calls: the sandbox checks no signature, so it is always the same user.
    pub fn caller(&self) -> String {
        self.iam_arn("user/sandbox")
    }

    pub fn partition(&self) -> &'static str {
        match self.region.split('-').next() {
            Some("cn") => "aws-cn",
            Some("us") if self.region.starts_with("us-gov-") => "aws-us-gov",
            _ => "aws",
        }
    }
}

/// An operation's "no", as AWS words it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The exception's name, such as `ClusterNotFoundException`.
    pub code: String,
    pub message: String,
    /// 400 for the caller's faults, 500 and above for the service's.
    pub status: u16,
}

impl Refusal {
    /// The caller's fault: status 400.
    pub fn client(code: &str, message: impl Into<String>) -> Self {
        Self { code: code.to_owned(), message: message.into(), status: 400 }
    }
}
