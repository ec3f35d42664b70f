//! Pinned keys: their written form, and whether one of them signed for a chain. What is pinned must be in the chain that
//! was verified; a certificate that was merely sent along decides nothing (as in OkHttp's CVE-2016-2402).

use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls::client::verify_server_cert_signed_by_trust_anchor;
use rustls::crypto::WebPkiSupportedAlgorithms;
use rustls::pki_types::{CertificateDer, TrustAnchor, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, OtherError, RootCertStore};
use whimbrel_proto::{Error, Result};

/// The SHA-256 of a SubjectPublicKeyInfo in DER.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Pin([u8; 32]);

impl Pin {
    /// Reads `sha256/BASE64` (RFC 7469's hash, OkHttp's form), `sha256//BASE64` (curl's) or bare Base64.
    pub(super) fn parse(text: &str) -> Result<Self> {
        let encoded = text.strip_prefix("sha256/").unwrap_or(text);
        let decode = |encoded: &str| STANDARD.decode(encoded).ok().and_then(|bytes| bytes.try_into().ok());
        // A slash is also a digit of Base64: the length tells.
        let hash = decode(encoded).or_else(|| decode(encoded.strip_prefix('/')?));
        hash.map(Self).ok_or_else(|| {
            Error::input(format!(
                "the pinned key {text:?} is not the SHA-256 of a public key: \"sha256/\" and 44 characters of Base64"
            ))
        })
    }

    fn of(spki: &[u8]) -> Self {
        let mut hash = [0; 32];
        hash.copy_from_slice(ring::digest::digest(&ring::digest::SHA256, spki).as_ref());
        Self(hash)
    }
}

/// The pins of one configuration, and the trusted anchors that have such a key.
#[derive(Debug)]
pub(super) struct Pins {
    pins: Arc<[Pin]>,
    anchors: RootCertStore,
    algorithms: WebPkiSupportedAlgorithms,
}

impl Pins {
    pub(super) fn new<'a>(
        pins: Arc<[Pin]>,
        trusted: impl IntoIterator<Item = &'a TrustAnchor<'static>>,
        algorithms: WebPkiSupportedAlgorithms,
    ) -> Self {
        let is_pinned = |anchor: &&TrustAnchor<'_>| pins.contains(&Pin::of(&sequence(&anchor.subject_public_key_info)));
        let anchors = trusted.into_iter().filter(is_pinned).cloned().collect();
        Self { pins, anchors, algorithms }
    }

    /// Whether a chain that was verified has a pinned key: the leaf's own, or one that the leaf can be verified by when
    /// nothing else is trusted.
    pub(super) fn check(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<(), rustls::Error> {
        let leaf = ParsedCertificate::try_from(leaf)?;
        if self.has_key_of(&leaf) {
            return Ok(());
        }
        let mut pinned = self.anchors.clone();
        for certificate in intermediates {
            if ParsedCertificate::try_from(certificate).is_ok_and(|parsed| self.has_key_of(&parsed)) {
                pinned.add(certificate.clone())?;
            }
        }
        match verify_server_cert_signed_by_trust_anchor(&leaf, &pinned, intermediates, now, self.algorithms.all) {
            Ok(()) => Ok(()),
            Err(_) => Err(CertificateError::Other(OtherError(Arc::new(NoPinnedKey))).into()),
        }
    }

    fn has_key_of(&self, certificate: &ParsedCertificate<'_>) -> bool {
        self.pins.contains(&Pin::of(&certificate.subject_public_key_info()))
    }
}

/// Why a chain that is trusted otherwise was refused.
#[derive(Debug)]
pub(super) struct NoPinnedKey;

impl fmt::Display for NoPinnedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("none of the pinned keys is in the server's chain")
    }
}

impl std::error::Error for NoPinnedKey {}

impl fmt::Debug for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sha256/{}", STANDARD.encode(self.0))
    }
}

/// A DER SEQUENCE of this content: anchors keep their key without its tag and length.
fn sequence(content: &[u8]) -> Vec<u8> {
    let length = content.len().to_be_bytes();
    let significant = &length[length.iter().take_while(|byte| **byte == 0).count()..];
    let mut der = vec![0x30];
    if content.len() >= 0x80 {
        der.push(0x80 | significant.len() as u8);
    }
    der.extend(if content.is_empty() { &[0] } else { significant });
    der.extend(content);
    der
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sequence_has_the_shortest_length_that_fits() {
        for (length, head) in [
            (0, &[0x30, 0][..]),
            (1, &[0x30, 1]),
            (127, &[0x30, 127]),
            (128, &[0x30, 0x81, 128]),
            (255, &[0x30, 0x81, 255]),
            (256, &[0x30, 0x82, 1, 0]),
            (290, &[0x30, 0x82, 1, 34]),
            (65536, &[0x30, 0x83, 1, 0, 0]),
        ] {
            let der = sequence(&vec![7; length]);
            assert_eq!(der[..head.len()], *head, "{length}");
            assert_eq!(der.len(), head.len() + length);
        }
    }

    #[test]
    fn a_pin_is_read_and_written_as_the_same_text() {
        let text = "sha256/q7sABPSdMMqScYbDdKv5EH9jVVW5bjKv+4MyEF9cTuE=";
        assert_eq!(format!("{:?}", Pin::parse(text).unwrap()), text);
    }
}
