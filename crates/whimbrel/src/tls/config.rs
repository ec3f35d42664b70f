//! What makes two TLS connections different, and the rustls configuration of each such profile.

use std::fmt;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use rustls::client::danger::ServerCertVerifier;
use rustls::client::{Resumption, WebPkiServerVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};
use whimbrel_proto::{Error, Kind, Phase, Result};

use super::danger::AcceptAny;

/// Part of a connection's identity: connections of different profiles never mix, and neither do their session tickets.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct TlsProfile {
    /// PEM of authorities that are trusted besides the platform's.
    pub(crate) extra_roots: Option<Arc<[u8]>>,
    pub(crate) identity: Option<Arc<ClientIdentity>>,
    /// `danger_accept_invalid_certs`: any certificate will do.
    pub(crate) accept_any: bool,
}

impl TlsProfile {
    /// The profile towards an https proxy: the same trust, but the origin's client certificate is none of its business.
    pub(crate) fn for_proxy(&self) -> Self {
        Self { identity: None, ..self.clone() }
    }
}

/// A client certificate chain and its key, as PEM.
#[derive(PartialEq, Eq, Hash)]
pub(crate) struct ClientIdentity {
    pub(crate) certificate: Vec<u8>,
    pub(crate) key: Vec<u8>,
}

impl fmt::Debug for ClientIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientIdentity(hidden)")
    }
}

/// The configurations of one session, each made on first use. Tickets live in them, so they are a session's own; what is
/// costly, the platform's roots, is shared by the process.
#[derive(Default)]
pub(crate) struct TlsConfigs {
    made: Mutex<Vec<(TlsProfile, Arc<ClientConfig>)>>,
}

/// Profiles kept at most; a script that makes up a new one for each request must not grow memory.
const CAPACITY: usize = 16;

impl TlsConfigs {
    pub(crate) fn get(&self, profile: &TlsProfile) -> Result<Arc<ClientConfig>> {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, config)) = made.iter().find(|(other, _)| other == profile) {
            return Ok(config.clone());
        }
        let config = Arc::new(build(profile)?);
        if made.len() == CAPACITY {
            made.remove(0);
        }
        made.push((profile.clone(), config.clone()));
        Ok(config)
    }
}

fn build(profile: &TlsProfile) -> Result<ClientConfig> {
    let provider = provider();
    let verifier = if profile.accept_any {
        Arc::new(AcceptAny::new(provider.clone()))
    } else {
        match &profile.extra_roots {
            None => platform_verifier()?,
            Some(pem) => verifier_with(pem)?,
        }
    };
    // TLS 1.2 and 1.3, whatever a host has compiled in: older versions are refused, also with verification off.
    let builder = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
        .map_err(|error| tls_setup(&error))?
        .dangerous()
        .with_custom_certificate_verifier(verifier);
    let mut config = match &profile.identity {
        None => builder.with_no_client_auth(),
        Some(identity) => {
            let (chain, key) = parse_identity(identity)?;
            builder.with_client_auth_cert(chain, key).map_err(|error| {
                Error::input("the client certificate and its key do not fit together").with_source(error)
            })?
        }
    };
    config.resumption = Resumption::in_memory_sessions(64);
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

fn provider() -> Arc<CryptoProvider> {
    static PROVIDER: OnceLock<Arc<CryptoProvider>> = OnceLock::new();
    PROVIDER.get_or_init(|| Arc::new(rustls::crypto::ring::default_provider())).clone()
}

/// The platform's verifier, made once a process: reading the system's roots is the costly part. Where the system has
/// none, Mozilla's are used.
fn platform_verifier() -> Result<Arc<dyn ServerCertVerifier>> {
    static VERIFIER: OnceLock<Arc<dyn ServerCertVerifier>> = OnceLock::new();
    if let Some(verifier) = VERIFIER.get() {
        return Ok(verifier.clone());
    }
    let verifier: Arc<dyn ServerCertVerifier> = match rustls_platform_verifier::Verifier::new(provider()) {
        Ok(verifier) => Arc::new(verifier),
        Err(error) => webpki(mozilla_roots_instead(&error)?)?,
    };
    Ok(VERIFIER.get_or_init(|| verifier).clone())
}

fn verifier_with(pem: &[u8]) -> Result<Arc<dyn ServerCertVerifier>> {
    let extra: Vec<_> = CertificateDer::pem_slice_iter(pem).collect::<Result<_, _>>().map_err(bad_ca)?;
    if extra.is_empty() {
        return Err(Error::input("the CA file holds no certificate in PEM form"));
    }
    let mut checked = RootCertStore::empty();
    for certificate in &extra {
        checked.add(certificate.clone()).map_err(bad_ca)?;
    }
    match rustls_platform_verifier::Verifier::new_with_extra_roots(extra, provider()) {
        Ok(verifier) => Ok(Arc::new(verifier)),
        Err(error) => {
            checked.extend(mozilla_roots_instead(&error)?.roots);
            webpki(checked)
        }
    }
}

fn webpki(roots: RootCertStore) -> Result<Arc<dyn ServerCertVerifier>> {
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider()).build();
    Ok(verifier.map_err(|error| tls_setup(&error))?)
}

/// Mozilla's roots, where the system has none; but never in place of those that somebody named.
fn mozilla_roots_instead(error: &rustls::Error) -> Result<RootCertStore> {
    if let Some(name) = ["SSL_CERT_FILE", "SSL_CERT_DIR"].into_iter().find(|name| std::env::var_os(name).is_some()) {
        let detail = format!("the certificates that {name} names can't be used ({error})");
        return Err(Error::new(Kind::Tls, Phase::Prepare, detail).with_source(error.clone()));
    }
    Ok(RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() })
}

fn parse_identity(identity: &ClientIdentity) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)> {
    let chain: Vec<_> = CertificateDer::pem_slice_iter(&identity.certificate)
        .collect::<Result<_, _>>()
        .map_err(|error| Error::input("the client certificate is no PEM").with_source(error))?;
    if chain.is_empty() {
        return Err(Error::input("the client certificate file holds no certificate in PEM form"));
    }
    // The source error is left out: it may quote the key.
    let key = PrivateKeyDer::from_pem_slice(&identity.key).map_err(|_| {
        Error::input("the client key file holds no private key in PEM form (PKCS #8, PKCS #1 or SEC 1)")
    })?;
    Ok((chain, key))
}

#[cold]
fn bad_ca(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::input("the CA file holds no usable certificate in PEM form").with_source(error)
}

#[cold]
fn tls_setup(error: &dyn std::error::Error) -> Error {
    Error::new(Kind::Tls, Phase::Prepare, error.to_string())
}
