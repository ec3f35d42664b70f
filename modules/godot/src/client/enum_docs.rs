//! What the editor's documentation says of the class's constants.
//!
//! The constants are registered as real enums, without the bindings' `#[constant]`, so their documentation has to be
//! handed over by itself: as the XML that the bindings make of the comments of everything else.

use godot::private::{__GODOT_DOCS_REGISTRY, DocsItem, DocsShard, InherentImplDocs};

use super::WhimbrelHttpClient;

macro_rules! constants {
    ($($enumeration:literal { $($name:ident = $value:literal: $text:literal,)+ })+) => {
        concat!($($(
            "<constant name=\"", stringify!($name), "\" value=\"", $value, "\" enum=\"", $enumeration, "\">",
            $text, "</constant>",
        )+)+)
    };
}

const CONSTANTS: &str = constants! {
    "Method" {
        METHOD_GET = 0: "GET: asks for a representation of the resource and changes nothing. A body may be sent, but \
            few servers look at it.",
        METHOD_HEAD = 1: "HEAD: as GET, without the body: for the headers alone, or to see whether something exists.",
        METHOD_POST = 2: "POST: hands the body to the resource to process, as forms and uploads do. Repeating it may \
            do it twice.",
        METHOD_PUT = 3: "PUT: makes the body the new state of the resource, creating it or replacing what was there.",
        METHOD_DELETE = 4: "DELETE: removes the resource.",
        METHOD_OPTIONS = 5: "OPTIONS: asks what can be done with the resource, or with the server as a whole if the \
            URL is [code]*[/code].",
        METHOD_TRACE = 6: "TRACE: has the request sent back as it arrived, to see what lies on the way.",
        METHOD_CONNECT = 7: "CONNECT: asks a proxy for a tunnel to [code]host:port[/code]; after a 2xx response use \
            [member connection].",
        METHOD_PATCH = 8: "PATCH: changes parts of the resource.",
        METHOD_MAX = 9: "The number of methods; not a method itself.",
    }
    "Status" {
        STATUS_DISCONNECTED = 0: "Not connected: new, closed, or at the end of a body that ended with its connection.",
        STATUS_RESOLVING = 1: "The name of the host is being looked up.",
        STATUS_CANT_RESOLVE = 2: "The name of the host could not be looked up. Call [method close] or [method \
            connect_to_host].",
        STATUS_CONNECTING = 3: "The connection is being made, with the tunnel and the TLS handshake if there are any.",
        STATUS_CANT_CONNECT = 4: "No address of the host could be reached, or the proxy refused. Call [method close] \
            or [method connect_to_host].",
        STATUS_CONNECTED = 5: "Connected, and ready for a request.",
        STATUS_REQUESTING = 6: "The request is being sent, or its response has not begun.",
        STATUS_BODY = 7: "The head of the response is there, and its body is to be read. An empty body passes through \
            this, too.",
        STATUS_CONNECTION_ERROR = 8: "The connection broke, or the response was not valid HTTP. Call [method close] or \
            [method connect_to_host].",
        STATUS_TLS_HANDSHAKE_ERROR = 9: "The TLS handshake failed: most often the certificate is not trusted, or is \
            for another name. See [member error_message].",
    }
    "TLSVersion" {
        TLS_1_2 = 0: "TLS 1.2 or newer.",
        TLS_1_3 = 1: "TLS 1.3 or newer.",
    }
    "ResponseCode" {
        RESPONSE_CONTINUE = 100: "100 Continue: go on and send the body. The client passes over it and waits for the \
            final response.",
        RESPONSE_SWITCHING_PROTOCOLS = 101: "101 Switching Protocols: the connection speaks another protocol from \
            here, as a request with [code]Upgrade[/code] asked for. See [member connection].",
        RESPONSE_PROCESSING = 102: "102 Processing (WebDAV): received, and still being worked on.",
        RESPONSE_OK = 200: "200 OK: the request has succeeded. The body is the resource (GET), what the request did \
            (POST), or the request itself (TRACE); with HEAD there is none.",
        RESPONSE_CREATED = 201: "201 Created: a new resource was made, usually by POST or PUT. [code]Location[/code] \
            says where.",
        RESPONSE_ACCEPTED = 202: "202 Accepted: taken, to be done later. HTTP has no way to say how it ends.",
        RESPONSE_NON_AUTHORITATIVE_INFORMATION = 203: "203 Non-Authoritative Information: a success, changed by a \
            proxy on the way.",
        RESPONSE_NO_CONTENT = 204: "204 No Content: a success without a body. The headers may be of use.",
        RESPONSE_RESET_CONTENT = 205: "205 Reset Content: a success; show the document as it was before the user \
            filled it in.",
        RESPONSE_PARTIAL_CONTENT = 206: "206 Partial Content: the part that a [code]Range[/code] header asked for.",
        RESPONSE_MULTI_STATUS = 207: "207 Multi-Status (WebDAV): the body tells of several resources.",
        RESPONSE_ALREADY_REPORTED = 208: "208 Already Reported (WebDAV): the members of this binding were listed \
            before.",
        RESPONSE_IM_USED = 226: "226 IM Used: the body is the result of instance manipulations such as a delta.",
        RESPONSE_MULTIPLE_CHOICES = 300: "300 Multiple Choices: there is more than one representation, and no set way \
            to choose.",
        RESPONSE_MOVED_PERMANENTLY = 301: "301 Moved Permanently: the resource is now at [code]Location[/code]. \
            Redirects are not followed by this class.",
        RESPONSE_FOUND = 302: "302 Found: the resource is at [code]Location[/code] for now; keep asking here.",
        RESPONSE_SEE_OTHER = 303: "303 See Other: get [code]Location[/code] with GET.",
        RESPONSE_NOT_MODIFIED = 304: "304 Not Modified: what you have is still good, answering a conditional GET or \
            HEAD. No body.",
        RESPONSE_USE_PROXY = 305: "305 Use Proxy. Deprecated, for security; do not use it.",
        RESPONSE_SWITCH_PROXY = 306: "306 Switch Proxy. No longer used.",
        RESPONSE_TEMPORARY_REDIRECT = 307: "307 Temporary Redirect: repeat the request, with the same method, at \
            [code]Location[/code].",
        RESPONSE_PERMANENT_REDIRECT = 308: "308 Permanent Redirect: as 307, from now on for good.",
        RESPONSE_BAD_REQUEST = 400: "400 Bad Request: the server can't or won't understand the request as it is.",
        RESPONSE_UNAUTHORIZED = 401: "401 Unauthorized: credentials are missing or not valid. \
            [code]WWW-Authenticate[/code] says which.",
        RESPONSE_PAYMENT_REQUIRED = 402: "402 Payment Required: reserved; some services use it for quotas.",
        RESPONSE_FORBIDDEN = 403: "403 Forbidden: the server knows who asks, and refuses.",
        RESPONSE_NOT_FOUND = 404: "404 Not Found: no such resource, or one that the server does not admit to.",
        RESPONSE_METHOD_NOT_ALLOWED = 405: "405 Method Not Allowed: the resource does not take this method. \
            [code]Allow[/code] lists those that it takes.",
        RESPONSE_NOT_ACCEPTABLE = 406: "406 Not Acceptable: nothing fits the [code]Accept[/code] headers of the \
            request.",
        RESPONSE_PROXY_AUTHENTICATION_REQUIRED = 407: "407 Proxy Authentication Required: the proxy wants credentials.",
        RESPONSE_REQUEST_TIMEOUT = 408: "408 Request Timeout: the request did not arrive in the time that the server \
            waits.",
        RESPONSE_CONFLICT = 409: "409 Conflict: the state of the resource is in the way; settle that and try again.",
        RESPONSE_GONE = 410: "410 Gone: the resource was here and will not come back.",
        RESPONSE_LENGTH_REQUIRED = 411: "411 Length Required: the server wants a [code]Content-Length[/code].",
        RESPONSE_PRECONDITION_FAILED = 412: "412 Precondition Failed: a condition in the headers of the request does \
            not hold.",
        RESPONSE_REQUEST_ENTITY_TOO_LARGE = 413: "413 Content Too Large: the body is more than the server takes.",
        RESPONSE_REQUEST_URI_TOO_LONG = 414: "414 URI Too Long: the URL is longer than the server reads.",
        RESPONSE_UNSUPPORTED_MEDIA_TYPE = 415: "415 Unsupported Media Type: the body is in a format that the resource \
            does not take.",
        RESPONSE_REQUESTED_RANGE_NOT_SATISFIABLE = 416: "416 Range Not Satisfiable: the resource has nothing in the \
            range that was asked for.",
        RESPONSE_EXPECTATION_FAILED = 417: "417 Expectation Failed: the server can't do what [code]Expect[/code] says.",
        RESPONSE_IM_A_TEAPOT = 418: "418 I'm a Teapot: it was asked to brew coffee.",
        RESPONSE_MISDIRECTED_REQUEST = 421: "421 Misdirected Request: this server does not answer for the host that \
            was asked for.",
        RESPONSE_UNPROCESSABLE_ENTITY = 422: "422 Unprocessable Content: well-formed, but what it says can't be done.",
        RESPONSE_LOCKED = 423: "423 Locked (WebDAV): the resource is locked.",
        RESPONSE_FAILED_DEPENDENCY = 424: "424 Failed Dependency (WebDAV): another action that this one depended on \
            has failed.",
        RESPONSE_UPGRADE_REQUIRED = 426: "426 Upgrade Required: ask again with the protocol that [code]Upgrade[/code] \
            names.",
        RESPONSE_PRECONDITION_REQUIRED = 428: "428 Precondition Required: the server wants the request to be \
            conditional, so that no update is lost.",
        RESPONSE_TOO_MANY_REQUESTS = 429: "429 Too Many Requests: slow down; [code]Retry-After[/code] may say for how \
            long.",
        RESPONSE_REQUEST_HEADER_FIELDS_TOO_LARGE = 431: "431 Request Header Fields Too Large: send fewer or shorter \
            headers.",
        RESPONSE_UNAVAILABLE_FOR_LEGAL_REASONS = 451: "451 Unavailable For Legal Reasons: withheld because of a legal \
            demand.",
        RESPONSE_INTERNAL_SERVER_ERROR = 500: "500 Internal Server Error: something went wrong on the server.",
        RESPONSE_NOT_IMPLEMENTED = 501: "501 Not Implemented: the server can't do this at all.",
        RESPONSE_BAD_GATEWAY = 502: "502 Bad Gateway: the server behind this one gave an invalid response.",
        RESPONSE_SERVICE_UNAVAILABLE = 503: "503 Service Unavailable: overloaded or in maintenance; try again later.",
        RESPONSE_GATEWAY_TIMEOUT = 504: "504 Gateway Timeout: the server behind this one did not answer in time.",
        RESPONSE_HTTP_VERSION_NOT_SUPPORTED = 505: "505 HTTP Version Not Supported: the server does not speak the \
            version of the request.",
        RESPONSE_VARIANT_ALSO_NEGOTIATES = 506: "506 Variant Also Negotiates: the server's content negotiation runs in \
            a circle.",
        RESPONSE_INSUFFICIENT_STORAGE = 507: "507 Insufficient Storage (WebDAV): there is no room for what is to be \
            stored.",
        RESPONSE_LOOP_DETECTED = 508: "508 Loop Detected (WebDAV): a request with [code]Depth: infinity[/code] went in \
            a circle.",
        RESPONSE_NOT_EXTENDED = 510: "510 Not Extended: the request lacks what the server's policy asks for.",
        RESPONSE_NETWORK_AUTH_REQUIRED = 511: "511 Network Authentication Required: log in to the network first, as in \
            hotels.",
    }
};

godot::sys::shard_add!(__GODOT_DOCS_REGISTRY; DocsShard::new::<WhimbrelHttpClient>(
    DocsItem::InherentImpl(InherentImplDocs { methods_xml: "", signals_xml: "", constants_xml: CONSTANTS })
));
