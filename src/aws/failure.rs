//! What the SDK says when it has no answer for us, in words that need no SDK.
//!
//! An answer of AWS, even one that the SDK cannot read, is judged by its own bytes (`answer`);
//! what is left are failures on the way: no credentials, no endpoint, no connection, a connection
//! that broke. Tests: `wire_tests`.

use std::error::Error;
use std::io;
use std::iter::successors;

use aws_smithy_runtime_api::client::dns::ResolveDnsError;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

/// A request of the SDK that failed.
#[derive(Debug)]
pub struct Failure {
    /// The error and its causes, joined by colons.
    pub text: String,
    /// The connection was never made, so nothing can have reached AWS.
    pub never_connected: bool,
    /// The endpoint, not the credentials, is what is wrong; only of requests that were not sent.
    pub bad_endpoint: bool,
    /// Code and message as the SDK read them, for the API that does not speak JSON.
    pub code: Option<String>,
    pub message: Option<String>,
}

/// How the SDK begins when it cannot tell where to send a request.
const ENDPOINT_WORDS: [&str; 3] =
    ["failed to apply endpoint", "failed to resolve endpoint", "Invalid Configuration"];

impl<E, R> From<SdkError<E, R>> for Failure
where
    E: Error + ProvideErrorMetadata + 'static,
    R: std::fmt::Debug + 'static,
{
    fn from(error: SdkError<E, R>) -> Self {
        let text = text(&error);
        Self {
            bad_endpoint: ENDPOINT_WORDS.iter().any(|words| text.starts_with(words)),
            text,
            never_connected: chain(&error).any(is_connecting),
            code: error.code().map(str::to_owned),
            message: error.message().map(str::to_owned),
        }
    }
}

/// An error and all that is under it. The payload of an `io::Error` is not its source.
fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    successors(Some(error), |&error| match error.downcast_ref::<io::Error>() {
        Some(io) => io.get_ref().map(|inner| inner as &(dyn Error + 'static)),
        None => error.source(),
    })
}

/// The chain in one line, without repetition, without words that only name a class, and without
/// the request, which the SDK quotes when it cannot address it.
fn text(error: &(dyn Error + 'static)) -> String {
    const CLASSES: [&str; 4] = ["dispatch failure", "io error", "other", "response error"];
    let mut parts: Vec<String> = Vec::new();
    for part in chain(error).map(ToString::to_string) {
        let part = part.split(" to request `").next().unwrap_or_default().to_owned();
        let only_a_class = CLASSES.contains(&part.as_str()) || part.starts_with("client error (");
        if !only_a_class && !parts.iter().any(|earlier| earlier.contains(&part)) {
            parts.push(part);
        }
    }
    if parts.is_empty() { error.to_string() } else { parts.join(": ") }
}

/// The types that tell a connection not made from one that broke belong to crates under the
/// SDK; their first words are all that is to be had of some of them.
fn is_connecting(error: &(dyn Error + 'static)) -> bool {
    const WORDS: [&str; 3] = ["client error (Connect)", "dns error", "HTTP connect timeout"];
    let refused = error.downcast_ref::<io::Error>().is_some_and(|error| {
        matches!(
            error.kind(),
            io::ErrorKind::ConnectionRefused
                | io::ErrorKind::HostUnreachable
                | io::ErrorKind::NetworkUnreachable
                | io::ErrorKind::AddrNotAvailable
        )
    });
    let text = error.to_string();
    refused || error.is::<ResolveDnsError>() || WORDS.iter().any(|words| text.starts_with(words))
}
