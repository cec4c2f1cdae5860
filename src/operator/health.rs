//! The loop's few pages: probes, metrics, and "look now". Plain HTTP, for this machine or this pod.
//!
//! It shows no name of a resource but those of manifests that cannot be used, and no value. Tests: `tests/operator`.

use super::vitals::{Answer, Vitals};
use super::wake::Wake;
use axum::Router;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderName, StatusCode};
use axum::routing::{get, post};
use std::io;
use std::sync::Arc;
use tokio::net::TcpListener;

/// What OpenMetrics wants to be called.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

type Page = (StatusCode, [(HeaderName, &'static str); 1], String);

/// Answers for ever.
pub async fn serve(listener: TcpListener, vitals: Arc<Vitals>, wake: Wake) -> io::Result<()> {
    axum::serve(listener, router(vitals, wake)).await
}

fn router(vitals: Arc<Vitals>, wake: Wake) -> Router {
    Router::new()
        .route("/healthz", get(async |State(vitals): State<Arc<Vitals>>| probe(vitals.alive())))
        .route("/readyz", get(async |State(vitals): State<Arc<Vitals>>| probe(vitals.ready())))
        .route("/metrics", get(metrics))
        .route("/reconcile", post(async move || look_now(&wake)))
        .with_state(vitals)
}

fn probe(answer: Answer) -> Page {
    let status = if answer.is_good { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    page(status, answer.text)
}

async fn metrics(State(vitals): State<Arc<Vitals>>) -> Page {
    match vitals.metrics.text() {
        Ok(text) => (StatusCode::OK, [(CONTENT_TYPE, OPEN_METRICS)], text),
        Err(error) => page(StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")),
    }
}

fn look_now(wake: &Wake) -> Page {
    wake.ask();
    page(StatusCode::ACCEPTED, "looking at everything now\n".to_owned())
}

fn page(status: StatusCode, text: String) -> Page {
    (status, [(CONTENT_TYPE, "text/plain; charset=utf-8")], text)
}
