//! The SDK's clients, one set per Region, and the two ways to AWS.
//!
//! [`Connection::Ambient`] is whatever the SDK finds: `AWS_PROFILE`, `AWS_REGION`,
//! `AWS_ENDPOINT_URL`, roles, SSO. [`Connection::InProcess`] hands every request to a function,
//! without a socket and without looking at the environment; no timer runs but tokio's, so it
//! works under paused time. The SDK's own retries are off: [`super::retry`] is the only layer.
//! Tests: `wire_tests`.

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_ecs::config::{Credentials, SharedCredentialsProvider};
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use bytes::Bytes;
use futures::future::BoxFuture;
use serde_json::{Value, json};

use super::carrier::Carrier;
use super::failure::Failure;

/// A public endpoint in another continent answers a handshake well within this.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// The slowest control-plane calls (a page of 100 services with tags) stay under ten seconds.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(30);

/// Answers a request without a socket. An error is a connection that broke.
pub type Exchange =
    Arc<dyn Fn(http::Request<Bytes>) -> BoxFuture<'static, io::Result<http::Response<Bytes>>> + Send + Sync>;

/// How to reach AWS.
#[derive(Clone)]
pub enum Connection {
    /// By the SDK's own settings; `region` overrides theirs.
    Ambient { region: Option<String> },
    /// Through a function, with credentials that open nothing.
    InProcess { call: Exchange, region: String },
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ambient { region } => f.debug_struct("Ambient").field("region", region).finish(),
            Self::InProcess { region, .. } => {
                f.debug_struct("InProcess").field("region", region).finish_non_exhaustive()
            }
        }
    }
}

impl Connection {
    async fn config(self) -> SdkConfig {
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .operation_attempt_timeout(ATTEMPT_TIMEOUT)
            .build();
        match self {
            Self::Ambient { region } => {
                let mut loader = aws_config::defaults(BehaviorVersion::latest())
                    .retry_config(RetryConfig::disabled())
                    .timeout_config(timeouts);
                if let Some(region) = region {
                    loader = loader.region(Region::new(region));
                }
                loader.load().await
            }
            Self::InProcess { call, region } => {
                let nobody = Credentials::new("INPROCESS", "in-process", None, None, "in-process");
                let connector = SharedHttpConnector::new(InProcess(call));
                SdkConfig::builder()
                    .behavior_version(BehaviorVersion::latest())
                    .retry_config(RetryConfig::disabled())
                    .timeout_config(timeouts)
                    .region(Region::new(region))
                    .credentials_provider(SharedCredentialsProvider::new(nobody))
                    .http_client(http_client_fn(move |_, _| connector.clone()))
                    .build()
            }
        }
    }
}

struct InProcess(Exchange);

impl fmt::Debug for InProcess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InProcess")
    }
}

impl HttpConnector for InProcess {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let exchange = Arc::clone(&self.0);
        HttpConnectorFuture::new(async move {
            let request = request.try_into_http1x().map_err(|error| ConnectorError::user(error.into()))?;
            let request = request.map(|body| Bytes::copy_from_slice(body.bytes().unwrap_or_default()));
            let response = exchange(request).await.map_err(|error| ConnectorError::io(error.into()))?;
            HttpResponse::try_from(response.map(SdkBody::from))
                .map_err(|error| ConnectorError::other(error.into(), None))
        })
    }
}

/// One Region's clients.
pub struct Regional {
    pub(super) ecs: aws_sdk_ecs::Client,
    pub(super) ecr: aws_sdk_ecr::Client,
    pub(super) autoscaling: aws_sdk_applicationautoscaling::Client,
    pub(super) tagging: aws_sdk_resourcegroupstagging::Client,
    pub(super) sts: aws_sdk_sts::Client,
}

impl Regional {
    fn new(config: &SdkConfig) -> Self {
        Self {
            ecs: aws_sdk_ecs::Client::new(config),
            ecr: aws_sdk_ecr::Client::new(config),
            autoscaling: aws_sdk_applicationautoscaling::Client::new(config),
            tagging: aws_sdk_resourcegroupstagging::Client::new(config),
            sts: aws_sdk_sts::Client::new(config),
        }
    }

    /// STS speaks the query protocol: here the SDK's own types are what is read.
    pub(super) async fn caller_identity(&self, carrier: Carrier) -> Result<Value, Failure> {
        let caller = self.sts.get_caller_identity().customize().interceptor(carrier).send().await?;
        Ok(json!({"Account": caller.account(), "Arn": caller.arn(), "UserId": caller.user_id()}))
    }
}

/// The clients of every Region used so far.
pub struct Clients {
    config: SdkConfig,
    by_region: Mutex<HashMap<String, Arc<Regional>>>,
}

impl Clients {
    pub async fn new(connection: Connection) -> Self {
        Self::of(connection.config().await)
    }

    pub(super) fn of(config: SdkConfig) -> Self {
        Self { config, by_region: Mutex::default() }
    }

    /// The Region of the connection's own settings.
    pub fn default_region(&self) -> Option<&str> {
        self.config.region().map(AsRef::as_ref).filter(|region| !region.is_empty())
    }

    pub fn regional(&self, region: &str) -> Arc<Regional> {
        let mut by_region = self.by_region.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(regional) = by_region.get(region) {
            return Arc::clone(regional);
        }
        let config = self.config.to_builder().region(Region::new(region.to_owned())).build();
        let regional = Arc::new(Regional::new(&config));
        by_region.insert(region.to_owned(), Arc::clone(&regional));
        regional
    }
}
