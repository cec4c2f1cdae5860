//! HTTP on one side, operations on the other: awsJson 1.1 for most APIs, the query protocol for
//! STS. Signatures are not verified, but there must be one, for the right service: the Region
//! stands in it. Changes nothing.
//!
//! Tests: `tests.rs`.

use std::io;

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use serde_json::{Value, json};

use super::model_check::Api;
use super::{Call, Document, Refusal, Region, autoscaling, ecr, ecs, fault, sts, tagging};

/// What a request asks for.
#[derive(Debug, Clone)]
pub(super) struct Parsed {
    pub region: String,
    pub target: Target,
    /// As it came, before it is checked; empty for the query protocol.
    pub input: Document,
}

#[derive(Debug, Clone)]
pub(super) enum Target {
    Json {
        api: &'static Api,
        operation: String,
    },
    /// The form that the query protocol sends.
    Sts(String),
}

/// An answer before it is put into HTTP.
#[derive(Debug)]
pub(super) enum Body {
    Json(Value),
    Xml(String),
}

impl Parsed {
    /// What somebody asks for without HTTP, of one of the APIs that take JSON.
    pub fn new(region: &str, service: &str, operation: &str, input: &Value) -> Result<Self, Refusal> {
        let api = Api::by_signing_name(service).ok_or_else(|| unknown_operation(service))?;
        let target = Target::Json { api, operation: operation.to_owned() };
        let input = input.as_object().cloned().unwrap_or_default();
        Ok(Self { region: region.to_owned(), target, input })
    }

    /// Whether it is there to change something.
    pub fn changes(&self) -> bool {
        fault::changes(self.operation())
    }

    pub fn service(&self) -> &str {
        match &self.target {
            Target::Json { api, .. } => &api.signing_name,
            Target::Sts(_) => "sts",
        }
    }

    pub fn operation(&self) -> &str {
        match &self.target {
            Target::Json { operation, .. } => operation,
            Target::Sts(form) => {
                form.split('&').find_map(|pair| pair.strip_prefix("Action=")).unwrap_or_default()
            }
        }
    }

    /// Checks the input against the model and has the API answer it.
    pub fn perform(&self, region: &mut Region, call: &Call) -> Result<Body, Refusal> {
        let (api, operation) = match &self.target {
            Target::Json { api, operation } => (api, operation),
            Target::Sts(form) => return sts::answer(call, form).map(Body::Xml),
        };
        let input = api.check(operation, self.input.clone())?;
        let answer = match api.signing_name.as_str() {
            "ecs" => ecs::answer,
            "ecr" => ecr::answer,
            "application-autoscaling" => autoscaling::answer,
            _ => tagging::answer,
        };
        answer(region, call, operation, &input).map(Body::Json)
    }
}

pub(super) fn parse(request: Request<Bytes>) -> Result<Parsed, Refusal> {
    let (parts, body) = request.into_parts();
    let (region, service) = credential_scope(&parts.headers)?;
    let (target, input) = match header(&parts.headers, "x-amz-target") {
        Some(target) => {
            let (api, operation) = target
                .split_once('.')
                .and_then(|(prefix, operation)| Some((Api::by_target_prefix(prefix)?, operation)))
                .ok_or_else(|| unknown_operation(target))?;
            (Target::Json { api, operation: operation.to_owned() }, document(&body)?)
        }
        None if service == "sts" => {
            (Target::Sts(String::from_utf8_lossy(&body).into_owned()), Document::new())
        }
        None => return Err(unknown_operation(&format!("{} {}", parts.method, parts.uri.path()))),
    };
    let parsed = Parsed { region, target, input };
    if service != parsed.service() {
        let message = format!("Credential should be scoped to correct service: '{}'. ", parsed.service());
        return Err(Refusal::client("InvalidSignatureException", message));
    }
    Ok(parsed)
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// Region and signing name, from `Credential=AKID/20260101/eu-central-1/ecs/aws4_request`.
fn credential_scope(headers: &HeaderMap) -> Result<(String, String), Refusal> {
    let authorization = header(headers, "authorization").ok_or_else(|| {
        Refusal::client("MissingAuthenticationTokenException", "Missing Authentication Token")
    })?;
    let scope: Vec<&str> = authorization
        .split_once("Credential=")
        .and_then(|(_, rest)| rest.split(',').next())
        .map(|credential| credential.trim().split('/').collect())
        .unwrap_or_default();
    let [.., _date, region, service, "aws4_request"] = scope.as_slice() else {
        let message = "Authorization header requires 'Credential' parameter. Authorization header requires a scope of the form date/region/service/aws4_request.";
        return Err(Refusal::client("IncompleteSignatureException", message));
    };
    let region = if region.is_empty() { "us-east-1" } else { region };
    Ok((region.to_owned(), (*service).to_owned()))
}

fn unknown_operation(what: &str) -> Refusal {
    Refusal::client("UnknownOperationException", format!("the sandbox has no API for `{what}`"))
}

fn document(body: &Bytes) -> Result<Document, Refusal> {
    if body.is_empty() {
        return Ok(Document::new());
    }
    match serde_json::from_slice(body) {
        Ok(Value::Object(input)) => Ok(input),
        Ok(_) => Err(Refusal::client("SerializationException", "Unexpected field type")),
        Err(error) => Err(Refusal::client("SerializationException", error.to_string())),
    }
}

pub(super) fn answer(body: Body, request_id: &str) -> io::Result<Response<Bytes>> {
    match body {
        Body::Json(value) => http_response(200, JSON, request_id, value.to_string()),
        Body::Xml(text) => http_response(200, XML, request_id, text),
    }
}

pub(super) fn refusal(
    refusal: &Refusal,
    service: Option<&str>,
    request_id: &str,
) -> io::Result<Response<Bytes>> {
    let Refusal { code, message, status } = refusal;
    if service == Some("sts") {
        let body = format!(
            "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error><Type>Sender</Type><Code>{code}</Code><Message>{}</Message></Error><RequestId>{request_id}</RequestId></ErrorResponse>",
            message.replace('&', "&amp;").replace('<', "&lt;"),
        );
        return http_response(*status, XML, request_id, body);
    }
    let body = json!({"__type": code, "message": message});
    http_response(*status, JSON, request_id, body.to_string())
}

const JSON: &str = "application/x-amz-json-1.1";
const XML: &str = "text/xml";

fn http_response(
    status: u16,
    content_type: &str,
    request_id: &str,
    body: String,
) -> io::Result<Response<Bytes>> {
    Response::builder()
        .status(status)
        .header("content-type", content_type)
        .header("x-amzn-requestid", request_id)
        .body(Bytes::from(body))
        .map_err(io::Error::other)
}
