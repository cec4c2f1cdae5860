//! When a task definition revision is what a manifest wants. A revision never changes, so an equal one is
//! used as it is and no other is registered.

use super::desired::Document;
use super::diff::{Diff, diff};
use super::facts::kind_shape;
use super::names::tag;
use super::observed::Revision;
use super::reduce::reduce;
use super::state::hash;

/// The content hash of a task definition's body: without its tags, which can change, and without secrets.
pub fn content(body: &Document, account: &str) -> String {
    let mut body = body.clone();
    body.remove("tags");
    hash(kind_shape("TaskDefinition"), &body, account)
}

/// What differs between the wanted body and a revision, tags apart.
pub fn difference(body: &Document, revision: &Revision, account: &str) -> Diff {
    let shape = kind_shape("TaskDefinition");
    let side = |document: &Document| {
        let mut least = reduce(shape, document, account);
        least.remove("tags");
        least
    };
    let mut found = diff(shape, "taskDefinition", &side(body), &side(&revision.body), account);
    // Registered from this very body, so what differs is AWS's spelling of it; secrets are not in the hash.
    if revision.tags.get(tag::CONTENT) == Some(&content(body, account)) {
        found.differences.retain(|difference| difference.secret);
    }
    found
}

/// Whether the revision is what `body` asks for.
pub fn is_equal(body: &Document, revision: &Revision, account: &str) -> bool {
    difference(body, revision, account).is_empty()
}
