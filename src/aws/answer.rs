//! From what came back to an [`Answer`] or a [`CallError`].
//!
//! Read from the bytes that the carrier kept; the SDK's own view counts only where there are
//! none. Never prints a body: an error takes AWS's message alone, without the environment values
//! that were sent. Tests: here for the reading, `wire_tests` for the way there.

use serde_json::{Map, Value};

use super::carrier::{Journey, RawAnswer};
use super::error::{CallError, ErrorKind, classify};
use super::failure::Failure;
use super::operation::Operation;

/// What an operation answered.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// The output, in the API's own spelling.
    pub document: Map<String, Value>,
    pub request_id: Option<String>,
}

/// One attempt, before anything is known of its outcome.
pub struct Attempt<'a> {
    pub operation: Operation,
    pub region: &'a str,
    pub input: &'a Value,
}

impl Attempt<'_> {
    /// `sdk` is a document only where the SDK's own types were read (STS).
    pub fn outcome(
        &self,
        journey: Journey,
        sdk: Result<Option<Value>, Failure>,
    ) -> Result<Answer, CallError> {
        match (journey.answer, sdk) {
            (answer, Ok(Some(Value::Object(document)))) => {
                Ok(Answer { document, request_id: answer.and_then(|answer| answer.request_id) })
            }
            (Some(answer), sdk) if (200..300).contains(&answer.status) => self.success(answer, sdk.is_ok()),
            (Some(answer), sdk) => Err(self.refusal(answer, sdk.err())),
            (None, Err(failure)) => Err(self.lost(journey.sent, &failure)),
            (None, Ok(_)) => {
                Err(self.error(ErrorKind::Garbage, "EmptyAnswer", "there was no answer to read"))
            }
        }
    }

    fn success(&self, answer: RawAnswer, sdk_read_it: bool) -> Result<Answer, CallError> {
        let document = match serde_json::from_slice(&answer.body) {
            Ok(Value::Object(document)) => document,
            _ if answer.body.is_empty() && sdk_read_it => Map::new(),
            _ => return Err(self.garbage(answer)),
        };
        Ok(Answer { document, request_id: answer.request_id })
    }

    /// A status that is not 2xx.
    fn refusal(&self, answer: RawAnswer, failure: Option<Failure>) -> CallError {
        let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        let (sdk_code, sdk_message) = failure.map_or((None, None), |failure| (failure.code, failure.message));
        let member = |name: &str| body[name].as_str().map(str::to_owned);
        let code = member("__type")
            .or_else(|| member("code"))
            .or_else(|| answer.error_type.clone())
            .or(sdk_code)
            .map(|code| bare(&code).to_owned())
            .filter(|code| !code.is_empty());
        let Some(code) = code else { return self.garbage(answer) };
        let message = member("message").or_else(|| member("Message")).or(sdk_message).unwrap_or_default();
        let kind = classify(self.operation, answer.status, &code, &message);
        CallError {
            request_id: answer.request_id,
            status: Some(answer.status),
            // A fault of the service may have come after the deed; a 4xx never does.
            unclear: answer.status >= 500 && kind != ErrorKind::Throttled && self.operation.writes(),
            ..self.error(kind, &code, &self.safe(&message))
        }
    }

    /// An answer that no API of AWS gives: a proxy's page, or half of an answer.
    fn garbage(&self, answer: RawAnswer) -> CallError {
        let status = answer.status;
        let kind = match status {
            429 => ErrorKind::Throttled,
            // AWS's own 500 is JSON or empty; a page comes from something else, and stays.
            500 if !answer.body.is_empty() => ErrorKind::Garbage,
            500.. => ErrorKind::Passing,
            _ => ErrorKind::Garbage,
        };
        let message =
            format!("the answer with status {status} ({} bytes) is not AWS's JSON", answer.body.len());
        let carried_out = (200..300).contains(&status) || status >= 500;
        CallError {
            request_id: answer.request_id,
            status: Some(status),
            unclear: carried_out && self.operation.writes(),
            ..self.error(kind, &format!("HTTP{status}"), &message)
        }
    }

    /// No answer.
    fn lost(&self, sent: bool, failure: &Failure) -> CallError {
        let text = self.safe(&failure.text);
        if !sent {
            // Regions are checked before: what is left are the endpoint and the credentials.
            let code = if failure.bad_endpoint { "BadEndpoint" } else { "NoCredentials" };
            return self.error(ErrorKind::Unreachable, code, &text);
        }
        if failure.never_connected {
            return self.error(ErrorKind::Unreachable, "ConnectionFailed", &text);
        }
        CallError { unclear: self.operation.writes(), ..self.error(ErrorKind::Passing, "AnswerLost", &text) }
    }

    pub fn error(&self, kind: ErrorKind, code: &str, message: &str) -> CallError {
        CallError {
            operation: self.operation,
            region: self.region.to_owned(),
            request_id: None,
            kind,
            code: code.to_owned(),
            message: message.to_owned(),
            status: None,
            unclear: false,
            attempts: 1,
        }
    }

    /// A message that can be shown. AWS may quote what it was sent, and a signature error quotes
    /// the signed headers, session token included.
    fn safe(&self, message: &str) -> String {
        const LONGEST: usize = 1000;
        let end = message.find("The Canonical String").unwrap_or(message.len());
        let mut safe = message[..end].split_whitespace().collect::<Vec<_>>().join(" ");
        for value in environment_values(self.input) {
            safe = safe.replace(value, "…");
        }
        if let Some((cut, _)) = safe.char_indices().nth(LONGEST) {
            safe.truncate(cut);
            safe.push('…');
        }
        safe
    }
}

