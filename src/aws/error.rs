//! What went wrong with a call, and what that means.
//!
//! AWS has hundreds of error codes and says the same thing in several ways; the product knows
//! seven [`ErrorKind`]s. The tables below are the whole translation. An error never holds a body
//! or a credential. Tests: at the end, as a table.

use std::fmt;

use super::operation::Operation;

/// What an error means for the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ErrorKind {
    /// The account's call budget is used up. Nothing was done.
    Throttled,
    /// It may go better in a moment.
    Passing,
    /// Not allowed, or not known to AWS. A person must act.
    Denied,
    /// What the call is about does not exist.
    NotFound,
    /// The request never reached AWS: no connection, no credentials, no Region.
    Unreachable,
    /// The answer is none of AWS's.
    Garbage,
    /// AWS understood and said no.
    Refused,
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Throttled => "was throttled",
            Self::Passing => "failed for now",
            Self::Denied => "was denied",
            Self::NotFound => "found nothing",
            Self::Unreachable => "did not reach AWS",
            Self::Garbage => "was not answered by AWS",
            Self::Refused => "was refused",
        })
    }
}

/// A call that gave no answer, after all its attempts.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct CallError {
    pub operation: Operation,
    pub region: String,
    pub request_id: Option<String>,
    pub kind: ErrorKind,
    /// AWS's own (`ClusterNotFoundException`), or ours where AWS said nothing: `NoRegion`,
    /// `NoCredentials`, `BadEndpoint`, `ConnectionFailed`, `AnswerLost`, `EmptyAnswer`, `HTTP502`.
    pub code: String,
    /// AWS's own words, shortened, without what must not be shown.
    pub message: String,
    pub status: Option<u16>,
    /// A write of which it is not known whether it was carried out.
    pub unclear: bool,
    pub attempts: u32,
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.operation)?;
        if !self.region.is_empty() {
            write!(f, " in {}", self.region)?;
        }
        write!(f, " {}: {}", self.kind, self.code)?;
        if !self.message.is_empty() {
            write!(f, ": {}", self.message)?;
        }
        if self.unclear {
            write!(f, "; whether it was carried out is not known")?;
        }
        match (&self.request_id, self.attempts) {
            (None, ..=1) => Ok(()),
            (None, attempts) => write!(f, " ({attempts} attempts)"),
            (Some(id), ..=1) => write!(f, " (request {id})"),
            (Some(id), attempts) => write!(f, " (request {id}, {attempts} attempts)"),
        }
    }
}

/// The codes of throttling, over all APIs.
const THROTTLES: &[&str] = &[
    "BandwidthLimitExceeded",
    "PriorRequestNotComplete",
    "RequestLimitExceeded",
    "RequestThrottled",
    "RequestThrottledException",
    "SlowDown",
    "ThrottledException",
    "Throttling",
    "ThrottlingException",
    "TooManyRequests",
    "TooManyRequestsException",
];

/// Throttling that hides in the message of another code (`ClientException` above all).
const THROTTLING_WORDS: &[&str] = &["rate exceeded", "throttl", "too many requests", "slow down"];

const DENIALS: &[&str] = &[
    "AccessDenied",
    "AccessDeniedException",
    "AuthFailure",
    "ExpiredToken",
    "ExpiredTokenException",
    "IncompleteSignature",
    "IncompleteSignatureException",
    "InvalidAccessKeyId",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "MissingAuthenticationToken",
    "MissingAuthenticationTokenException",
    "NotAuthorized",
    "OptInRequired",
    "RequestExpired",
    "RequestTimeTooSkewed",
    "SignatureDoesNotMatch",
    "SubscriptionRequiredException",
    "UnauthorizedOperation",
    "UnrecognizedClientException",
];

/// Passing whatever the status says.
const PASSING: &[&str] = &[
    "ConcurrentUpdateException",
    "FailedResourceAccessException",
    "InternalFailure",
    "InternalServiceException",
    "RequestTimeout",
    "RequestTimeoutException",
    "ServerException",
    "ServiceUnavailable",
    "ServiceUnavailableException",
    "UpdateInProgressException",
];

