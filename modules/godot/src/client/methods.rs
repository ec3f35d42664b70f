//! What Godot's `HTTPClient` has: its 22 methods, with its names, arguments, defaults and results.
//!
//! Methods and statuses are plain integers here: GDScript refuses to pass one class's enum where another's is declared,
//! and both `HTTPClient.METHOD_GET` and ours are in use.

use godot::global::Error;
use godot::prelude::*;
use whimbrel::{Body, PollMethod, PollStatus};

use super::arguments::{Carried, OptionalTls, code};
use super::core::Core;
use super::{WhimbrelHttpClient, chunk, query, recent, tls};

#[godot_api(secondary)]
impl WhimbrelHttpClient {
    /// Connects to a host; needed before any request. A connection that the client has is closed first.
    ///
    /// [param host] is a name, an IPv4 or an IPv6 address, without port and path. With `https://` before it TLS is
    /// used, with [method TLSOptions.client] if [param tls_options] is `null`; with `http://` TLS is not used, and
    /// [param tls_options] are ignored.
    ///
    /// [param port] is 443 with TLS and 80 without if it is negative, as it is by default.
    ///
    /// [param tls_options] make it a TLS connection, and say whom to trust and which name the certificate must have:
    /// see [method TLSOptions.client] and [method TLSOptions.client_unsafe].
    ///
    /// Returns [constant OK] when connecting has begun; [method poll] goes on with it, and tells what fails. Returns
    /// [constant ERR_INVALID_PARAMETER] if the host is shorter than four characters and no IPv6 address, the port is 0
    /// or above 65535 for an address, or the TLS options are a server's or can't be used.
    ///
    /// Looking up the host and connecting by TCP may take as many seconds together as the project setting
    /// [code]network/limits/tcp/connect_timeout_seconds[/code] says (30 by default), and a proxy's tunnel and TLS as
    /// many each.
    #[func(gd_self)]
    fn connect_to_host(
        this: Gd<Self>,
        host: GString,
        #[opt(default = -1)] port: i64,
        #[opt(default = OptionalTls::NONE)] tls_options: OptionalTls,
    ) -> Error {
        Self::run(&this, Error::ERR_BUSY, |core| {
            core.begin();
            core.forget_connection();
            let host = host.to_string();
            let is_https = starts_with_scheme(&host, "https://");
            core.secure = is_https || (tls_options.0.is_some() && !starts_with_scheme(&host, "http://"));
            let tls = match tls_options.0 {
                None if !is_https => None,
                given => match tls::options(given, &core.tls) {
                    Ok(options) => Some(options),
                    Err(message) => {
                        core.client.close();
                        core.refuse(format!("connect_to_host: {message}"));
                        return Error::ERR_INVALID_PARAMETER;
                    }
                },
            };
            code(core.client.connect_to_host(&host, port, tls))
        })
    }

    /// Sends a request with a body of text, which goes out as UTF-8.
    ///
    /// [param method] is one of [enum Method]. [param url] is usually just the part after the host: `/index.php` for
    /// `https://example.com/index.php`. For a server that is a proxy it is a whole URL, for [constant METHOD_OPTIONS]
    /// also `*`, for [constant METHOD_CONNECT] `host:port`. Spaces and non-ASCII characters in it are percent-encoded,
    /// and a `#fragment` is left out.
    ///
    /// [param headers] are lines such as `"Accept: text/html"`, sent in their order. `Host`, `Content-Length` (if there
    /// is a body, or the method is one that usually has one), `User-Agent` and `Accept` are added if they are not among
    /// them. [param body] is sent with every method. To send a form:
    ///
    /// ```gdscript
    /// var fields := {"username": "user", "password": "pass"}
    /// var headers := ["Content-Type: application/x-www-form-urlencoded"]
    /// http.request(http.METHOD_POST, "/index.php", headers, http.query_string_from_dict(fields))
    /// ```
    ///
    /// Returns [constant OK], and the status is [constant STATUS_REQUESTING]; nothing is sent before [method poll].
    /// Otherwise nothing has changed: [constant ERR_INVALID_PARAMETER] for a method, URL or header that is not valid,
    /// or a status other than [constant STATUS_CONNECTED] (one request at a time), or [constant ERR_FILE_CANT_OPEN] if
    /// [member download_file] can't be written.
    #[func(gd_self)]
    fn request(
        this: Gd<Self>,
        method: i64,
        url: GString,
        headers: PackedStringArray,
        #[opt(default = "")] body: GString,
    ) -> Error {
        let body = body.to_string().into_bytes();
        Self::run(&this, Error::ERR_BUSY, |core| request(core, method, &url, &headers, Body::from(body)))
    }

