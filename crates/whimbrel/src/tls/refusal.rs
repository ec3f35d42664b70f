//! Why a handshake failed, in words that say what to do. The rustls error stays the source.

use rustls::{AlertDescription, CertificateError, Error as TlsError, OtherError, PeerIncompatible};
use whimbrel_proto::{Error, Kind, Phase};

use super::pins::NoPinnedKey;

const VERSION: &str = "the server has no TLS version in common with us (1.2 and 1.3, or only what the minimum allows)";

/// A TLS failure as an error of ours: a refused certificate, or anything else.
#[cold]
pub(super) fn error(cause: &TlsError) -> Error {
    let (kind, detail) = match cause {
        TlsError::InvalidCertificate(refusal) => (Kind::Certificate, certificate(refusal)),
        TlsError::NoCertificatesPresented => (Kind::Certificate, "the server shows no certificate".into()),
        TlsError::AlertReceived(alert) => (Kind::Tls, self::alert(*alert)),
        TlsError::InvalidCertRevocationList(reason) => {
            (Kind::Certificate, format!("a revocation list can't be used for this chain ({reason:?})"))
        }
        TlsError::PeerIncompatible(
            PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig | PeerIncompatible::ServerDoesNotSupportTls12Or13,
        ) => (Kind::Tls, VERSION.into()),
        TlsError::PeerIncompatible(_) => (Kind::Tls, format!("the server speaks no TLS that we do ({cause})")),
        _ => (Kind::Tls, cause.to_string()),
    };
    Error::new(kind, Phase::Tls, detail).with_source(cause.clone())
}

fn certificate(refusal: &CertificateError) -> String {
    let sentence = match refusal {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => "the certificate has expired",
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "the certificate is not valid yet; is this machine's clock right?"
        }
        CertificateError::NotValidForName => "the certificate is for another name",
        CertificateError::NotValidForNameContext { expected, presented } => {
            if presented.is_empty() {
                return format!("the certificate is not for {}: it has no alternative name", expected.to_str());
            }
            let names: Vec<_> = presented.iter().map(|name| bare(name)).collect();
            return format!("the certificate is not for {} but for {}", expected.to_str(), names.join(", "));
        }
        CertificateError::UnknownIssuer => {
            "the certificate's issuer is not trusted; if it should be, give its certificate as a CA file"
        }
        CertificateError::Revoked => "the certificate was revoked",
        CertificateError::Other(other) if is_authority(other) => {
            "the server shows a certificate authority's own certificate; it needs one with CA:FALSE, or to be trusted as \
             the very certificate that it is"
        }
        CertificateError::Other(OtherError(other)) if other.is::<NoPinnedKey>() => return NoPinnedKey.to_string(),
        other => return format!("the certificate was refused ({other})"),
    };
    sentence.to_owned()
}

/// Whether a server's certificate was refused because it is an authority's: webpki has a type of its own for it.
pub(super) fn is_authority(refusal: &OtherError) -> bool {
    refusal.to_string().contains("CaUsedAsEndEntity")
}

/// The name in webpki's `DnsName("a.test")` or `IpAddress(127.0.0.1)`.
fn bare(name: &str) -> &str {
    let inner = name.split_once('(').and_then(|(_, rest)| rest.strip_suffix(')')).unwrap_or(name);
    inner.trim_matches('"')
}

fn alert(alert: AlertDescription) -> String {
    match alert {
        AlertDescription::ProtocolVersion => VERSION.into(),
        AlertDescription::UnrecognisedName => "the server does not know this name".into(),
        AlertDescription::CertificateRequired => "the server wants a client certificate; give one".into(),
        AlertDescription::HandshakeFailure => "the server found no cipher suite or key exchange in common".into(),
        other => format!("the server ended the handshake with the alert {other:?}"),
    }
}
