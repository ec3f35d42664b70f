//! A certificate authority made on the spot, and the certificates that a test of TLS asks for: good, expired,
//! self-signed, for a client, for another name.
//!
//! Keys are ECDSA P-256 and live in memory only, unless [`Authority::write_ca`] is asked for the public certificate.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CertifiedIssuer, DnType,
    ExtendedKeyUsagePurpose, IsCa, KeyIdMethod, KeyPair, KeyUsagePurpose, PublicKeyData, RevokedCertParams,
    SerialNumber, date_time_ymd,
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
    /// What leads from it to the root, which is left out: itself first. Empty for a root.
    chain: Vec<CertificateDer<'static>>,
    chain_pem: String,
    serial: Vec<u8>,
}

impl Authority {
    /// Makes a new authority with a key of its own: two authorities never trust each other's certificates.
    #[allow(clippy::new_without_default, reason = "each call makes another authority, which a default would hide")]
    pub fn new() -> Self {
        let key = new_key();
        let (params, serial) = authority_params(&key);
        let issuer = CertifiedIssuer::self_signed(params, key).expect("an authority of our own making can be signed");
        Self { issuer, chain: Vec::new(), chain_pem: String::new(), serial }
    }

    /// An authority below this one. What it issues comes with its own certificate, so that it verifies for whoever
    /// trusts this one.
    pub fn issue_authority(&self) -> Self {
        let key = new_key();
        let (params, serial) = authority_params(&key);
        let issuer = CertifiedIssuer::signed_by(params, key, &self.issuer)
            .expect("an authority of our own making can be signed");
        let chain = [issuer.der().clone()].into_iter().chain(self.chain.iter().cloned()).collect();
        let chain_pem = issuer.pem() + &self.chain_pem;
        Self { issuer, chain, chain_pem, serial }
    }

    /// The authority's certificate, in PEM.
    pub fn ca_pem(&self) -> String {
        self.issuer.pem()
    }

    /// The authority's certificate, in DER.
    pub fn ca_der(&self) -> CertificateDer<'static> {
        self.issuer.der().clone()
    }

    /// The pin of the authority's key: `sha256/` and the Base64 of its SubjectPublicKeyInfo's SHA-256 (RFC 7469 §2.4).
    pub fn pin(&self) -> String {
        pin_of(self.issuer.key())
    }

    /// The serial number of the authority's own certificate.
    pub fn serial(&self) -> &[u8] {
        &self.serial
    }

    /// A list (CRL, RFC 5280 §5) of certificates of this authority that are revoked, by serial number, in PEM; of
    /// yesterday, and good for a week.
    pub fn revocation_list(&self, serials: &[&[u8]]) -> String {
        self.list(serials, DAY * 7)
    }

    /// As [`revocation_list`](Self::revocation_list), but a newer one was due an hour after it was made, yesterday.
    pub fn outdated_revocation_list(&self, serials: &[&[u8]]) -> String {
        self.list(serials, DAY / 24)
    }

    fn list(&self, serials: &[&[u8]], good_for: Duration) -> String {
        let made = params(&[]).not_before;
        let revoked = serials.iter().map(|serial| RevokedCertParams {
            serial_number: SerialNumber::from_slice(serial),
            revocation_time: made,
            reason_code: None,
            invalidity_date: None,
        });
        let list = CertificateRevocationListParams {
            this_update: made,
            next_update: made + good_for,
            crl_number: SerialNumber::from(1),
            issuing_distribution_point: None,
            revoked_certs: revoked.collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        let signed = list.signed_by(&self.issuer).expect("a list of our own making can be signed");
        signed.pem().expect("a list can be written as PEM")
    }

    /// A certificate with `other`'s public key, but under this authority's name and signed by it: what an attacker can
    /// make who knows nothing but a pinned certificate.
    pub fn forge(&self, other: &Authority) -> CertificateDer<'static> {
        let (mut params, _) = authority_params(other.issuer.key());
        params.distinguished_name = authority_params(self.issuer.key()).0.distinguished_name;
        params.signed_by(other.issuer.key(), &self.issuer).expect("a forged certificate can be signed").der().clone()
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
        self.sign(expired(server_params(names)))
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
        self_sign(server_params(names))
    }

    /// A certificate for `names` that is its own issuer and an authority's too (`CA:TRUE`), as tools make them that make
    /// one certificate for everything. Each call makes another one of the same subject.
    ///
    /// # Panics
    /// When a name is not ASCII.
    pub fn issue_self_signed_authority(names: &[&str]) -> Identity {
        self_sign(self_signed_authority_params(names))
    }

    /// Likewise, but expired a year ago.
    ///
    /// # Panics
    /// When a name is not ASCII.
    pub fn issue_expired_self_signed_authority(names: &[&str]) -> Identity {
        self_sign(expired(self_signed_authority_params(names)))
    }

    /// Likewise, with the name as the subject's common name alone, and no alternative name.
    pub fn issue_self_signed_authority_of_common_name(name: &str) -> Identity {
        let mut params = self_signed_authority_params(&[]);
        params.distinguished_name.push(DnType::CommonName, name);
        self_sign(params)
    }

    fn sign(&self, mut params: CertificateParams) -> Identity {
        let key = new_key();
        let serial = set_serial(&mut params, &key);
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate of our own making can be signed");
        let chain = [certificate.der().clone()].into_iter().chain(self.chain.iter().cloned()).collect();
        Identity { chain, cert_chain_pem: certificate.pem() + &self.chain_pem, serial, key: Arc::new(key) }
    }
}

