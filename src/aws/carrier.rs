//! The interceptor that lets documents ride on the SDK.
//!
//! The SDK is called with an empty input; before the request is signed the carrier puts our JSON
//! in the place of the SDK's, and when the answer has come it keeps its bytes, whatever the SDK
//! itself makes of them: a member or an enum value that the SDK does not know goes and comes
//! unharmed, and so does an answer that the SDK cannot read. It never looks into what it carries,
//! and never prints it. Held by `wire_tests`, for every operation.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::{
    AfterDeserializationInterceptorContextRef, BeforeTransmitInterceptorContextMut,
    BeforeTransmitInterceptorContextRef,
};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::config_bag::ConfigBag;
use bytes::Bytes;

/// An answer as it came.
#[derive(Clone)]
pub struct RawAnswer {
    pub status: u16,
    /// `x-amzn-requestid`: what AWS's support asks for.
    pub request_id: Option<String>,
    /// `x-amzn-errortype`: an error's code, where the body does not say it.
    pub error_type: Option<String>,
    pub body: Bytes,
}

/// How far one attempt came.
#[derive(Default, Clone)]
pub struct Journey {
    /// The request left us; from here on its outcome is unclear until there is an answer.
    pub sent: bool,
    pub answer: Option<RawAnswer>,
}

/// Carries one request and its answer.
#[derive(Clone)]
pub struct Carrier {
    /// `None`: the SDK's own body goes (STS).
    body: Option<Bytes>,
    journey: Arc<Mutex<Journey>>,
}

impl Carrier {
    pub fn new(body: Option<Bytes>) -> Self {
        Self { body, journey: Arc::default() }
    }

    pub fn journey(&self) -> Journey {
        self.journey.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn note(&self, what: impl FnOnce(&mut Journey)) {
        what(&mut self.journey.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

/// The SDK prints interceptors when it traces: a body must never be in there.
impl fmt::Debug for Carrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Carrier").finish_non_exhaustive()
    }
}

impl Intercept for Carrier {
    fn name(&self) -> &'static str {
        "Carrier"
    }

    fn modify_before_signing(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let Some(body) = &self.body {
            let request = context.request_mut();
            request.headers_mut().insert("content-length", body.len().to_string());
            *request.body_mut() = SdkBody::from(body.clone());
        }
        Ok(())
    }

    fn read_before_transmit(
        &self,
        _context: &BeforeTransmitInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        self.note(|journey| journey.sent = true);
        Ok(())
    }

    /// Runs also when the SDK could not read the answer; only when the connection broke before
    /// its end are there no bytes.
    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let answer = raw(context.response());
        self.note(|journey| journey.answer = answer);
        Ok(())
    }
}

fn raw(response: &HttpResponse) -> Option<RawAnswer> {
    let header = |name| response.headers().get(name).map(str::to_owned);
    Some(RawAnswer {
        status: response.status().as_u16(),
        request_id: header("x-amzn-requestid").or_else(|| header("x-amz-request-id")),
        error_type: header("x-amzn-errortype"),
        body: Bytes::copy_from_slice(response.body().bytes()?),
    })
}