    /// As [method request], with a body of any bytes, sent as they are.
    ///
    /// The array is not copied; if it is changed while it is being sent, what it was is sent.
    #[func(gd_self)]
    fn request_raw(
        this: Gd<Self>,
        method: i64,
        url: GString,
        headers: PackedStringArray,
        body: PackedByteArray,
    ) -> Error {
        let body = if body.is_empty() { Body::empty() } else { Body::shared(Carried(body)) };
        Self::run(&this, Error::ERR_BUSY, |core| request(core, method, &url, &headers, body))
    }

    /// Closes the connection, so that the object can be used again. Proxies, [member read_chunk_size] and the other
    /// properties stay. Always allowed.
    #[func(gd_self)]
    fn close(this: Gd<Self>) {
        Self::run(&this, (), |core| {
            core.begin();
            core.forget_connection();
            core.client.close();
        });
    }

    /// Returns `true` if a response has come whose headers were not yet taken.
    #[func]
    fn has_response(&self) -> bool {
        self.hold(false, |core| core.client.has_response())
    }

    /// Returns `true` if the response is chunked (`Transfer-Encoding: chunked`), so that its length is not known before
    /// its end.
    #[func]
    fn is_response_chunked(&self) -> bool {
        self.hold(false, |core| core.client.is_response_chunked())
    }

    /// Returns the status code of the response, see [enum ResponseCode]; 0 before there is one. It stays until the next
    /// response, or [method close].
    #[func]
    fn get_response_code(&self) -> i32 {
        self.hold(0, |core| i32::from(core.client.response_code()))
    }

    /// Returns the headers of the response as lines, `"Name: value"` each, in the order in which they came, and empties
    /// the list: a second call gives none, and [method has_response] is `false`.
    #[func(gd_self)]
    fn get_response_headers(this: Gd<Self>) -> PackedStringArray {
        Self::run(&this, PackedStringArray::new(), |core| {
            core.client.take_response_headers().lines().map(|line| GString::from(&*line)).collect()
        })
    }

    /// Returns the headers of the response as a [Dictionary] of [String]s, and empties the list as [method
    /// get_response_headers] does.
    ///
    /// Names are spelled as the server sent them; of a header that came several times it has the last. For all of them,
    /// such as every `Set-Cookie`, use [method get_response_headers].
    #[func(gd_self)]
    fn get_response_headers_as_dictionary(this: Gd<Self>) -> VarDictionary {
        Self::run(&this, VarDictionary::new(), |core| {
            let mut fields = VarDictionary::new();
            for (name, value) in core.client.take_response_headers().pairs() {
                fields.set(&*name, &*value);
            }
            fields
        })
    }

    /// Returns the length of the response's body in bytes, or -1 if it is not known: before there is a response, if it
    /// is chunked or ends with the connection, and with [member accept_encoding].
    #[func]
    fn get_response_body_length(&self) -> i64 {
        self.hold(-1, |core| core.client.response_body_length())
    }