/// A certificate chain, leaf first, and its private key.
#[derive(Clone)]
pub struct Identity {
    chain: Vec<CertificateDer<'static>>,
    cert_chain_pem: String,
    serial: Vec<u8>,
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

    /// The pin of the key: `sha256/` and the Base64 of its SubjectPublicKeyInfo's SHA-256 (RFC 7469 §2.4).
    pub fn pin(&self) -> String {
        pin_of(&self.key)
    }

    /// The leaf's serial number.
    pub fn serial(&self) -> &[u8] {
        &self.serial
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

    /// This identity with one more certificate sent behind its own.
    pub fn followed_by_certificate(mut self, certificate: CertificateDer<'static>) -> Self {
        let body = STANDARD.encode(&certificate);
        self.cert_chain_pem += &format!("-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n");
        self.chain.push(certificate);
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

/// A number of its own for each key. Returns it.
fn set_serial(params: &mut CertificateParams, key: &KeyPair) -> Vec<u8> {
    // The top bit would make it negative, leading zeros would not survive.
    let serial: Vec<u8> = [0x5a].into_iter().chain(key.public_key_raw().iter().skip(1).take(12).copied()).collect();
    params.serial_number = Some(SerialNumber::from_slice(&serial));
    serial
}

fn pin_of(key: &KeyPair) -> String {
    let hash = ring::digest::digest(&ring::digest::SHA256, &key.subject_public_key_info());
    format!("sha256/{}", STANDARD.encode(hash))
}

fn self_sign(mut params: CertificateParams) -> Identity {
    let key = new_key();
    let serial = set_serial(&mut params, &key);
    let certificate = params.self_signed(&key).expect("a certificate of our own making can be signed");
    Identity { chain: vec![certificate.der().clone()], cert_chain_pem: certificate.pem(), serial, key: Arc::new(key) }
}

fn authority_params(key: &KeyPair) -> (CertificateParams, Vec<u8>) {
    let mut params = params(&[]);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    // A name of its own each time, so that a verifier cannot take one authority for another by subject.
    let id: String = key.public_key_raw().iter().skip(1).take(4).map(|byte| format!("{byte:02x}")).collect();
    params.distinguished_name.push(DnType::CommonName, format!("Whimbrel test authority {id}"));
    let serial = set_serial(&mut params, key);
    (params, serial)
}

fn self_signed_authority_params(names: &[&str]) -> CertificateParams {
    let mut params = params(names);
    params.distinguished_name.push(DnType::CommonName, names.first().copied().unwrap_or("whimbrel-testkit"));
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params
}

fn expired(mut params: CertificateParams) -> CertificateParams {
    params.not_before -= DAY * 2 * 365;
    params.not_after -= DAY * 2 * 365;
    params
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
