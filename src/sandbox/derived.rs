//! Ids that follow from what they name, so that the same story has the same ids in every run.
//! Never random.
//!
//! Tests: in this file.

use sha2::{Digest, Sha256};

/// Lower-case hexadecimal digits (64) of the SHA-256 of `parts`; where one ends matters.
pub fn hex(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.len().to_be_bytes());
        hash.update(part);
    }
    digits(&hash.finalize())
}

/// An id that looks like a UUID.
pub fn uuid(parts: &[&str]) -> String {
    let hex = hex(parts);
    format!("{}-{}-4{}-a{}-{}", &hex[..8], &hex[8..12], &hex[13..16], &hex[17..20], &hex[20..32])
}

/// The digest that registries give to a manifest: `sha256:` and the hash of its bytes.
pub fn digest(content: &str) -> String {
    format!("sha256:{}", digits(&Sha256::digest(content)))
}

fn digits(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_parts_give_the_same_id_and_their_borders_count() {
        assert_eq!(uuid(&["a", "b"]), uuid(&["a", "b"]));
        assert_ne!(uuid(&["a", "b"]), uuid(&["ab", ""]));
        assert_eq!(uuid(&["a"]).len(), 36);
    }

    #[test]
    fn a_digest_is_the_sha256_of_the_bytes() {
        assert_eq!(digest(""), "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    }
}