/// Refusals that pass by their words. The role ones need minutes: IAM tells its Regions late.
const PASSING_WORDS: &[&str] = &["too many concurrent attempts to create a new revision"];
const SETTLING_WORDS: &[&str] = &[
    "unable to assume the service linked role",
    "unable to assume iam role",
    "verify that the ecs service role being passed has the proper permissions",
];

/// What a status, a code and a message mean for an operation.
pub fn classify(operation: Operation, status: u16, code: &str, message: &str) -> ErrorKind {
    let words = message.to_lowercase();
    let says = |list: &[&str]| list.iter().any(|word| words.contains(word));
    // A denial or a quota (`LimitExceededException`) may mention throttling in passing, not so these.
    let hidden = matches!(code, "ClientException" | "ServerException" | "LimitExceededException")
        || status == 503
        || words == "rate exceeded";
    if status == 429 || THROTTLES.contains(&code) || (hidden && says(THROTTLING_WORDS)) {
        return ErrorKind::Throttled;
    }
    if DENIALS.contains(&code) {
        return ErrorKind::Denied;
    }
    // "Not implemented": emulators say so, with whatever code.
    if status == 501 {
        return ErrorKind::Refused;
    }
    if PASSING.contains(&code) || says(PASSING_WORDS) || says(SETTLING_WORDS) || lags(operation, code, &words)
    {
        return ErrorKind::Passing;
    }
    // An emulator's wording of ObjectNotFoundException.
    let no_such_object =
        words.starts_with("no scalable target found") || words.starts_with("no scaling policy found");
    let unknown_revision = operation == Operation::DescribeTaskDefinition
        && code == "ClientException"
        && words.starts_with("unable to describe task definition");
    if code.ends_with("NotFoundException") || unknown_revision || no_such_object {
        return ErrorKind::NotFound;
    }
    match status {
        401 | 403 => ErrorKind::Denied,
        500.. => ErrorKind::Passing,
        _ => ErrorKind::Refused,
    }
}

/// Application Auto Scaling does not see at once what was just made: a target for its policies,
/// an ECS service for a target.
fn lags(operation: Operation, code: &str, words: &str) -> bool {
    match operation {
        Operation::PutScalingPolicy | Operation::PutScheduledAction => code == "ObjectNotFoundException",
        Operation::RegisterScalableTarget => words.contains("ecs service doesn't exist"),
        _ => false,
    }
}

impl CallError {
    /// The code of a write that was not sent, or not sent again, because the process is to end.
    pub const STOPPED: &str = "Stopped";

    /// Passes within minutes rather than moments.
    pub(super) fn is_settling(&self) -> bool {
        let words = self.message.to_lowercase();
        self.kind == ErrorKind::Passing && SETTLING_WORDS.iter().any(|word| words.contains(word))
    }

    /// The operation is not there: an emulator, or a Region that does not have it yet. A read that
    /// is optional counts as not made.
    pub fn is_unknown_operation(&self) -> bool {
        match self.code.as_str() {
            "UnknownOperationException" | "UnsupportedOperationException" | "InvalidAction" => true,
            _ => self.status == Some(501) || (self.kind == ErrorKind::Garbage && self.status == Some(500)),
        }
    }

    /// What a person can do about it, where that is known.
    pub fn hint(&self) -> Option<String> {
        let hint = match (self.kind, self.code.as_str()) {
            (ErrorKind::Unreachable, "NoRegion") => {
                "set `region` in the manifest, AWS_REGION, or a region in the AWS profile".to_owned()
            }
            (ErrorKind::Unreachable, "BadEndpoint" | "InvalidRegion") => {
                "check the Region's name and AWS_ENDPOINT_URL".to_owned()
            }
            (ErrorKind::Unreachable, "NoCredentials") => self.credentials_hint(),
            (ErrorKind::Unreachable, Self::STOPPED) => return None,
            (ErrorKind::Unreachable, _) => format!(
                "check the network, the proxy, AWS_ENDPOINT_URL, and that `{}` is a Region of AWS",
                self.region
            ),
            (ErrorKind::Garbage, _) => {
                "something between here and AWS answered: check AWS_ENDPOINT_URL and the proxy".to_owned()
            }
            (ErrorKind::Throttled, _) => format!(
                "the account's call budget in {} is used up, perhaps by other tools: try again later",
                self.region
            ),
            (ErrorKind::Denied, code) => self.denial_hint(code),
            _ => return None,
        };
        Some(hint)
    }

