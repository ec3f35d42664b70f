//! Raw replies and what becomes of each (threats row 6, and row 10 for lengths that lie): the exact verdict, and whether
//! the connection may be used again. Every one is fed whole, byte by byte and in random pieces, with the same outcome.

mod outcome;

use outcome::{Ended, Outcome, drive, sent};
use whimbrel_proto::Kind;

/// What a reply must become.
enum Is {
    /// Complete, with this status and body.
    Whole(u16, &'static str),
    Refused(Kind),
    Upgraded(u16),
}

use Is::{Refused, Upgraded, Whole};
use Kind::{Coding, Empty, Protocol, TooLarge, Truncated};

const REUSED: bool = true;
const DROPPED: bool = false;

type Row = (&'static str, &'static str, &'static str, Is, bool);

/// Name, method, reply, verdict, reuse. `\x01` to `\x7f` stand for themselves; bytes above are tested apart.
#[rustfmt::skip]
const ROWS: &[Row] = &[
    // ── plain ──
    ("a length", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", Whole(200, "hello"), REUSED),
    ("length zero", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", Whole(200, ""), REUSED),
    ("no reason phrase", "GET", "HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n", Whole(200, ""), REUSED),
    ("no space after the status", "GET", "HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", Whole(200, ""), REUSED),
    ("field names in any case", "GET", "HTTP/1.1 200 OK\r\ncONTENT-lENGTH: 2\r\n\r\nhi", Whole(200, "hi"), REUSED),
    ("no space after the colon", "GET", "HTTP/1.1 200 OK\r\nContent-Length:2\r\n\r\nhi", Whole(200, "hi"), REUSED),
    ("space around the value", "GET", "HTTP/1.1 200 OK\r\nContent-Length: \t 2 \t\r\n\r\nhi", Whole(200, "hi"), REUSED),
    ("an empty value", "GET", "HTTP/1.1 200 OK\r\nX:\r\nContent-Length: 2\r\n\r\nhi", Whole(200, "hi"), REUSED),
    ("until the close", "GET", "HTTP/1.1 200 OK\r\n\r\nall of it", Whole(200, "all of it"), DROPPED),
    ("until the close, nothing", "GET", "HTTP/1.1 200 OK\r\n\r\n", Whole(200, ""), DROPPED),
    ("a status of 999", "GET", "HTTP/1.1 999 Odd\r\nContent-Length: 0\r\n\r\n", Whole(999, ""), REUSED),
    ("a minor version above 1", "GET", "HTTP/1.7 200 OK\r\nContent-Length: 2\r\n\r\nhi", Whole(200, "hi"), REUSED),
    ("HTTP/1.2", "GET", "HTTP/1.2 200 OK\r\nContent-Length: 2\r\n\r\nhi", Whole(200, "hi"), REUSED),
    ("bytes after the body", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi!", Whole(200, "hi"), DROPPED),
    ("a second reply after the first", "GET",
        "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", Whole(200, ""), DROPPED),
    // ── persistence ──
    ("close", "GET", "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi", Whole(200, "hi"), DROPPED),
    ("close in a list", "GET", "HTTP/1.1 200 OK\r\nConnection: X-Hop , CLOSE\r\nContent-Length: 2\r\n\r\nhi", Whole(200, "hi"), DROPPED),
    ("close in a second field", "GET",
        "HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi", Whole(200, "hi"), DROPPED),
    ("close as part of a word", "GET", "HTTP/1.1 200 OK\r\nConnection: enclose\r\nContent-Length: 2\r\n\r\nhi", Whole(200, "hi"), REUSED),
    ("1.0 closes", "GET", "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi", Whole(200, "hi"), DROPPED),
    ("1.0 with keep-alive", "GET", "HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 2\r\n\r\nhi", Whole(200, "hi"), REUSED),
    ("1.0 with keep-alive and no length", "GET", "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n\r\nhi", Whole(200, "hi"), DROPPED),
    ("1.0 with keep-alive and close", "GET",
        "HTTP/1.0 200 OK\r\nConnection: keep-alive, close\r\nContent-Length: 2\r\n\r\nhi", Whole(200, "hi"), DROPPED),
    // ── no body ──
    ("HEAD with a length", "HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", Whole(200, ""), REUSED),
    ("HEAD with a coding", "HEAD", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", Whole(200, ""), REUSED),
    ("HEAD without a length", "HEAD", "HTTP/1.1 200 OK\r\n\r\n", Whole(200, ""), REUSED),
    ("HEAD with a body", "HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", Whole(200, ""), DROPPED),
    ("HEAD with a length that is none", "HEAD", "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", Whole(200, ""), DROPPED),
    ("head is another method", "head", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", Whole(200, "hello"), REUSED),
    ("204", "GET", "HTTP/1.1 204 No Content\r\n\r\n", Whole(204, ""), REUSED),
    ("204 with length zero", "GET", "HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n", Whole(204, ""), REUSED),
    ("204 with a length", "GET", "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n", Whole(204, ""), DROPPED),
    ("204 with a body", "GET", "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nhello", Whole(204, ""), DROPPED),
    ("204 with a coding", "GET", "HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n", Whole(204, ""), DROPPED),
    ("304 with a length", "GET", "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", Whole(304, ""), REUSED),
    ("304 with a body", "GET", "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\nhello", Whole(304, ""), DROPPED),
    ("205 has a length like any other", "GET", "HTTP/1.1 205 Reset Content\r\nContent-Length: 2\r\n\r\nhi", Whole(205, "hi"), REUSED),
    // ── informational and upgrades ──
    ("early hints", "GET", "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", Whole(200, ""), REUSED),
    ("100 nobody asked for", "GET", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", Whole(200, ""), REUSED),
    ("1xx with a length", "GET",
        "HTTP/1.1 103 Early Hints\r\nContent-Length: 9\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", Whole(200, ""), DROPPED),
    ("1xx that closes", "GET",
        "HTTP/1.1 103 Early Hints\r\nConnection: close\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", Whole(200, ""), DROPPED),
    ("only a 1xx", "GET", "HTTP/1.1 100 Continue\r\n\r\n", Refused(Truncated), DROPPED),
    ("101 nobody asked for", "GET", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n", Refused(Protocol), DROPPED),
    ("2xx to CONNECT", "CONNECT", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n\x16\x03", Upgraded(200), DROPPED),
    ("4xx to CONNECT", "CONNECT", "HTTP/1.1 407 No\r\nContent-Length: 2\r\n\r\nno", Whole(407, "no"), REUSED),
    // ── lengths ──
    ("length +5", "GET", "HTTP/1.1 200 OK\r\nContent-Length: +5\r\n\r\nhello", Refused(Protocol), DROPPED),
    ("length -1", "GET", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\nhello", Refused(Protocol), DROPPED),
    ("length 0x5", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 0x5\r\n\r\nhello", Refused(Protocol), DROPPED),
    ("length 5:", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 5:\r\n\r\nhello", Refused(Protocol), DROPPED),
    ("length 5.0", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 5.0\r\n\r\nhello", Refused(Protocol), DROPPED),
    ("length of two numbers", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 5 5\r\n\r\nhello", Refused(Protocol), DROPPED),
    ("an empty length", "GET", "HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\nhello", Refused(Protocol), DROPPED),
    ("a list of different lengths", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 5,6\r\n\r\nhello", Refused(Protocol), DROPPED),
    ("a list that ends in a comma", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 5,\r\n\r\nhello", Refused(Protocol), DROPPED),
    ("a list of equal lengths", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\n\r\nhello", Whole(200, "hello"), DROPPED),
    ("two equal lengths", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\ncontent-length: 5\r\n\r\nhello", Whole(200, "hello"), DROPPED),
    ("two different lengths", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello", Refused(Protocol), DROPPED),
    ("three lengths, the last one sound", "GET",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\nContent-Length: 6\r\n\r\nhello!", Refused(Protocol), DROPPED),
    ("leading zeros", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 0005\r\n\r\nhello", Whole(200, "hello"), REUSED),
    ("a length of 2^64 - 1", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551615\r\n\r\nhi", Refused(Truncated), DROPPED),
    ("a length of 2^63", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 9223372036854775808\r\n\r\nhi", Refused(Truncated), DROPPED),
    ("a length of 2^64", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551616\r\n\r\nhi", Refused(Protocol), DROPPED),
    ("a length of ten times 2^64", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 184467440737095516160\r\n\r\nhi", Refused(Protocol), DROPPED),
    ("a length of 2^64 and 5", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551621\r\n\r\nhello", Refused(Protocol), DROPPED),
    ("a length cut short", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell", Refused(Truncated), DROPPED),
    // ── transfer codings ──
    ("chunked", "GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n1\r\n!\r\n0\r\n\r\n", Whole(200, "hello!"), REUSED),
    ("CHUNKED", "GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: CHUNKED\r\n\r\n0\r\n\r\n", Whole(200, ""), REUSED),
    ("chunked beside a length", "GET",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", Whole(200, "hello"), DROPPED),
    ("chunked beside a length that is none", "GET",
        "HTTP/1.1 200 OK\r\nContent-Length: two\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", Refused(Protocol), DROPPED),
    ("chunked, identity", "GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n", Refused(Coding), DROPPED),
    ("identity", "GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\n\r\nhi", Refused(Coding), DROPPED),
    ("gzip, chunked", "GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", Refused(Coding), DROPPED),
    ("xchunked", "GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", Refused(Coding), DROPPED),
    ("chunked with a parameter", "GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked;q=1\r\n\r\n0\r\n\r\n", Refused(Coding), DROPPED),
    ("chunked twice", "GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n", Refused(Coding), DROPPED),
    ("chunked in two fields", "GET",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", Refused(Coding), DROPPED),
    ("an empty coding", "GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding:\r\nContent-Length: 2\r\n\r\nhi", Refused(Coding), DROPPED),
    ("chunked in 1.0", "GET", "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", Refused(Coding), DROPPED),
    ("chunked in quotes", "GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n", Refused(Coding), DROPPED),
    // ── heads ──
    ("LF alone ends lines", "GET", "HTTP/1.1 200 OK\nContent-Length: 2\n\nhi", Whole(200, "hi"), REUSED),
    ("LF and CRLF mixed", "GET", "HTTP/1.1 200 OK\nContent-Length: 2\r\n\nhi", Whole(200, "hi"), REUSED),
    ("a bare CR in a value", "GET", "HTTP/1.1 200 OK\r\nX: a\rContent-Length: 2\r\n\r\nhi", Refused(Protocol), DROPPED),
    ("a bare CR as a line end", "GET", "HTTP/1.1 200 OK\rContent-Length: 2\r\r", Refused(Protocol), DROPPED),
    ("two CRs before the LF", "GET", "HTTP/1.1 200 OK\r\nX: a\r\r\nContent-Length: 2\r\n\r\nhi", Refused(Protocol), DROPPED),
    ("space before the colon", "GET", "HTTP/1.1 200 OK\r\nContent-Length : 2\r\n\r\nhi", Refused(Protocol), DROPPED),
    ("tab before the colon", "GET", "HTTP/1.1 200 OK\r\nContent-Length\t: 2\r\n\r\nhi", Refused(Protocol), DROPPED),
    ("a folded line", "GET", "HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 2\r\n\r\nhi", Refused(Protocol), DROPPED),
    ("a folded line after the status line", "GET", "HTTP/1.1 200 OK\r\n X: a\r\nContent-Length: 2\r\n\r\nhi", Refused(Protocol), DROPPED),
    ("a line without a colon", "GET", "HTTP/1.1 200 OK\r\nContent-Length\r\n\r\nhi", Refused(Protocol), DROPPED),
    ("an empty name", "GET", "HTTP/1.1 200 OK\r\n: 2\r\n\r\nhi", Refused(Protocol), DROPPED),
    ("NUL in a name", "GET", "HTTP/1.1 200 OK\r\nX\0Y: 2\r\n\r\nhi", Refused(Protocol), DROPPED),
    ("NUL in a value", "GET", "HTTP/1.1 200 OK\r\nX: a\0b\r\n\r\nhi", Refused(Protocol), DROPPED),
    ("DEL in a value", "GET", "HTTP/1.1 200 OK\r\nX: a\x7fb\r\n\r\nhi", Refused(Protocol), DROPPED),
    ("NUL in the reason", "GET", "HTTP/1.1 200 O\0K\r\n\r\nhi", Refused(Protocol), DROPPED),
    ("a name in brackets", "GET", "HTTP/1.1 200 OK\r\n(X): a\r\n\r\nhi", Refused(Protocol), DROPPED),
    ("cut in the status line", "GET", "HTTP/1.1 20", Refused(Truncated), DROPPED),
    ("cut in the fields", "GET", "HTTP/1.1 200 OK\r\nContent-Le", Refused(Truncated), DROPPED),
    ("cut before the empty line", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n", Refused(Truncated), DROPPED),
    ("malformed and cut", "GET", "HTTP/1.1 200 OK\r\nX : a\r\n", Refused(Protocol), DROPPED),
    ("nothing at all", "GET", "", Refused(Empty), DROPPED),
    // ── status lines ──
    ("an empty line first", "GET", "\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", Refused(Protocol), DROPPED),
    ("HTTP/0.9", "GET", "<html>hello</html>", Refused(Protocol), DROPPED),
    ("shoutcast", "GET", "ICY 200 OK\r\n\r\n", Refused(Protocol), DROPPED),
    ("lower case", "GET", "http/1.1 200 OK\r\n\r\n", Refused(Protocol), DROPPED),
    ("HTTP/2.0", "GET", "HTTP/2.0 200 OK\r\n\r\n", Refused(Protocol), DROPPED),
    ("HTTP/1.10", "GET", "HTTP/1.10 200 OK\r\n\r\n", Refused(Protocol), DROPPED),
    ("HTTP/1.", "GET", "HTTP/1. 200 OK\r\n\r\n", Refused(Protocol), DROPPED),
    ("HTTP/1.x", "GET", "HTTP/1.x 200 OK\r\n\r\n", Refused(Protocol), DROPPED),
    ("HTTP/2 settings", "GET", "\0\0\x12\x04\0\0\0\0\0", Refused(Protocol), DROPPED),
    ("TLS", "GET", "\x15\x03\x01\0\x02\x02\x16", Refused(Protocol), DROPPED),
    ("SSH", "GET", "SSH-2.0-OpenSSH_9.9\r\n", Refused(Protocol), DROPPED),
    ("a status of two digits", "GET", "HTTP/1.1 20 OK\r\n\r\n", Refused(Protocol), DROPPED),
    ("a status of four digits", "GET", "HTTP/1.1 2000 OK\r\n\r\n", Refused(Protocol), DROPPED),
    ("a status of letters", "GET", "HTTP/1.1 2OO OK\r\n\r\n", Refused(Protocol), DROPPED),
    ("a status below 100", "GET", "HTTP/1.1 099 OK\r\n\r\n", Refused(Protocol), DROPPED),
    ("a negative status", "GET", "HTTP/1.1 -20 OK\r\n\r\n", Refused(Protocol), DROPPED),
    ("two spaces before the status", "GET", "HTTP/1.1  200 OK\r\n\r\n", Refused(Protocol), DROPPED),
    ("a tab before the status", "GET", "HTTP/1.1\t200 OK\r\n\r\n", Refused(Protocol), DROPPED),
    ("no status", "GET", "HTTP/1.1\r\n\r\n", Refused(Protocol), DROPPED),
];

/// What stands after `HTTP/1.1 200 OK`, chunked, and what becomes of it.
#[rustfmt::skip]
const CHUNKS: &[(&str, &str, Is, bool)] = &[
    ("no chunk", "0\r\n\r\n", Whole(200, ""), REUSED),
    ("several chunks", "3\r\nabc\r\nA\r\n0123456789\r\n0\r\n\r\n", Whole(200, "abc0123456789"), REUSED),
    ("a size in either case", "a\r\n0123456789\r\n00B\r\n0123456789a\r\n0\r\n\r\n", Whole(200, "01234567890123456789a"), REUSED),
    ("zeros as the last size", "000\r\n\r\n", Whole(200, ""), REUSED),
    ("data that looks like framing", "7\r\n\r\n0\r\n\r\n\r\n0\r\n\r\n", Whole(200, "\r\n0\r\n\r\n"), REUSED),
    ("an extension", "5;name=value\r\nhello\r\n0;last\r\n\r\n", Whole(200, "hello"), REUSED),
    ("an extension in quotes", "5;a=\"; x\"\r\nhello\r\n0\r\n\r\n", Whole(200, "hello"), REUSED),
    ("bad whitespace before an extension", "5 ;x\r\nhello\r\n0\r\n\r\n", Whole(200, "hello"), DROPPED),
    ("space after a size", "5  \r\nhello\r\n0\r\n\r\n", Whole(200, "hello"), DROPPED),
    ("16 digits", "0000000000000005\r\nhello\r\n0\r\n\r\n", Whole(200, "hello"), REUSED),
    ("17 digits", "00000000000000005\r\nhello\r\n0\r\n\r\n", Refused(Protocol), DROPPED),
    ("a size of 2^64", "10000000000000000\r\nhello\r\n0\r\n\r\n", Refused(Protocol), DROPPED),
    ("a size of 2^64 - 1", "ffffffffffffffff\r\nhello", Refused(Truncated), DROPPED),
    ("a negative size", "-1\r\nhello\r\n0\r\n\r\n", Refused(Protocol), DROPPED),
    ("a size with a plus", "+5\r\nhello\r\n0\r\n\r\n", Refused(Protocol), DROPPED),
    ("a size of 0x10", "0x10\r\n0123456789abcdef\r\n0\r\n\r\n", Refused(Protocol), DROPPED),
    ("an underscore in a size", "1_0\r\n0123456789abcdef\r\n0\r\n\r\n", Refused(Protocol), DROPPED),
    ("space before a size", " 5\r\nhello\r\n0\r\n\r\n", Refused(Protocol), DROPPED),
    ("two sizes", "5 5\r\nhello\r\n0\r\n\r\n", Refused(Protocol), DROPPED),
    ("no size", "\r\nhello\r\n0\r\n\r\n", Refused(Protocol), DROPPED),
    ("an extension without a size", ";x\r\nhello\r\n0\r\n\r\n", Refused(Protocol), DROPPED),
    ("a size that is a word", "five\r\nhello\r\n0\r\n\r\n", Refused(Protocol), DROPPED),
    ("LF alone after a size", "5\nhello\r\n0\r\n\r\n", Refused(Protocol), DROPPED),
    ("LF alone after an extension", "5;x\nhello\r\n0\r\n\r\n", Refused(Protocol), DROPPED),
    ("LF alone after data", "5\r\nhello\n0\r\n\r\n", Refused(Protocol), DROPPED),
    ("LF alone after the last size", "0\n\r\n", Refused(Protocol), DROPPED),
    ("LF alone at the very end", "0\r\n\n", Refused(Protocol), DROPPED),
    ("CR alone after a size", "5\rhello\r\n0\r\n\r\n", Refused(Protocol), DROPPED),
    ("CR in an extension", "5;a\rb\r\nhello\r\n0\r\n\r\n", Refused(Protocol), DROPPED),
    ("NUL in an extension", "5;a\0b\r\nhello\r\n0\r\n\r\n", Refused(Protocol), DROPPED),
    ("DEL in an extension", "5;a\x7fb\r\nhello\r\n0\r\n\r\n", Refused(Protocol), DROPPED),
    ("data longer than its size", "4\r\nhello\r\n0\r\n\r\n", Refused(Protocol), DROPPED),
    ("data shorter than its size", "6\r\nhello\r\n0\r\n\r\n", Refused(Protocol), DROPPED),
    ("no CRLF after data", "5\r\nhello0\r\n\r\n", Refused(Protocol), DROPPED),
    ("cut in a size", "5", Refused(Truncated), DROPPED),
    ("cut in data", "5\r\nhel", Refused(Truncated), DROPPED),
    ("cut before the last chunk", "5\r\nhello\r\n", Refused(Truncated), DROPPED),
    ("cut before the empty line", "5\r\nhello\r\n0\r\n", Refused(Truncated), DROPPED),
    ("cut in the trailers", "0\r\nX-Sum: 1\r\n", Refused(Truncated), DROPPED),
    ("a trailer", "0\r\nX-Sum: 1\r\n\r\n", Whole(200, ""), REUSED),
    ("a trailer with LF alone", "0\r\nX-Sum: 1\n\r\n", Refused(Protocol), DROPPED),
    ("a trailer with space before the colon", "0\r\nX-Sum : 1\r\n\r\n", Refused(Protocol), DROPPED),
    ("a folded trailer", "0\r\nX-Sum: 1\r\n 2\r\n\r\n", Refused(Protocol), DROPPED),
    ("a trailer with NUL", "0\r\nX-Sum: \x001\r\n\r\n", Refused(Protocol), DROPPED),
    ("bytes after the last chunk", "5\r\nhello\r\n0\r\n\r\nx", Whole(200, "hello"), DROPPED),
];

#[test]
fn every_raw_reply_has_its_verdict_in_whatever_pieces_it_comes_row_6() {
    for (name, method, reply, is, reuse) in ROWS {
        check(name, method, reply.as_bytes(), is, *reuse);
    }
}

#[test]
fn every_chunked_reply_has_its_verdict_in_whatever_pieces_it_comes_row_6() {
    for (name, chunks, is, reuse) in CHUNKS {
        let reply = format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{chunks}");
        check(name, "GET", reply.as_bytes(), is, *reuse);
    }
}

fn check(name: &str, method: &str, reply: &[u8], is: &Is, reuse: bool) {
    let whole = outcome_in_every_split(name, method, reply);
    match is {
        Whole(status, body) => {
            assert_eq!(whole.end, Ok(Ended::Complete), "{name}");
            assert_eq!((whole.status, &*whole.body), (Some(*status), body.as_bytes()), "{name}");
        }
        Refused(kind) => assert_eq!(whole.end, Err(*kind), "{name}"),
        Upgraded(status) => {
            assert_eq!((whole.end, whole.status), (Ok(Ended::Upgraded), Some(*status)), "{name}");
        }
    }
    assert_eq!(whole.reuse, reuse, "{name}: reuse");
}

/// The outcome of the reply fed whole, once it is certain that byte by byte, in two pieces at every place, and in random
/// pieces it is the same.
fn outcome_in_every_split(name: &str, method: &str, reply: &[u8]) -> Outcome {
    let whole = drive(sent(method), [reply]);
    assert_eq!(drive(sent(method), reply.chunks(1)), whole, "{name}: byte by byte");
    for at in 0..reply.len() {
        let (front, back) = reply.split_at(at);
        assert_eq!(drive(sent(method), [front, back]), whole, "{name}: split at {at}");
    }
    // A fixed sequence of piece sizes, another for every reply.
    let mut seed = reply.iter().fold(1u64, |seed, byte| seed.wrapping_mul(31).wrapping_add(u64::from(*byte)));
    for round in 0..20 {
        let (mut rest, mut pieces) = (reply, Vec::new());
        while !rest.is_empty() {
            seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            let size = (1 + (seed >> 33) as usize % 9).min(rest.len());
            let (piece, tail) = rest.split_at(size);
            pieces.push(piece);
            rest = tail;
        }
        assert_eq!(drive(sent(method), pieces), whole, "{name}: random pieces, round {round}");
    }
    whole
}

#[test]
fn fields_are_kept_as_they_came_bytes_above_ascii_included() {
    let outcome =
        drive(sent("GET"), [&b"HTTP/1.1 200 \xd8k\r\nX-a: caf\xe9 \r\nx-A:\r\nContent-Length: 0\r\n\r\n"[..]]);
    let expected: [(String, Vec<u8>); 3] =
        [("X-a".into(), b"caf\xe9".to_vec()), ("x-A".into(), b"".to_vec()), ("Content-Length".into(), b"0".to_vec())];
    assert_eq!(outcome.fields, expected);
    assert!(outcome.reuse);
}

#[test]
fn trailers_are_kept_but_not_those_that_would_frame_or_route() {
    let reply = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nX-Sum: 1\r\nContent-Length: 9\r\n\
                 transfer-encoding: gzip\r\nHost: evil\r\nSet-Cookie: a=b\r\nX-Sum: 2\r\n\r\n";
    let outcome = outcome_in_every_split("trailers", "GET", reply.as_bytes());
    let expected: [(String, Vec<u8>); 2] = [("X-Sum".into(), b"1".to_vec()), ("X-Sum".into(), b"2".to_vec())];
    assert_eq!(outcome.trailers, expected);
    assert!(outcome.reuse);
}

#[test]
fn informational_responses_are_told_in_order_before_the_final_one() {
    let reply =
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n";
    let outcome = outcome_in_every_split("informational", "GET", reply);
    assert_eq!((outcome.informational, outcome.status), (vec![100, 103], Some(204)));
}

#[test]
fn a_101_that_was_asked_for_leaves_http_and_consumes_nothing_of_what_follows() {
    let mut call = sent("GET");
    call.set_upgrade();
    let input = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n\x81\x02hi";
    let (used, event) = call.receive(input).unwrap();
    assert!(matches!(event, whimbrel_proto::h1::Event::Head(head) if head.status == 101));
    assert_eq!(call.receive(&input[used..]).unwrap(), (0, whimbrel_proto::h1::Event::Upgraded));
    assert_eq!(&input[used..], b"\x81\x02hi");
    assert!(!call.may_reuse());
}

#[test]
fn the_limit_of_informational_responses_is_exact() {
    let reply = |count: usize| "HTTP/1.1 103 Early Hints\r\n\r\n".repeat(count) + "HTTP/1.1 204 No Content\r\n\r\n";
    assert_eq!(drive(sent("GET"), [reply(32)]).end, Ok(Ended::Complete));
    assert_eq!(drive(sent("GET"), [reply(33)]).end, Err(TooLarge));
}
