//! The rustls configuration of each set of options, made once a session.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use rustls::ClientConfig;
use rustls::client::Resumption;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use whimbrel_proto::{Error, Kind, Phase, Result};

use super::danger::AcceptAny;
use super::options::{ClientIdentity, Settings, TlsOptions, TlsVersion};
use super::roots::Platform;
use super::verifier::Verifier;

/// The configurations of one session, each made on first use. Tickets live in them, so they are a session's own; what is
/// costly, the platform's roots, is shared by the process.
#[derive(Default)]
pub(crate) struct TlsConfigs {
    made: Mutex<Vec<(TlsOptions, Arc<ClientConfig>)>>,
}

/// Options kept at most; a script that makes up new ones for each request must not grow memory.
const CAPACITY: usize = 16;

impl TlsConfigs {
    pub(crate) fn get(&self, options: &TlsOptions) -> Result<Arc<ClientConfig>> {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, config)) = made.iter().find(|(other, _)| other == options) {
            return Ok(config.clone());
        }
        let config = Arc::new(build(options)?);
        if made.len() == CAPACITY {
            made.remove(0);
        }
        made.push((options.clone(), config.clone()));
        Ok(config)
    }
}

fn build(options: &TlsOptions) -> Result<ClientConfig> {
    options.check()?;
    let default = Settings::default();
    let settings = options.settings().unwrap_or(&default);
    let provider = provider();
    let verifier = verifier(settings, &provider)?;
    // TLS 1.2 and 1.3, whatever a host has compiled in: older versions are refused, also with verification off.
    let versions: &[_] = match settings.min_version {
        TlsVersion::Tls12 => &[&rustls::version::TLS13, &rustls::version::TLS12],
        TlsVersion::Tls13 => &[&rustls::version::TLS13],
    };
    let builder = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)
        .map_err(|error| tls_setup(&error))?
        .dangerous()
        .with_custom_certificate_verifier(verifier);
    let mut config = match &settings.identity {
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

pub(super) fn provider() -> Arc<CryptoProvider> {
    static PROVIDER: OnceLock<Arc<CryptoProvider>> = OnceLock::new();
    PROVIDER.get_or_init(|| Arc::new(rustls::crypto::ring::default_provider())).clone()
}

fn verifier(settings: &Settings, provider: &Arc<CryptoProvider>) -> Result<Arc<dyn ServerCertVerifier>> {
    let has_roots = settings.only_roots.is_some() || settings.extra_roots.is_some();
    let has_checks = !settings.pins.is_empty() || !settings.revocation_lists.is_empty();
    Ok(if settings.accepts_any_certificate {
        Arc::new(AcceptAny::new(provider.clone()))
    } else if has_roots || has_checks || settings.accepts_any_name {
        Arc::new(Verifier::new(settings, provider)?)
    } else {
        match Platform::get()? {
            Platform::Roots(_, verifier) => verifier,
            Platform::System(verifier) => verifier,
        }
    })
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
pub(super) fn tls_setup(error: &dyn std::error::Error) -> Error {
    Error::new(Kind::Tls, Phase::Prepare, error.to_string())
}
