//! The sandbox over a socket. It listens where it is told (the caller binds to 127.0.0.1) and adds
//! nothing to what [`Sandbox::exchange`] answers: a lost connection there is one here. Beside AWS's
//! path `/` it has those of [`control`].
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

use super::{Sandbox, control};

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
        Ok(body) if parts.uri.path().starts_with(control::PREFIX) => {
            Ok(control::answer(&sandbox, &parts.method, parts.uri.path(), &body))
        }
        Ok(body) => sandbox.exchange(Request::from_parts(parts, body)).await,
        Err(unread) => Err(io::Error::other(unread)),
    };
    match answer {
        Ok(response) => response.map(Body::from),
        // A body that breaks off makes the server drop the connection.
        Err(lost) => Response::new(Body::from_stream(futures::stream::once(async { Err::<Bytes, _>(lost) }))),
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpStream;
    use tokio::sync::oneshot;

    use super::*;
    use crate::sandbox::tests::{ECS, options};
    use crate::sandbox::{Fault, FaultKind};

    /// Calls an operation on a connection of its own.
    async fn exchange(address: std::net::SocketAddr, operation: &str) -> String {
        let request = format!(
            "POST / HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\ncontent-type: application/x-amz-json-1.1\r\n\
             x-amz-target: {ECS}.{operation}\r\nauthorization: AWS4-HMAC-SHA256 \
             Credential=AKID/20260101/eu-central-1/ecs/aws4_request, SignedHeaders=host, Signature=0\r\n\
             content-length: 2\r\n\r\n{{}}"
        );
        send(address, &request).await
    }

    /// Sends one request in bytes, and reads until the server closes the connection.
    async fn send(address: std::net::SocketAddr, request: &str) -> String {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        String::from_utf8_lossy(&answer).into_owned()
    }

    #[tokio::test]
    async fn it_answers_on_a_socket_loses_connections_and_shuts_down() {
        let sandbox = Sandbox::new(options());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let server = tokio::spawn(serve(listener, sandbox.clone(), async { stopped.await.unwrap_or(()) }));

        let answer = exchange(address, "ListClusters").await;
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
        assert!(answer.ends_with("{\"clusterArns\":[]}"), "{answer}");

        sandbox.script(Fault::new("*", FaultKind::LostAnswer));
        let lost = exchange(address, "CreateCluster").await;
        assert!(
            !lost.contains("clusterArn") && !lost.ends_with("0\r\n\r\n"),
            "the answer breaks off: {lost:?}"
        );
        assert!(exchange(address, "ListClusters").await.contains("cluster/default"));

        let fault = "{\"calls\": \"*\", \"kind\": \"Denied\"}";
        let request = format!(
            "POST /_sandbox/faults HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{fault}",
            fault.len()
        );
        let answer = send(address, &request).await;
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("{}\n"), "{answer}");
        assert!(exchange(address, "ListClusters").await.contains("AccessDeniedException"));

        stop.send(()).unwrap();
        server.await.unwrap().unwrap();
    }
}
