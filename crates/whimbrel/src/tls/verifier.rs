//! Verification as the caller's options want it: by their own roots, then the platform's; with or without the name; with
//! pins and revocation lists on top. Whatever is not plainly good is refused.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_cert_signed_by_trust_anchor, verify_server_name};
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use whimbrel_proto::Result;

use super::common_name::common_name;
use super::options::Settings;
use super::pins::Pins;
use super::refusal;
use super::roots::{self, Platform};

/// The verifier of one configuration.
#[derive(Debug)]
pub(super) struct Verifier {
    own: Option<Own>,
    /// Asked after the caller's own roots, unless they are to be the only ones.
    platform: Option<Platform>,
    accepts_any_name: bool,
    pins: Option<Pins>,
    /// For a platform that does not take them itself.
    lists: Vec<CertificateRevocationListDer<'static>>,
    algorithms: WebPkiSupportedAlgorithms,
}

/// The caller's own roots.
#[derive(Debug)]
struct Own {
    /// In the order of the anchors.
    certificates: Vec<CertificateDer<'static>>,
    anchors: Arc<RootCertStore>,
    verifier: Arc<WebPkiServerVerifier>,
}

/// What a server shows.
#[derive(Clone, Copy)]
struct Shown<'a> {
    leaf: &'a CertificateDer<'a>,
    intermediates: &'a [CertificateDer<'a>],
    name: &'a ServerName<'a>,
    ocsp: &'a [u8],
    now: UnixTime,
}

impl Verifier {
    pub(super) fn new(settings: &Settings, provider: &CryptoProvider) -> Result<Self> {
        let platform = match (&settings.only_roots, &settings.extra_roots) {
            (Some(_), _) => None,
            // Roots of one's own are enough where the platform's can't be had.
            (None, Some(_)) => Platform::get().ok(),
            (None, None) => Some(Platform::get()?),
        };
        Self::over(platform, settings, provider)
    }

    fn over(platform: Option<Platform>, settings: &Settings, provider: &CryptoProvider) -> Result<Self> {
        let algorithms = provider.signature_verification_algorithms;
        let mut lists = Vec::new();
        for bytes in &settings.revocation_lists {
            lists.extend(roots::parse_lists(bytes)?);
        }
        let mut certificates = Vec::new();
        for pem in [&settings.only_roots, &settings.extra_roots].into_iter().flatten() {
            certificates.extend(roots::parse_roots(pem)?);
        }
        let own_roots = Arc::new(roots::store(&certificates)?);
        let platform_roots = match &platform {
            Some(Platform::Roots(store, _)) => store.clone(),
            _ => Arc::new(RootCertStore::empty()),
        };
        let pins = (!settings.pins.is_empty())
            .then(|| Pins::new(settings.pins.clone(), own_roots.roots.iter().chain(&platform_roots.roots), algorithms));
        let own = match certificates.is_empty() {
            true => None,
            false => {
                let verifier = roots::webpki(own_roots.clone(), &lists)?;
                Some(Own { certificates, anchors: own_roots, verifier })
            }
        };
        let platform = match platform {
            Some(Platform::Roots(store, _)) if !lists.is_empty() => {
                Some(Platform::Roots(store.clone(), roots::webpki(store, &lists)?))
            }
            other => other,
        };
        Ok(Self { own, platform, accepts_any_name: settings.accepts_any_name, pins, lists, algorithms })
    }

    /// Whether the chain, and the name unless any will do, are good for anybody who is trusted.
    fn verify(&self, shown: Shown<'_>) -> Result<(), Error> {
        let Some(own) = &self.own else { return self.ask_platform(shown).unwrap_or(Err(unknown_issuer())) };
        let refusal = match self.ask(&own.verifier, shown) {
            Ok(()) => return Ok(()),
            Err(refusal) if is_final(&refusal) => return Err(refusal),
            Err(refusal) => refusal,
        };
        if is_only_unsigned(&refusal)
            && let Some(index) = own.certificates.iter().position(|certificate| **certificate == **shown.leaf)
        {
            return self.verify_name_of_own(shown, &own.anchors.roots[index].subject);
        }
        match self.ask_platform(shown) {
            Some(Err(error)) if is_unknown_issuer(&refusal) => Err(error),
            None | Some(Err(_)) => Err(refusal),
            Some(Ok(())) => Ok(()),
        }
    }

