//! Godot's TLSOptions, and what the class adds to them, as the engine's options. It decides which option means which;
//! certificates are read and judged elsewhere.

use godot::classes::{CryptoKey, Engine, X509Certificate};
use godot::init::is_main_thread;
use godot::obj::Singleton;
use godot::prelude::*;
use whimbrel::{TlsOptions, TlsVersion};

use crate::engine;

/// What a client wants of every TLS connection, besides the TLSOptions of one.
#[derive(Default)]
pub(crate) struct TlsExtras {
    pub(crate) pinned_keys: Vec<String>,
    pub(crate) tls_1_3_only: bool,
    /// PEM.
    pub(crate) revocation_list: String,
    /// Chain and key, both PEM.
    pub(crate) client_certificate: Option<(String, String)>,
}

/// The engine's options for a TLS connection; `None` is what `https://` without options means.
///
/// # Errors
/// What is wrong with them, in one sentence.
pub(crate) fn options(given: Option<Gd<godot::classes::TlsOptions>>, extras: &TlsExtras) -> Result<TlsOptions, String> {
    let mut options = TlsOptions::new();
    let mut chain = None;
    if let Some(given) = given {
        if given.is_server() {
            return Err("TLSOptions.server() is for servers; use TLSOptions.client()".to_owned());
        }
        chain = given.get_trusted_ca_chain();
        if given.is_unsafe_client() {
            options = match chain {
                Some(_) => options.danger_accept_invalid_names(true),
                None => options.danger_accept_invalid_certs(true),
            };
        } else {
            let name = given.get_common_name_override();
            if !name.is_empty() {
                options = options.server_name(&name.to_string());
            }
        }
    }
    options = match (chain, engine::certificate_bundle()) {
        (Some(chain), _) => options.only_roots(pem(chain)),
        (None, Some(bundle)) => options.only_roots(bundle),
        (None, None) => options,
    };
    extras.add_to(options)
}

impl TlsExtras {
    fn add_to(&self, mut options: TlsOptions) -> Result<TlsOptions, String> {
        if !self.pinned_keys.is_empty() {
            options = options.pinned_keys(&self.pinned_keys).map_err(|error| error.to_string())?;
        }
        if self.tls_1_3_only {
            options = options.min_version(TlsVersion::Tls13);
        }
        if !self.revocation_list.is_empty() {
            options = options.revocation_list(self.revocation_list.as_str());
        }
        if let Some((chain, key)) = &self.client_certificate {
            options = options.client_certificate(chain.as_str(), key.as_str());
        }
        Ok(options)
    }

    /// Takes a certificate and its private key, or none with both null.
    ///
    /// # Errors
    /// What is missing, in one sentence.
    pub(crate) fn set_client_certificate(
        &mut self,
        certificate: Option<Gd<X509Certificate>>,
        key: Option<Gd<CryptoKey>>,
    ) -> Result<(), &'static str> {
        self.client_certificate = match (certificate, key) {
            (None, None) => None,
            (Some(certificate), Some(mut key)) => {
                if key.is_public_only() {
                    return Err("set_client_certificate: the key is a public one; load the private key");
                }
                let (certificate, key) = (pem(certificate), key.save_to_string().to_string());
                if certificate.is_empty() || key.is_empty() {
                    return Err("set_client_certificate: the certificate or the key is empty; load it first");
                }
                Some((certificate, key))
            }
            _ => return Err("set_client_certificate: give both the certificate and its key, or null for both"),
        };
        Ok(())
    }
}

/// A certificate, with its chain, in PEM.
///
/// It is asked for again each time, since a script may have loaded another into the object. The engine takes the NUL at
/// the text's end for a mistake and says so each time, which would fill the log; so it is told to be silent meanwhile,
/// where that can be done: its singletons may be asked on the main thread only.
fn pem(mut certificate: Gd<X509Certificate>) -> String {
    if !is_main_thread() || !Engine::singleton().is_printing_error_messages() {
        return certificate.save_to_string().to_string();
    }
    Engine::singleton().set_print_error_messages(false);
    let pem = certificate.save_to_string().to_string();
    Engine::singleton().set_print_error_messages(true);
    pem
}