    fn credentials_hint(&self) -> String {
        if self.message.to_lowercase().contains("sso") {
            return "the SSO session may have expired: `aws sso login`".to_owned();
        }
        "set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or run where a role is given; \
         `aws sts get-caller-identity` shows whether AWS knows you"
            .to_owned()
    }

    fn denial_hint(&self, code: &str) -> String {
        match code {
            "ExpiredToken" | "ExpiredTokenException" | "RequestExpired" => {
                "the credentials have expired: sign in again (`aws sso login`) or renew them".to_owned()
            }
            "UnrecognizedClientException" | "InvalidClientTokenId" | "InvalidAccessKeyId" | "AuthFailure" => {
                format!(
                    "AWS does not know the access key: check AWS_PROFILE and AWS_ACCESS_KEY_ID, and that {} is enabled \
                 for the account",
                    self.region
                )
            }
            "InvalidSignatureException" | "SignatureDoesNotMatch" | "RequestTimeTooSkewed" => {
                "check the secret access key, and this machine's clock".to_owned()
            }
            _ if self.message.contains("explicit deny") => format!(
                "a policy denies `{}` explicitly: an IAM policy, a permissions boundary or a service control policy",
                self.missing_permission()
            ),
            _ => format!("the caller needs the IAM permission `{}`", self.missing_permission()),
        }
    }

