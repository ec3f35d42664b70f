//! A certificate authority made on the spot, and the certificates that a test of TLS asks for: good, expired,
//! self-signed, for a client, for another name.
//!
//! Keys are ECDSA P-256 and live in memory only, unless [`Authority::write_ca`] is asked for the public certificate.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};
use rustls::RootCertStore;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// A certificate authority of the test's own. Trust its certificate ([`ca_pem`](Self::ca_pem)) and the servers that
/// hold an [`Identity`] it issued verify.
///
/// ```
/// let authority = whimbrel_testkit::Authority::new();
/// let identity = authority.issue(&["a.test", "127.0.0.1"]);
/// assert!(authority.ca_pem().starts_with("-----BEGIN CERTIFICATE-----"));
/// assert_eq!(identity.cert_chain().len(), 1);
/// ```
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

impl Authority {
    /// Makes a new authority with a key of its own: two authorities never trust each other's certificates.
    #[allow(clippy::new_without_default, reason = "each call makes another authority, which a default would hide")]
    pub fn new() -> Self {
        let mut params = params(&[]);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        // A name of its own each time, so that a verifier cannot take one authority for another by subject.
        let key = new_key();
        let id: String = key.public_key_raw().iter().skip(1).take(4).map(|byte| format!("{byte:02x}")).collect();
        params.distinguished_name.push(DnType::CommonName, format!("Whimbrel test authority {id}"));
        let issuer = CertifiedIssuer::self_signed(params, key).expect("an authority of our own making can be signed");
        Self { issuer }
    }

    /// The authority's certificate, in PEM.
    pub fn ca_pem(&self) -> String {
        self.issuer.pem()
    }

    /// The authority's certificate, in DER.
    pub fn ca_der(&self) -> CertificateDer<'static> {
        self.issuer.der().clone()
    }

    /// Writes the authority's certificate to `path`, in PEM.
    ///
    /// # Errors
    /// Those of [`std::fs::write`].
    pub fn write_ca(&self, path: impl AsRef<Path>) -> io::Result<()> {
        std::fs::write(path, self.ca_pem())
    }

    /// A root store that trusts this authority and nothing else.
    pub fn root_store(&self) -> Arc<RootCertStore> {
        let mut roots = RootCertStore::empty();
        roots.add(self.ca_der()).expect("the authority's certificate is a trust anchor");
        Arc::new(roots)
    }

    /// A server's certificate for `names`, valid from yesterday for a year. A name that reads as an IP address becomes
    /// an address in the certificate (RFC 5280 §4.2.1.6).
    ///
    /// # Panics
    /// When a name is not ASCII.
    pub fn issue(&self, names: &[&str]) -> Identity {
        self.sign(server_params(names))
    }

    /// As [`issue`](Self::issue), but expired a year ago.
    ///
    /// # Panics
    /// When a name is not ASCII.
    pub fn issue_expired(&self, names: &[&str]) -> Identity {
        let mut params = server_params(names);
        params.not_before -= DAY * 2 * 365;
        params.not_after -= DAY * 2 * 365;
        self.sign(params)
    }

    /// A client's certificate, with `name` as its common name and its only alternative name.
    ///
    /// # Panics
    /// When the name is not ASCII.
    pub fn issue_client(&self, name: &str) -> Identity {
        let mut params = params(&[name]);
        params.distinguished_name.push(DnType::CommonName, name);
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        self.sign(params)
    }

    /// A certificate for `names` that no authority signed: it is its own issuer.
    ///
    /// # Panics
    /// When a name is not ASCII.
    pub fn issue_self_signed(names: &[&str]) -> Identity {
        let key = new_key();
        let certificate =
            server_params(names).self_signed(&key).expect("a certificate of our own making can be signed");
        Identity { chain: vec![certificate.der().clone()], cert_chain_pem: certificate.pem(), key: Arc::new(key) }
    }

    fn sign(&self, params: CertificateParams) -> Identity {
        let key = new_key();
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate of our own making can be signed");
        Identity { chain: vec![certificate.der().clone()], cert_chain_pem: certificate.pem(), key: Arc::new(key) }
    }
}

/// A certificate chain, leaf first, and its private key.
#[derive(Clone)]
pub struct Identity {
    chain: Vec<CertificateDer<'static>>,
    cert_chain_pem: String,
    key: Arc<KeyPair>,
}

impl Identity {
    /// The chain, leaf first, in PEM. The authority itself is not part of it.
    pub fn cert_chain_pem(&self) -> &str {
        &self.cert_chain_pem
    }

    /// The private key, PKCS #8 in PEM.
    pub fn key_pem(&self) -> String {
        self.key.serialize_pem()
    }

    /// The chain, leaf first, as rustls takes it.
    pub fn cert_chain(&self) -> &[CertificateDer<'static>] {
        &self.chain
    }

    /// The private key as rustls takes it.
    pub fn key(&self) -> PrivateKeyDer<'static> {
        PrivateKeyDer::Pkcs8(self.key.serialize_der().into())
    }

    /// This identity with `other`'s certificates sent behind its own: what an attacker who holds a pinned certificate
    /// but not its key can send.
    pub fn followed_by(mut self, other: &Identity) -> Self {
        self.chain.extend(other.chain.iter().cloned());
        self.cert_chain_pem.push_str(&other.cert_chain_pem);
        self
    }
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Identity").field("certificates", &self.chain.len()).finish_non_exhaustive()
    }
}

fn new_key() -> KeyPair {
    KeyPair::generate().expect("the system has random numbers")
}

fn server_params(names: &[&str]) -> CertificateParams {
    let mut params = params(names);
    params.distinguished_name.push(DnType::CommonName, names.first().copied().unwrap_or("whimbrel-testkit"));
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params
}

fn params(names: &[&str]) -> CertificateParams {
    let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
    let mut params = CertificateParams::new(names).expect("the names of a test certificate are ASCII");
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    params.not_before = date_time_ymd(1970, 1, 1) + now - DAY;
    params.not_after = params.not_before + DAY * 365;
    params.use_authority_key_identifier_extension = true;
    params
}
