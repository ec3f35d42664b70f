//! TLS by rustls: the only module that knows it. Profiles become configurations once, on first use; the provider is
//! always explicit, so that a host's own choice of provider is neither needed nor disturbed.

mod config;
mod danger;
mod refusal;
mod stream;

pub(crate) use config::{ClientIdentity, TlsConfigs, TlsProfile};
pub(crate) use stream::{TlsStream, is_tls};