    /// The one that AWS names, which may be another than the operation's own (`iam:PassRole`).
    fn missing_permission(&self) -> String {
        let named = self.message.split("not authorized to perform: ").nth(1);
        let named = named.and_then(|rest| rest.split_whitespace().next());
        named.map_or_else(
            || self.operation.permission(),
            |named| named.trim_end_matches(['.', ',']).to_owned(),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ErrorKind::{Denied, NotFound, Passing, Refused, Throttled};
    use Operation::{
        CreateService, DescribeServices, DescribeTaskDefinition, GetLifecyclePolicy, PutScalingPolicy,
        RegisterScalableTarget, RegisterTaskDefinition,
    };

    fn error(kind: ErrorKind, code: &str, message: &str) -> CallError {
        CallError {
            operation: DescribeServices,
            region: "eu-central-1".into(),
            request_id: Some("1f".into()),
            kind,
            code: code.into(),
            message: message.into(),
            status: Some(400),
            unclear: false,
            attempts: 1,
        }
    }

    #[test]
    fn every_way_of_saying_no_has_its_kind() {
        let table = [
            (DescribeServices, 400, "ThrottlingException", "Rate exceeded", Throttled),
            (DescribeServices, 400, "ClientException", "Request throttled, try later", Throttled),
            (DescribeServices, 400, "ClientException", "Rate exceeded", Throttled),
            (DescribeServices, 400, "TooManyRequestsException", "", Throttled),
            (DescribeServices, 400, "RequestLimitExceeded", "", Throttled),
            (DescribeServices, 429, "Whatever", "", Throttled),
            (DescribeServices, 503, "ServiceUnavailable", "Please slow down", Throttled),
            (DescribeServices, 400, "Unheard", "Rate exceeded", Throttled),
            (DescribeServices, 400, "ThrottledException", "", Throttled),
            (DescribeServices, 500, "ServerException", "", Passing),
            (DescribeServices, 503, "ServiceUnavailable", "", Passing),
            (DescribeServices, 504, "Unheard", "", Passing),
            (DescribeServices, 400, "UpdateInProgressException", "", Passing),
            (PutScalingPolicy, 400, "ConcurrentUpdateException", "", Passing),
            (PutScalingPolicy, 400, "FailedResourceAccessException", "", Passing),
            (PutScalingPolicy, 400, "ObjectNotFoundException", "", Passing),
            (Operation::DeleteScalingPolicy, 400, "ObjectNotFoundException", "", NotFound),
            (
                RegisterScalableTarget,
                400,
                "ValidationException",
                "ECS service doesn't exist: service/a/b",
                Passing,
            ),
            (
                CreateService,
                400,
                "InvalidParameterException",
                "Unable to assume the service linked role. Please verify that the ECS service linked role exists.",
                Passing,
            ),
            (
                RegisterTaskDefinition,
                400,
                "ClientException",
                "Too many concurrent attempts to create a new revision of the specified family.",
                Passing,
            ),
            (DescribeServices, 400, "AccessDeniedException", "throttling is not the matter", Denied),
            (DescribeServices, 400, "UnrecognizedClientException", "", Denied),
            (DescribeServices, 403, "Unheard", "", Denied),
            (DescribeServices, 400, "ExpiredTokenException", "", Denied),
            (DescribeServices, 400, "ClusterNotFoundException", "Cluster not found.", NotFound),
            (GetLifecyclePolicy, 400, "LifecyclePolicyNotFoundException", "", NotFound),
            (GetLifecyclePolicy, 400, "RepositoryNotFoundException", "", NotFound),
            (DescribeTaskDefinition, 400, "ClientException", "Unable to describe task definition.", NotFound),
            (CreateService, 400, "ClientException", "Unable to describe task definition.", Refused),
            (DescribeServices, 400, "ClientException", "not found", Refused),
            (
                CreateService,
                400,
                "InvalidParameterException",
                "Creation of service was not idempotent.",
                Refused,
            ),
            (CreateService, 400, "LimitExceededException", "The limit for services is 5000", Refused),
            (DescribeServices, 400, "Unheard", "", Refused),
            (DescribeServices, 501, "InternalFailure", "not yet implemented", Refused),
            (
                Operation::DeregisterScalableTarget,
                400,
                "ValidationException",
                "No scalable target found for service namespace: ecs",
                NotFound,
            ),
        ];
        for (operation, status, code, message, kind) in table {
            assert_eq!(
                classify(operation, status, code, message),
                kind,
                "{operation} {status} {code} {message}"
            );
        }
    }

    #[test]
    fn an_operation_that_is_not_there_is_told_from_one_that_failed() {
        let with = |kind, code: &str, status| CallError { status: Some(status), ..error(kind, code, "") };
        assert!(with(Refused, "UnknownOperationException", 400).is_unknown_operation());
        assert!(with(Refused, "InternalFailure", 501).is_unknown_operation());
        assert!(with(ErrorKind::Garbage, "HTTP500", 500).is_unknown_operation());
        assert!(!with(Passing, "ServerException", 500).is_unknown_operation());
        assert!(!with(ErrorKind::Garbage, "HTTP200", 200).is_unknown_operation());
    }

    #[test]
    fn an_error_reads_as_one_line() {
        let mut error = error(Denied, "AccessDeniedException", "no");
        assert_eq!(
            error.to_string(),
            "ecs:DescribeServices in eu-central-1 was denied: AccessDeniedException: no (request 1f)"
        );
        error.attempts = 3;
        error.unclear = true;
        assert_eq!(
            error.to_string(),
            "ecs:DescribeServices in eu-central-1 was denied: AccessDeniedException: no; \
             whether it was carried out is not known (request 1f, 3 attempts)"
        );
    }

    #[test]
    fn a_hint_names_the_permission_that_aws_names() {
        let pass_role = "User: arn:aws:iam::123456789012:user/x is not authorized to perform: iam:PassRole \
                         on resource: arn:aws:iam::123456789012:role/y because no identity-based policy allows it";
        let hint = |code: &str, message: &str| error(Denied, code, message).hint().unwrap();
        assert_eq!(
            hint("AccessDeniedException", pass_role),
            "the caller needs the IAM permission `iam:PassRole`"
        );
        assert_eq!(
            hint("AccessDeniedException", ""),
            "the caller needs the IAM permission `ecs:DescribeServices`"
        );
        assert!(hint("AccessDeniedException", "with an explicit deny in a policy").contains("explicitly"));
        assert!(hint("ExpiredTokenException", "").contains("aws sso login"));
        assert!(hint("UnrecognizedClientException", "").contains("eu-central-1 is enabled"));
        assert_eq!(error(Refused, "ClientException", "").hint(), None);
    }
}