/// `ThrottlingException` in `com.amazonaws.ecs#ThrottlingException:http://…`.
fn bare(code: &str) -> &str {
    let code = code.rsplit('#').next().unwrap_or(code);
    code.split(':').next().unwrap_or(code).trim()
}

/// The values of every `environment` in a document. Values of one to three characters are common
/// words; to look for them would only spoil the message.
fn environment_values(document: &Value) -> Vec<&str> {
    let mut values = Vec::new();
    let mut left = vec![document];
    while let Some(value) = left.pop() {
        match value {
            Value::Array(items) => left.extend(items),
            Value::Object(members) => {
                let environment = members.get("environment").and_then(Value::as_array);
                let entries = environment.into_iter().flatten().filter_map(|entry| entry["value"].as_str());
                values.extend(entries.filter(|value| value.len() > 3));
                left.extend(members.values());
            }
            _ => {}
        }
    }
    values
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use serde_json::json;

    use super::*;

    fn answered(status: u16, error_type: Option<&str>, body: &str) -> Result<Answer, CallError> {
        answered_to(&Value::Null, status, error_type, body)
    }

    fn answered_to(input: &Value, status: u16, kind: Option<&str>, body: &str) -> Result<Answer, CallError> {
        let attempt = Attempt { operation: Operation::CreateService, region: "eu-central-1", input };
        let answer = RawAnswer {
            status,
            request_id: Some("1f".into()),
            error_type: kind.map(str::to_owned),
            body: Bytes::copy_from_slice(body.as_bytes()),
        };
        attempt.outcome(Journey { sent: true, answer: Some(answer) }, Ok(None))
    }

    #[test]
    fn the_code_is_found_wherever_aws_puts_it() {
        let named = [
            (None, r#"{"__type":"ClusterNotFoundException","message":"m"}"#),
            (None, r#"{"__type":"com.amazonaws.ecs#ClusterNotFoundException","Message":"m"}"#),
            (None, r#"{"code":"ClusterNotFoundException","message":"m"}"#),
            (Some("ClusterNotFoundException:http://internal.amazon.com/coral/"), r#"{"message":"m"}"#),
            (Some("ClusterNotFoundException"), r#"{"Message":"m"}"#),
        ];
        for (header, body) in named {
            let error = answered(400, header, body).unwrap_err();
            assert_eq!(
                (error.code.as_str(), error.message.as_str()),
                ("ClusterNotFoundException", "m"),
                "{body}"
            );
            assert_eq!(error.request_id.as_deref(), Some("1f"));
        }
        let bodyless = answered(400, Some("ClusterNotFoundException"), "").unwrap_err();
        assert_eq!((bodyless.kind, bodyless.message.as_str()), (ErrorKind::NotFound, ""));
    }

    #[test]
    fn what_is_not_json_is_garbage_and_its_body_is_not_shown() {
        for (status, body, kind, unclear) in [
            (200, "<html>token=hunter2</html>", ErrorKind::Garbage, true),
            (200, r#"{"service":{"#, ErrorKind::Garbage, true),
            (200, "[1]", ErrorKind::Garbage, true),
            (404, "no such page: hunter2", ErrorKind::Garbage, false),
            (400, "{}", ErrorKind::Garbage, false),
            (500, "", ErrorKind::Passing, true),
            (500, "<html>not implemented</html>", ErrorKind::Garbage, true),
            (502, "<html>bad gateway</html>", ErrorKind::Passing, true),
            (429, "slow down", ErrorKind::Throttled, false),
            (400, "\u{0}\u{1}", ErrorKind::Garbage, false),
        ] {
            let error = answered(status, None, body).unwrap_err();
            assert_eq!((error.kind, error.unclear), (kind, unclear), "{status} {body}");
            assert!(!error.to_string().contains("hunter2"), "{error}");
        }
        assert_eq!(answered(200, None, "").unwrap().document, Map::new());
    }

    #[test]
    fn a_fault_of_the_service_leaves_a_write_unclear_and_a_refusal_does_not() {
        assert!(answered(500, None, r#"{"__type":"ServerException"}"#).unwrap_err().unclear);
        assert!(!answered(400, None, r#"{"__type":"InvalidParameterException"}"#).unwrap_err().unclear);
        assert!(!answered(503, None, r#"{"__type":"ThrottlingException"}"#).unwrap_err().unclear);
    }

    #[test]
    fn a_message_never_shows_an_environment_value_nor_a_signature() {
        let input = json!({"containerDefinitions": [{"environment": [{"name": "P", "value": "hunter2"}]}]});
        let body = r#"{"__type":"ClientException","message":"bad value 'hunter2' for P"}"#;
        let error = answered_to(&input, 400, None, body).unwrap_err();
        assert_eq!(error.message, "bad value '…' for P");

        let body = json!({"__type": "InvalidSignatureException", "message":
            "The signature does not match. The Canonical String for this request should have been\n'POST\nx-amz-security-token:hunter2'"});
        let error = answered(403, None, &body.to_string()).unwrap_err();
        assert_eq!(
            (error.kind, error.message.as_str()),
            (ErrorKind::Denied, "The signature does not match.")
        );

        let long = json!({"__type": "ClientException", "message": "ü".repeat(5000)}).to_string();
        assert_eq!(answered(400, None, &long).unwrap_err().message.chars().count(), 1001);
    }
}
