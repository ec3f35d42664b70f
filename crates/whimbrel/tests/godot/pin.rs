//! The pin of a certificate: SHA-256 of its SubjectPublicKeyInfo, as `pinned_keys` takes it.

use rustls::crypto::ring::cipher_suite::TLS13_AES_128_GCM_SHA256;
use rustls::crypto::ring::sign::any_supported_type;
use whimbrel_testkit::Identity;

/// `sha256/BASE64` of the identity's key.
pub(crate) fn pin(identity: &Identity) -> String {
    let key = any_supported_type(&identity.key()).unwrap();
    let info = key.public_key().expect("a key of ours tells its public half");
    let suite = TLS13_AES_128_GCM_SHA256.tls13().expect("the suite is one of TLS 1.3");
    format!("sha256/{}", base64(suite.common.hash_provider.hash(&info).as_ref()))
}

fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for three in bytes.chunks(3) {
        let bits = three.iter().chain([&0, &0]).take(3).fold(0, |bits, &byte| bits << 8 | u32::from(byte));
        for place in 0..4 {
            let letter = LETTERS[(bits >> (18 - 6 * place)) as usize & 63];
            text.push(if place > three.len() { '=' } else { char::from(letter) });
        }
    }
    text
}
