//! TLS by rustls: the only module that knows it. Options become configurations once, on first use; the provider is
//! always explicit, so that a host's own choice of provider is neither needed nor disturbed.

mod common_name;
mod config;
mod danger;
mod options;
mod pins;
mod refusal;
mod roots;
mod stream;
mod verifier;

pub(crate) use config::TlsConfigs;
pub use options::{TlsOptions, TlsVersion};
pub(crate) use stream::{TlsStream, is_tls};