    fn ask_platform(&self, shown: Shown<'_>) -> Option<Result<(), Error>> {
        Some(match self.platform.as_ref()? {
            Platform::Roots(_, verifier) => self.ask(verifier, shown),
            // Its refusal of a name may hide a worse one, so that it stands in any case.
            Platform::System(verifier) => verifier.verify(shown).and_then(|()| self.check_lists_of_issuers(shown)),
        })
    }

    /// A verifier that checks the name last.
    fn ask(&self, verifier: &WebPkiServerVerifier, shown: Shown<'_>) -> Result<(), Error> {
        match verifier.verify(shown) {
            Err(error) if self.accepts_any_name && is_wrong_name(&error) => Ok(()),
            other => other,
        }
    }

    /// The name of a certificate that is the caller's own root, and may be older than alternative names are.
    fn verify_name_of_own(&self, shown: Shown<'_>, subject: &[u8]) -> Result<(), Error> {
        if self.accepts_any_name {
            return Ok(());
        }
        match verify_server_name(&ParsedCertificate::try_from(shown.leaf)?, shown.name) {
            Err(error) if has_no_alternative_name(&error) => {
                let wanted = shown.name.to_str();
                match common_name(subject) {
                    Some(name) if name.eq_ignore_ascii_case(&wanted) => Ok(()),
                    _ => Err(error),
                }
            }
            other => other,
        }
    }

