//! What a caller may say about TLS. It is also what makes two TLS connections different: part of a connection's identity,
//! so connections of different options never mix, and neither do their session tickets. It reads no certificate; that
//! happens when a configuration is made of it.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use whimbrel_proto::{Error, Host, Result};

use super::pins::Pin;

/// How a connection is secured: what is trusted, for which name, who the client is, and which version at least.
///
/// The default trusts the platform's certificate authorities (Mozilla's where the system has none), wants the host's name
/// in the certificate (RFC 9525), and speaks TLS 1.2 (RFC 5246) and 1.3 (RFC 8446). Connections and session tickets of
/// different options never mix. Cheap to clone.
///
/// Certificates, keys and lists are read when the first connection with these options is made: what can't be used is then
/// an error of [`Kind::Input`](crate::Kind::Input), and nothing is sent. A certificate that is refused is one of
/// [`Kind::Certificate`](crate::Kind::Certificate).
///
/// Towards an https proxy the same trust holds; the server name, the pins and the client certificate are for the origin
/// alone.
///
/// ```
/// use whimbrel::{Client, TlsOptions, TlsVersion};
///
/// let options = TlsOptions::new()
///     .min_version(TlsVersion::Tls13)
///     .pinned_keys(["sha256/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="])?;
/// let client = Client::builder().tls(options).build()?;
/// # drop(client);
/// # Ok::<(), whimbrel::Error>(())
/// ```
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct TlsOptions(
    /// `None` is the default: never a value that is equal to it.
    Option<Arc<Settings>>,
);

/// A version of TLS.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum TlsVersion {
    /// TLS 1.2 (RFC 5246).
    #[default]
    Tls12,
    /// TLS 1.3 (RFC 8446).
    Tls13,
}

#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub(super) struct Settings {
    /// PEM of authorities that are trusted besides the platform's.
    pub(super) extra_roots: Option<Arc<[u8]>>,
    /// PEM of those that are trusted instead.
    pub(super) only_roots: Option<Arc<[u8]>>,
    pub(super) server_name: Option<Arc<str>>,
    pub(super) accepts_any_name: bool,
    pub(super) accepts_any_certificate: bool,
    pub(super) identity: Option<Arc<ClientIdentity>>,
    pub(super) pins: Arc<[Pin]>,
    pub(super) min_version: TlsVersion,
    pub(super) revocation_lists: Vec<Arc<[u8]>>,
}

/// A client certificate chain and its key, as PEM.
#[derive(PartialEq, Eq, Hash)]
pub(super) struct ClientIdentity {
    pub(super) certificate: Vec<u8>,
    pub(super) key: Vec<u8>,
}

impl TlsOptions {
    /// The default: the platform's authorities, full checks, TLS 1.2 or newer.
    pub fn new() -> Self {
        Self::default()
    }

    /// Trusts these certificates (PEM, one or several) besides the platform's; after [`only_roots`](Self::only_roots),
    /// besides those. They need not be authorities': a server that shows one of them itself, byte for byte, is taken as
    /// well, if its name and its dates are right. What any of them has signed is trusted too, whether or not it says that
    /// it is an authority: whoever holds its key can speak for every name. Default: none. A second call replaces the
    /// first.
    pub fn extra_roots(self, pem: impl Into<Vec<u8>>) -> Self {
        self.with(|settings| settings.extra_roots = Some(pem.into().into()))
    }

    /// Trusts these certificates (PEM, one or several) and not the platform's. Otherwise as
    /// [`extra_roots`](Self::extra_roots).
    pub fn only_roots(self, pem: impl Into<Vec<u8>>) -> Self {
        self.with(|settings| settings.only_roots = Some(pem.into().into()))
    }

    /// The name, or the IP address, that the server's certificate must have, and that is asked for (SNI, RFC 6066 §3), in
    /// place of the host's. An address is never sent as SNI, and a trailing dot is left out, as with hosts. Where it is
    /// connected to, and the `Host` field, stay as they are. Default, and with an empty name: the host's.
    ///
    /// One that is neither a name nor an address is a mistake that sending tells.
    pub fn server_name(self, name: &str) -> Self {
        self.with(|settings| settings.server_name = (!name.is_empty()).then(|| name.into()))
    }

    /// Takes a certificate of any name, if its chain, dates and signatures are right: whoever has any certificate of a
    /// trusted authority can read and change everything. Meant for authorities of one's own, or with
    /// [pinned keys](Self::pinned_keys). Default: no. On macOS, Windows and other systems that verify by themselves it
    /// holds only for chains that end at the roots given here; those of the platform's roots must have the name all the
    /// same.
    pub fn danger_accept_invalid_names(self, on: bool) -> Self {
        self.with(|settings| settings.accepts_any_name = on)
    }

    /// Takes any certificate: an attacker on the way can read and change everything. Such connections are never mixed
    /// with verified ones. The server must still own the certificate's key, and TLS below 1.2 is refused all the same.
    /// Roots and revocation lists then mean nothing; together with [pinned keys](Self::pinned_keys) it is a mistake that
    /// sending tells. Default: no.
    pub fn danger_accept_invalid_certs(self, on: bool) -> Self {
        self.with(|settings| settings.accepts_any_certificate = on)
    }

    /// Shows this client certificate (a chain in PEM, the client's own first) to origins that ask, with its private key
    /// (PEM: PKCS #8, PKCS #1 or SEC 1, not encrypted). Default: none, and a server that insists ends the handshake.
    pub fn client_certificate(self, certificate_pem: impl Into<Vec<u8>>, key_pem: impl Into<Vec<u8>>) -> Self {
        let identity = ClientIdentity { certificate: certificate_pem.into(), key: key_pem.into() };
        self.with(|settings| settings.identity = Some(Arc::new(identity)))
    }