    /// Returns what there is of the body, at most [member read_chunk_size] bytes, without waiting unless
    /// [member blocking_mode_enabled] is on.
    ///
    /// It is empty if nothing has come yet, and at the end of the body: go by [method get_status], which is then no
    /// longer [constant STATUS_BODY]. It becomes [constant STATUS_CONNECTED], or [constant STATUS_DISCONNECTED] if the
    /// body ended with its connection. Outside of the body it gives nothing, and [member error_message] says so.
    #[func(gd_self)]
    fn read_response_body_chunk(this: Gd<Self>) -> PackedByteArray {
        Self::run(&this, PackedByteArray::new(), |core| {
            if core.client.status() != PollStatus::Body {
                core.refuse("read_response_body_chunk: there is no body to read; read while the status is STATUS_BODY");
                return PackedByteArray::new();
            }
            core.begin();
            chunk::read(&mut core.client, &mut core.spare)
        })
    }

    /// Returns the status, one of [enum Status]. It changes in [method poll], [method read_response_body_chunk] and the
    /// calls that begin or end something.
    #[func(gd_self)]
    fn get_status(this: Gd<Self>) -> i64 {
        i64::from(recent::shared(&this).status())
    }

    /// Takes a step: connects, sends and receives what can be now, without waiting unless [member
    /// blocking_mode_enabled] is on. Call it in every frame, or in a loop.
    ///
    /// Returns [constant OK] if nothing failed, or [constant ERR_UNCONFIGURED] without a connection, [constant
    /// ERR_CANT_RESOLVE], [constant ERR_CANT_CONNECT] and [constant ERR_CONNECTION_ERROR] as the status says. [constant
    /// ERR_FILE_CANT_WRITE] means that [member download_file] could not be written to its end.
    #[func(gd_self)]
    fn poll(this: Gd<Self>) -> Error {
        Self::run(&this, Error::ERR_BUSY, |core| {
            let result = core.client.poll();
            if result.is_err() {
                // Its sentence is newer than any of ours.
                core.begin();
            }
            code(result)
        })
    }

    /// Sets the proxy for connections without TLS, or none if [param host] is empty or [param port] is -1. Holds for
    /// connections that are made afterwards.
    #[func(gd_self)]
    fn set_http_proxy(this: Gd<Self>, host: GString, port: i64) {
        Self::run(&this, (), |core| core.client.set_http_proxy(&host.to_string(), port));
    }

    /// Sets the proxy for connections with TLS, or none if [param host] is empty or [param port] is -1. It is asked for
    /// a tunnel (`CONNECT`). Holds for connections that are made afterwards.
    #[func(gd_self)]
    fn set_https_proxy(this: Gd<Self>, host: GString, port: i64) {
        Self::run(&this, (), |core| core.client.set_https_proxy(&host.to_string(), port));
    }

    /// Makes a query string, as in the body of a form or after the `?` of a URL, of a [Dictionary]:
    ///
    /// ```gdscript
    /// http.query_string_from_dict({"username": "user", "password": "pass"})
    /// # "username=user&password=pass"
    /// http.query_string_from_dict({"single": 123, "not_valued": null, "multiple": [22, 33, 44]})
    /// # "single=123&not_valued&multiple=22&multiple=33&multiple=44"
    /// ```
    ///
    /// Keys and values are taken as text and percent-encoded, a space as `%20`. With `null` the key stands alone,
    /// without an equal sign. The key of an [Array] is repeated for each of its elements.
    #[func(gd_self)]
    fn query_string_from_dict(this: Gd<Self>, fields: AnyDictionary) -> GString {
        // Values may be objects that say their own text: nothing is borrowed.
        let _ = &this;
        GString::from(query::query_string(&fields).as_str())
    }
}

fn starts_with_scheme(host: &str, scheme: &str) -> bool {
    host.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme))
}

/// Begins a request, with its method as a number.
pub(super) fn request(core: &mut Core, method: i64, url: &GString, headers: &PackedStringArray, body: Body) -> Error {
    core.begin();
    let Some(method) = PollMethod::from_number(method) else {
        core.refuse("request: the method is not one of METHOD_GET to METHOD_PATCH");
        return Error::ERR_INVALID_PARAMETER;
    };
    let lines = headers.as_slice().iter().map(|line| line.to_string());
    code(core.client.request(method, &url.to_string(), lines, body))
}
