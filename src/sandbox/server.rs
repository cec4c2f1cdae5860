//! The sandbox over a socket. It listens where it is told (the caller binds to 127.0.0.1) and adds
//! nothing to what [`Sandbox::call`] answers: a lost connection there is one here.
//!
//! Tests: in this file.

use std::future::Future;
use std::io;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use bytes::Bytes;
use http::{Request, Response};
use tokio::net::TcpListener;

use super::Sandbox;

/// Bytes. The largest inputs that AWS takes are task definitions of 64 KiB.
const LARGEST_REQUEST: usize = 16 << 20;

/// Answers until `shutdown` is ready.
pub async fn serve(
    listener: TcpListener,
    sandbox: Sandbox,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let router = Router::new().fallback(answer).with_state(sandbox);
    axum::serve(listener, router).with_graceful_shutdown(shutdown).await
}

async fn answer(State(sandbox): State<Sandbox>, request: Request<Body>) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let answer = match axum::body::to_bytes(body, LARGEST_REQUEST).await {
        Ok(body) => sandbox.call(Request::from_parts(parts, body)),
        Err(unread) => Err(io::Error::other(unread)),
    };
    match answer {
        Ok(response) => response.map(Body::from),
        // A body that breaks off makes the server drop the connection.
        Err(lost) => Response::new(Body::from_stream(futures::stream::once(async { Err::<Bytes, _>(lost) }))),
    }
}
