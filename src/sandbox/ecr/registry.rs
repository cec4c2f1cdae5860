//! What concerns the registry as a whole: its address and token, and what is scanned when.
//!
//! Scanning is only a setting here: nothing is scanned. Tests: in this file.

use serde_json::{Value, json};

use super::super::{Call, Document, field};
use super::{Answer, State};

/// Twelve hours, as AWS's tokens last.
const TOKEN_SECONDS: f64 = 43_200.0;

/// Where the registry's images are pulled from.
pub(super) fn host(call: &Call) -> String {
    let suffix = if call.partition() == "aws-cn" { ".cn" } else { "" };
    format!("{}.dkr.ecr.{}.amazonaws.com{suffix}", call.account, call.region)
}

pub(super) fn describe(call: &Call) -> Value {
    json!({"registryId": call.account, "replicationConfiguration": {"rules": []}})
}

/// A token that opens nothing: there is no registry to push layers to.
pub(super) fn authorization_token(call: &Call) -> Value {
    json!({"authorizationData": [{
        // `AWS:sandbox` in base64.
        "authorizationToken": "QVdTOnNhbmRib3g=",
        "expiresAt": call.now + TOKEN_SECONDS,
        "proxyEndpoint": format!("https://{}", host(call)),
    }]})
}

pub(super) fn put_scanning(state: &mut State, call: &Call, input: &Document) -> Answer {
    let repository = state.named(call, input)?;
    let configuration = field::object(input, "imageScanningConfiguration");
    repository.scan_on_push =
        configuration.and_then(|wanted| field::flag(wanted, "scanOnPush")).unwrap_or(false);
    let members = json!({"imageScanningConfiguration": {"scanOnPush": repository.scan_on_push}});
    Ok(repository.answer(call, members))
}

pub(super) fn scanning(state: &State, call: &Call, input: &Document) -> Value {
    let (mut configurations, mut failures) = (Vec::new(), Vec::new());
    for name in field::texts(input, "repositoryNames") {
        match state.repositories.get(name) {
            Some(repository) => configurations.push(json!({
                "repositoryArn": repository.arn(call),
                "repositoryName": name,
                "scanOnPush": repository.scan_on_push,
                "scanFrequency": if repository.scan_on_push { "SCAN_ON_PUSH" } else { "MANUAL" },
                "appliedScanFilters": [],
            })),
            None => failures.push(json!({
                "repositoryName": name,
                "failureCode": "REPOSITORY_NOT_FOUND",
                "failureReason": "Repository does not exist",
            })),
        }
    }
    json!({"scanningConfigurations": configurations, "failures": failures})
}

pub(super) fn registry_scanning(call: &Call) -> Value {
    json!({"registryId": call.account, "scanningConfiguration": {"scanType": "BASIC", "rules": []}})
}

#[cfg(test)]
mod tests {
    use super::super::fixture::*;
    use super::*;

    #[test]
    fn the_token_lasts_twelve_hours_for_the_registrys_address() {
        let answer = ask(&mut State::default(), "GetAuthorizationToken", json!({})).unwrap();
        let data = &answer["authorizationData"][0];
        assert_eq!(data["proxyEndpoint"], "https://123456789012.dkr.ecr.eu-central-1.amazonaws.com");
        assert_eq!(data["expiresAt"], 1_700_043_200.25);
        assert_eq!(data["authorizationToken"], "QVdTOnNhbmRib3g=");
    }

    #[test]
    fn scanning_is_put_and_read_back() {
        let mut state = registry();
        let input = json!({"repositoryName": "shop/web", "imageScanningConfiguration": {"scanOnPush": true}});
        let answer = ask(&mut state, "PutImageScanningConfiguration", input).unwrap();
        assert_eq!(answer["imageScanningConfiguration"], json!({"scanOnPush": true}));
        let names = json!({"repositoryNames": ["shop/web", "none"]});
        let answer = ask(&mut state, "BatchGetRepositoryScanningConfiguration", names).unwrap();
        assert_eq!(answer["scanningConfigurations"][0]["scanFrequency"], "SCAN_ON_PUSH");
        assert_eq!(answer["failures"][0]["failureCode"], "REPOSITORY_NOT_FOUND");
        let described = ask(&mut state, "DescribeRepositories", json!({})).unwrap();
        assert_eq!(described["repositories"][0]["imageScanningConfiguration"]["scanOnPush"], true);
    }

    #[test]
    fn the_registry_itself_scans_basically_and_replicates_nothing() {
        let answer = ask(&mut State::default(), "GetRegistryScanningConfiguration", json!({})).unwrap();
        assert_eq!(answer["scanningConfiguration"]["scanType"], "BASIC");
        let answer = ask(&mut State::default(), "DescribeRegistry", json!({})).unwrap();
        assert_eq!(answer["replicationConfiguration"]["rules"], json!([]));
    }
}