    /// Wants one of these keys in the server's chain, besides all other checks: that of the server's certificate, or of
    /// an authority that it was verified by. Each is the SHA-256 of a certificate's SubjectPublicKeyInfo (RFC 7469 §2.4)
    /// as `sha256/BASE64` or bare Base64. A certificate that the server merely sends along counts for nothing, and
    /// resumed sessions are those that the same pins were checked for. Without one of them the server is refused with
    /// [`Kind::Certificate`](crate::Kind::Certificate). Default, and with no key at all: any. A second call replaces the
    /// first.
    ///
    /// On macOS, Windows and other systems that verify by themselves, a pinned authority must be among those that the
    /// server sends or that are given as roots here.
    ///
    /// # Errors
    /// [`Kind::Input`](crate::Kind::Input) for a pin of another form.
    pub fn pinned_keys(self, keys: impl IntoIterator<Item = impl AsRef<str>>) -> Result<Self> {
        let mut pins = keys.into_iter().map(|key| Pin::parse(key.as_ref())).collect::<Result<Vec<_>>>()?;
        pins.sort_unstable();
        pins.dedup();
        Ok(self.with(|settings| settings.pins = pins.into()))
    }

    /// The oldest version that is spoken; default [`Tls12`](TlsVersion::Tls12), and nothing older can be had.
    pub fn min_version(self, version: TlsVersion) -> Self {
        self.with(|settings| settings.min_version = version)
    }

    /// Refuses certificates on these lists (X.509 CRLs, RFC 5280 §5): PEM, which may hold several, or one in DER. Each
    /// call adds to the lists. A list counts for the certificates of its issuer, all along the chain. Certificates that no
    /// list covers are accepted. An outdated list still counts: what was revoked stays so, and what it does not name is
    /// accepted. Delta and indirect lists can't be used. Default: none, and no list is ever fetched.
    ///
    /// On macOS, Windows and other systems that verify by themselves, a list counts for chains that end at the roots given
    /// here, and for certificates whose issuer's own certificate the server sends.
    pub fn revocation_list(self, pem_or_der: impl Into<Vec<u8>>) -> Self {
        self.with(|settings| settings.revocation_lists.push(pem_or_der.into().into()))
    }

    fn with(mut self, change: impl FnOnce(&mut Settings)) -> Self {
        let settings = Arc::make_mut(self.0.get_or_insert_default());
        change(settings);
        if *settings == Settings::default() {
            self.0 = None;
        }
        self
    }

    pub(super) fn settings(&self) -> Option<&Settings> {
        self.0.as_deref()
    }

    /// What is said of the origin alone is none of an https proxy's business.
    pub(crate) fn for_proxy(&self) -> Self {
        match self.settings() {
            Some(Settings { server_name: None, identity: None, pins, .. }) if pins.is_empty() => self.clone(),
            None => self.clone(),
            Some(_) => self.clone().with(|settings| {
                settings.server_name = None;
                settings.identity = None;
                settings.pins = Arc::default();
            }),
        }
    }

    /// Whom the certificate must name where `host` is reached.
    pub(crate) fn peer<'a>(&self, host: &'a Host) -> Result<Cow<'a, Host>> {
        match self.settings().and_then(|settings| settings.server_name.as_deref()) {
            None => Ok(Cow::Borrowed(host)),
            Some(name) => parse_name(name).map(Cow::Owned),
        }
    }

    /// Finds what contradicts itself before anything is connected.
    pub(crate) fn check(&self) -> Result<()> {
        let Some(settings) = self.settings() else { return Ok(()) };
        if settings.accepts_any_certificate && !settings.pins.is_empty() {
            return Err(Error::input(
                "pinned keys and danger_accept_invalid_certs exclude each other: pins are checked only in a chain that \
                 is verified; leave one of them out",
            ));
        }
        settings.server_name.as_deref().map_or(Ok(()), |name| parse_name(name).map(drop))
    }
}

/// What is set, without what it is set to: a key is a secret, and certificates are long.
impl fmt::Debug for TlsOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let default = Settings::default();
        let settings = self.settings().unwrap_or(&default);
        f.debug_struct("TlsOptions")
            .field("extra_roots", &settings.extra_roots.is_some())
            .field("only_roots", &settings.only_roots.is_some())
            .field("server_name", &settings.server_name)
            .field("danger_accept_invalid_names", &settings.accepts_any_name)
            .field("danger_accept_invalid_certs", &settings.accepts_any_certificate)
            .field("client_certificate", &settings.identity.is_some())
            .field("pinned_keys", &settings.pins.len())
            .field("min_version", &settings.min_version)
            .field("revocation_lists", &settings.revocation_lists.len())
            .finish()
    }
}

fn parse_name(name: &str) -> Result<Host> {
    if let Ok(addr) = name.parse::<std::net::Ipv6Addr>() {
        return Ok(Host::V6(addr));
    }
    match url::Host::parse(name) {
        Ok(url::Host::Domain(name)) => Ok(Host::Domain(name.into())),
        Ok(url::Host::Ipv4(addr)) => Ok(Host::V4(addr)),
        Ok(url::Host::Ipv6(addr)) => Ok(Host::V6(addr)),
        Err(error) => {
            let detail = format!("the TLS server name {name:?} is neither a host name nor an IP address");
            Err(Error::input(detail).with_source(error))
        }
    }
}
