//! What ours has besides: TLS in more detail, files, counts, times.

use godot::classes::{CryptoKey, X509Certificate};
use godot::global::Error;
use godot::prelude::*;

use super::{WhimbrelHttpClient, methods};
use crate::paths;

#[godot_api(secondary)]
impl WhimbrelHttpClient {
    /// Sends a request with a file as its body, read piece by piece by [method poll], so that it may be of any size.
    ///
    /// [param path] is a `user://`, `res://` or absolute path; what lies in an exported project's package is read
    /// whole, at once. The rest is as in [method request]. Returns [constant ERR_FILE_CANT_OPEN] if the file can't be
    /// read.
    #[func(gd_self)]
    fn request_file(this: Gd<Self>, method: i64, url: GString, headers: PackedStringArray, path: GString) -> Error {
        let body = paths::to_send(&path.to_string());
        Self::run(&this, Error::ERR_BUSY, |core| match body {
            Ok(body) => methods::request(core, method, &url, &headers, body),
            Err(error) => {
                core.refuse(format!("request_file: {error}"));
                Error::ERR_FILE_CANT_OPEN
            }
        })
    }

    /// Sets the certificate (with the rest of its chain, if any) and the private key that the client shows to servers
    /// that ask for one, for connections that are made afterwards; `null` for both, the default: none.
    ///
    /// Returns [constant ERR_INVALID_PARAMETER] if only one is given, one is empty or the key is a public one.
    #[func(gd_self)]
    fn set_client_certificate(
        this: Gd<Self>,
        certificate: Option<Gd<X509Certificate>>,
        key: Option<Gd<CryptoKey>>,
    ) -> Error {
        Self::run(&this, Error::ERR_BUSY, |core| match core.tls.set_client_certificate(certificate, key) {
            Ok(()) => Error::OK,
            Err(message) => {
                core.refuse(message);
                Error::ERR_INVALID_PARAMETER
            }
        })
    }

    /// Returns how many bytes of the last request's body were sent.
    #[func]
    fn get_request_bytes_sent(&self) -> i64 {
        self.hold(0, |core| count(core.client.progress().sent))
    }

    /// Returns how many bytes the body of the last request has; -1 before there is a request, and for a pipe.
    #[func]
    fn get_request_body_length(&self) -> i64 {
        self.hold(0, |core| core.client.progress().send_total.map_or(-1, count))
    }

    /// Returns how many bytes of the response's body have come, as they were sent: before decoding, and whether they
    /// were read or written to [member download_file].
    #[func]
    fn get_response_bytes_received(&self) -> i64 {
        self.hold(0, |core| count(core.client.progress().transferred))
    }

    /// Returns how long the last request took to each of its phases, in microseconds.
    ///
    /// `resolved`, `connected` and `secured` (TLS) are told for the first request of a connection, and counted from
    /// [method connect_to_host]; `sent`, `head` (the response's headers were there) and `finished` (its body was read)
    /// come with every request. A phase that there was not, or not yet, is missing.
    #[func]
    fn get_timings(&self) -> VarDictionary {
        let phases = self.hold(None, |core| {
            let timings = core.client.timings();
            Some([
                ("resolved", timings.resolved()),
                ("connected", timings.connected()),
                ("secured", timings.secured()),
                ("sent", timings.sent()),
                ("head", timings.head()),
                ("finished", timings.finished()),
            ])
        });
        let mut found = VarDictionary::new();
        for (phase, time) in phases.into_iter().flatten() {
            if let Some(time) = time {
                found.set(phase, i64::try_from(time.as_micros()).unwrap_or(i64::MAX));
            }
        }
        found
    }

    /// Returns the trailers of the response, `"Name: value"` each: fields that a server may send after a chunked body.
    /// Empty before its end, and mostly then, too.
    #[func]
    fn get_response_trailers(&self) -> PackedStringArray {
        self.hold(PackedStringArray::new(), |core| {
            let line = |(name, value): (&str, &[u8])| format!("{name}: {}", String::from_utf8_lossy(value));
            core.client.trailers().iter().map(|field| GString::from(line(field).as_str())).collect()
        })
    }
}

fn count(bytes: u64) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}
