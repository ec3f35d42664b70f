//! What is trusted: the platform's roots, made once a process, and the caller's own; and the lists of what no longer is.

use std::sync::{Arc, OnceLock};

use rustls::client::danger::ServerCertVerifier;
use rustls::client::{VerifierBuilderError, WebPkiServerVerifier};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer};
use rustls::{OtherError, RootCertStore};
use whimbrel_proto::{Error, Kind, Phase, Result};

use super::config::{provider, tls_setup};

/// Who says that a chain is good where the caller named no roots of their own.
#[derive(Clone, Debug)]
pub(super) enum Platform {
    /// Roots that we know, with the verifier of nothing but them.
    Roots(Arc<RootCertStore>, Arc<WebPkiServerVerifier>),
    /// The system itself, which shows no roots and no path.
    System(Arc<dyn ServerCertVerifier>),
}

impl Platform {
    /// Made once a process: reading the system's roots is the costly part.
    pub(super) fn get() -> Result<Self> {
        static PLATFORM: OnceLock<Platform> = OnceLock::new();
        if let Some(platform) = PLATFORM.get() {
            return Ok(platform.clone());
        }
        // Apple's systems, Android and Windows have a verifier; the others have a bundle of certificates.
        let has_bundle = cfg!(all(unix, not(target_vendor = "apple"), not(target_os = "android")));
        let platform = if has_bundle { Self::bundle()? } else { Self::system()? };
        Ok(PLATFORM.get_or_init(|| platform).clone())
    }

    fn bundle() -> Result<Self> {
        let found = rustls_native_certs::load_native_certs();
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(found.certs);
        if roots.is_empty() {
            let error = match found.errors.into_iter().next() {
                Some(error) => rustls::Error::Other(OtherError(Arc::new(error))),
                None => rustls::Error::General("there is none".into()),
            };
            roots = mozilla_roots_instead(&error)?;
        }
        Self::of(roots)
    }

    pub(super) fn system() -> Result<Self> {
        match rustls_platform_verifier::Verifier::new(provider()) {
            Ok(verifier) => Ok(Self::System(Arc::new(verifier))),
            Err(error) => Self::of(mozilla_roots_instead(&error)?),
        }
    }

    fn of(roots: RootCertStore) -> Result<Self> {
        let roots = Arc::new(roots);
        Ok(Self::Roots(roots.clone(), webpki(roots, &[])?))
    }
}

/// Mozilla's roots, where the system has none; but never in place of those that somebody named.
fn mozilla_roots_instead(error: &rustls::Error) -> Result<RootCertStore> {
    if let Some(name) = ["SSL_CERT_FILE", "SSL_CERT_DIR"].into_iter().find(|name| std::env::var_os(name).is_some()) {
        let detail = format!("the certificates that {name} names can't be used ({error})");
        return Err(Error::new(Kind::Tls, Phase::Prepare, detail).with_source(error.clone()));
    }
    Ok(RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() })
}

/// The verifier of chains that end at these roots. What is on a list is refused; what no list covers is accepted.
pub(super) fn webpki(
    roots: Arc<RootCertStore>,
    lists: &[CertificateRevocationListDer<'static>],
) -> Result<Arc<WebPkiServerVerifier>> {
    let builder = WebPkiServerVerifier::builder_with_provider(roots, provider());
    builder.with_crls(lists.iter().cloned()).allow_unknown_revocation_status().build().map_err(|error| match error {
        VerifierBuilderError::InvalidCrl(ref reason) => {
            Error::input(format!("the revocation list can't be used ({reason:?})")).with_source(error)
        }
        error => tls_setup(&error),
    })
}

/// The certificates in a PEM of roots.
pub(super) fn parse_roots(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>> {
    let roots = CertificateDer::pem_slice_iter(pem).collect::<Result<Vec<_>, _>>().map_err(bad_roots)?;
    if roots.is_empty() {
        return Err(Error::input("the CA file holds no certificate in PEM form"));
    }
    Ok(roots)
}

/// The store of these certificates, each of which must do.
pub(super) fn store(roots: &[CertificateDer<'static>]) -> Result<RootCertStore> {
    let mut store = RootCertStore::empty();
    for root in roots {
        store.add(root.clone()).map_err(bad_roots)?;
    }
    Ok(store)
}

/// The lists in PEM, or the one in DER.
pub(super) fn parse_lists(bytes: &[u8]) -> Result<Vec<CertificateRevocationListDer<'static>>> {
    if !bytes.windows(11).any(|window| window == b"-----BEGIN ") {
        // An empty one, or text that is no PEM, fails as DER when the verifier is made.
        return Ok(vec![CertificateRevocationListDer::from(bytes.to_vec())]);
    }
    let lists = CertificateRevocationListDer::pem_slice_iter(bytes).collect::<Result<Vec<_>, _>>();
    let lists = lists.map_err(|error| Error::input("the revocation list is no PEM").with_source(error))?;
    if lists.is_empty() {
        return Err(Error::input("the revocation list holds no X509 CRL in PEM form"));
    }
    Ok(lists)
}

#[cold]
fn bad_roots(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::input("the CA file holds no usable certificate in PEM form").with_source(error)
}