    /// The lists of the issuers that were sent along, where the system said yes without them.
    fn check_lists_of_issuers(&self, shown: Shown<'_>) -> Result<(), Error> {
        if self.lists.is_empty() {
            return Ok(());
        }
        let leaf = ParsedCertificate::try_from(shown.leaf)?;
        // One by one: a path ends at the first that is trusted, and whoever is behind it would not be asked.
        for issuer in shown.intermediates {
            let mut issuers = RootCertStore::empty();
            let Shown { intermediates, now, .. } = shown;
            if issuers.add(issuer.clone()).is_err()
                || verify_server_cert_signed_by_trust_anchor(&leaf, &issuers, intermediates, now, self.algorithms.all)
                    .is_err()
            {
                continue;
            }
            let verifier =
                roots::webpki(Arc::new(issuers), &self.lists).map_err(|error| Error::General(error.to_string()))?;
            match verifier.verify(shown) {
                Err(error) if is_final(&error) && !is_wrong_name(&error) => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        self.verify(Shown { leaf, intermediates, name, ocsp, now })?;
        if let Some(pins) = &self.pins {
            pins.check(leaf, intermediates, now)?;
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signature, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

trait Verify {
    fn verify(&self, shown: Shown<'_>) -> Result<(), Error>;
}

impl<V: ServerCertVerifier + ?Sized> Verify for V {
    fn verify(&self, Shown { leaf, intermediates, name, ocsp, now }: Shown<'_>) -> Result<(), Error> {
        self.verify_server_cert(leaf, intermediates, name, ocsp, now).map(drop)
    }
}

fn unknown_issuer() -> Error {
    CertificateError::UnknownIssuer.into()
}

fn is_unknown_issuer(error: &Error) -> bool {
    matches!(error, Error::InvalidCertificate(CertificateError::UnknownIssuer))
}

/// Where asking somebody else would only hide it.
fn is_final(error: &Error) -> bool {
    let is_revoked = matches!(error, Error::InvalidCertificate(CertificateError::Revoked));
    is_revoked || is_wrong_name(error) || matches!(error, Error::InvalidCertRevocationList(_))
}

fn is_wrong_name(error: &Error) -> bool {
    use CertificateError::{NotValidForName, NotValidForNameContext};
    matches!(error, Error::InvalidCertificate(NotValidForName | NotValidForNameContext { .. }))
}

fn has_no_alternative_name(error: &Error) -> bool {
    use CertificateError::NotValidForNameContext;
    matches!(error, Error::InvalidCertificate(NotValidForNameContext { presented, .. }) if presented.is_empty())
}

/// Whether a leaf was refused for nothing but that no root signed it, or that it is a root itself. webpki looks at the
/// dates before either.
fn is_only_unsigned(error: &Error) -> bool {
    match error {
        Error::InvalidCertificate(CertificateError::Other(other)) => refusal::is_authority(other),
        error => is_unknown_issuer(error),
    }
}

/// Systems that verify by themselves, here played by a verifier that shows no more than they do.
#[cfg(test)]
mod tests {
    use whimbrel_testkit::{Authority, Identity};

    use super::super::config::provider;
    use super::super::options::TlsOptions;
    use super::*;

    struct System(Platform);

    impl System {
        fn trusting(authority: &Authority) -> Self {
            let roots = [authority.ca_der()];
            let verifier = rustls_platform_verifier::Verifier::new_with_extra_roots(roots, provider()).unwrap();
            Self(Platform::System(Arc::new(verifier)))
        }

        fn verify(&self, identity: &Identity, name: &'static str, options: &TlsOptions) -> Result<(), String> {
            let settings = options.settings().unwrap();
            let verifier = Verifier::over(Some(self.0.clone()), settings, &provider()).unwrap();
            let [leaf, intermediates @ ..] = identity.cert_chain() else { panic!("no certificate") };
            let name = ServerName::try_from(name).unwrap();
            let result = verifier.verify_server_cert(leaf, intermediates, &name, &[], UnixTime::now());
            result.map(drop).map_err(|error| refusal::error(&error).to_string())
        }
    }

    #[track_caller]
    fn refused(result: Result<(), String>, detail: &str) {
        let error = result.unwrap_err();
        assert!(error.contains(detail), "{error}");
    }

    #[test]
    fn the_systems_verdict_stands_and_roots_of_ones_own_add_to_it() {
        let (theirs, ours) = (Authority::new(), Authority::new());
        let system = System::trusting(&theirs);
        let options = TlsOptions::new().extra_roots(ours.ca_pem());
        for authority in [&theirs, &ours] {
            assert_eq!(system.verify(&authority.issue(&["a.test"]), "a.test", &options), Ok(()));
            refused(system.verify(&authority.issue(&["b.test"]), "a.test", &options), "not for a.test");
        }
        refused(system.verify(&Authority::new().issue(&["a.test"]), "a.test", &options), "issuer is not trusted");
    }

    #[test]
    fn any_name_is_taken_only_in_chains_of_ones_own_roots() {
        let (theirs, ours) = (Authority::new(), Authority::new());
        let system = System::trusting(&theirs);
        let options = TlsOptions::new().extra_roots(ours.ca_pem()).danger_accept_invalid_names(true);
        assert_eq!(system.verify(&ours.issue(&["b.test"]), "a.test", &options), Ok(()));
        refused(system.verify(&theirs.issue(&["b.test"]), "a.test", &options), "not for a.test");
    }

    #[test]
    fn pins_count_where_the_leaf_or_an_authority_that_was_sent_has_the_key() {
        let (theirs, other) = (Authority::new(), Authority::new());
        let between = theirs.issue_authority();
        let identity = between.issue(&["a.test"]);
        let system = System::trusting(&theirs);
        let pinned = |pin: String| TlsOptions::new().pinned_keys([pin]).unwrap();
        for pin in [identity.pin(), between.pin()] {
            assert_eq!(system.verify(&identity, "a.test", &pinned(pin)), Ok(()));
        }
        // The root would have to be given, or sent.
        for identity in [identity.clone(), identity.clone().followed_by(&other.issue(&["a.test"]))] {
            for pin in [theirs.pin(), other.pin()] {
                refused(system.verify(&identity, "a.test", &pinned(pin)), "none of the pinned keys");
            }
        }
        let sent = identity.clone().followed_by_certificate(theirs.ca_der());
        assert_eq!(system.verify(&sent, "a.test", &pinned(theirs.pin())), Ok(()));
        let given = pinned(theirs.pin()).extra_roots(theirs.ca_pem());
        assert_eq!(system.verify(&identity, "a.test", &given), Ok(()));
    }

    #[test]
    fn lists_count_for_issuers_that_were_sent_or_given() {
        let theirs = Authority::new();
        let between = theirs.issue_authority();
        let [revoked, good] = [(); 2].map(|()| between.issue(&["a.test"]));
        let system = System::trusting(&theirs);
        let options = TlsOptions::new().revocation_list(between.revocation_list(&[revoked.serial()]));
        refused(system.verify(&revoked, "a.test", &options), "the certificate was revoked");
        assert_eq!(system.verify(&good, "a.test", &options), Ok(()));

        let options = TlsOptions::new().revocation_list(theirs.revocation_list(&[between.serial()]));
        // Who revoked the authority between was not sent.
        assert_eq!(system.verify(&good, "a.test", &options), Ok(()));
        let sent = good.clone().followed_by_certificate(theirs.ca_der());
        refused(system.verify(&sent, "a.test", &options), "the certificate was revoked");
        refused(system.verify(&good, "a.test", &options.extra_roots(theirs.ca_pem())), "the certificate was revoked");
    }
}
