//! What is measured, and what is to be reached.

/// A row: a table of its own.
pub(super) struct Row {
    pub(super) title: &'static str,
    /// The script's name, and its row.
    pub(super) script: &'static str,
    pub(super) name: &'static str,
    /// As the script names them; ratios are to the first.
    pub(super) subjects: &'static [&'static str],
    /// The first is a rate, of which more is better; ratios are of it.
    pub(super) columns: &'static [Column],
    /// Each subject in a process of its own; the row's name is then the subject's.
    pub(super) apart: bool,
    pub(super) targets: &'static [Target],
}

/// A figure that the script prints.
pub(super) struct Column {
    pub(super) name: &'static str,
    pub(super) digits: usize,
}

pub(super) struct Target {
    pub(super) subject: &'static str,
    pub(super) bound: Bound,
}

pub(super) enum Bound {
    /// So many times the rate of another at least.
    Times(f64, &'static str),
    /// A figure of so much at most, to so many digits.
    Most(f64, &'static str, usize),
}

const OURS: &str = "WhimbrelHTTPClient";
const THEIRS: &str = "HTTPClient";
const WHOLE: &str = "WhimbrelHTTP";
const NODE: &str = "HTTPRequest";
const THREAD: &str = "HTTPRequest, thread";

const POLLED: &[&str] = &[THEIRS, OURS];
const WHOLES: &[&str] = &[NODE, THREAD, WHOLE, "nothing"];

const fn column(name: &'static str, digits: usize) -> Column {
    Column { name, digits }
}

const fn times(subject: &'static str, least: f64, other: &'static str) -> Target {
    Target { subject, bound: Bound::Times(least, other) }
}

const fn most(subject: &'static str, most: f64, figure: &'static str, digits: usize) -> Target {
    Target { subject, bound: Bound::Most(most, figure, digits) }
}

const fn polled(title: &'static str, name: &'static str, columns: &'static [Column]) -> Row {
    Row { title, script: "polled", name, subjects: POLLED, columns, apart: false, targets: &[] }
}

const fn whole(title: &'static str, name: &'static str, columns: &'static [Column]) -> Row {
    Row { title, script: "whole", name, subjects: WHOLES, columns, apart: false, targets: &[] }
}

const REQUESTS: &[Column] = &[column("req/s", 0)];
const BYTES: &[Column] = &[column("MB/s", 0)];
const PIECES: &[Column] = &[column("MB/s", 1), column("KiB/frame", 0), column("frame ms", 2)];
const POLLS: &[Column] = &[column("polls/s", 0), column("us/poll", 2)];
const FRAME: Column = column("frame ms", 2);
// What a frame pays.
const P50: Column = column("us p50", 0);
const P99: Column = column("us p99", 0);
const MAX: Column = column("us max", 0);
const COUNT: Column = column("frames", 0);

pub(super) const ROWS: &[Row] = &[
    Row {
        targets: &[times(OURS, 2.5, THEIRS)],
        ..polled("GETs of 100 B, tight loop, one connection", "tight-plain", REQUESTS)
    },
    polled("GETs of 100 B, tight loop, one connection, TLS", "tight-tls", REQUESTS),
    Row {
        targets: &[most(OURS, 3.0, "frames/GET", 2)],
        ..polled(
            "GETs of 100 B at 60 frames a second",
            "framed-plain",
            &[column("req/s", 1), column("frames/GET", 2), column("frame ms", 2)],
        )
    },
    Row { targets: &[times(OURS, 0.95, THEIRS)], ..polled("Download of 256 MiB, tight loop", "download-plain", BYTES) },
    Row {
        targets: &[times(OURS, 2.0, THEIRS)],
        ..polled("Download of 256 MiB, tight loop, TLS", "download-tls", BYTES)
    },
    polled("Download, one piece of 64 KiB a frame", "piecemeal-plain-64", PIECES),
    polled("Download, one piece of 1 MiB a frame", "piecemeal-plain-1024", PIECES),
    polled("Download, one piece of 64 KiB a frame, TLS", "piecemeal-tls-64", PIECES),
    polled("Download, one piece of 1 MiB a frame, TLS", "piecemeal-tls-1024", PIECES),
    Row {
        targets: &[times(OURS, 20.0, THEIRS)],
        ..polled("Fresh TLS connections, one GET each", "fresh-full", REQUESTS)
    },
    polled("Fresh TLS connections, the server resumes sessions", "fresh-resumed", REQUESTS),
    Row {
        targets: &[most(OURS, 2.0, "call ms", 2), most(OURS, 1.3, "peak/body", 2)],
        apart: true,
        ..Row {
            script: "upload",
            ..polled(
                "Upload of 256 MiB by request_raw (peak/body: without the engine's own)",
                "",
                &[
                    column("MB/s", 0),
                    column("call ms", 2),
                    column("peak/body", 2),
                    column("peak MiB", 0),
                    column("engine MiB", 0),
                ],
            )
        }
    },
    Row { targets: &[most(OURS, 1.0, "us/poll", 2)], ..polled("poll() while nothing happens", "idle-plain", POLLS) },
    Row { targets: &[most(OURS, 1.0, "us/poll", 2)], ..polled("poll() while nothing happens, TLS", "idle-tls", POLLS) },
    Row {
        targets: &[times(WHOLE, 3.0, NODE), times(WHOLE, 0.95, THREAD), most(WHOLE, 200.0, "us p99", 0)],
        ..whole("Whole GETs at 60 frames a second", "gets", &[column("req/s", 1), FRAME, P50, P99, MAX, COUNT])
    },
    whole("100 whole GETs at once", "at-once", &[column("req/s", 0), column("ms", 0), FRAME, P50, P99, MAX, COUNT]),
    Row {
        targets: &[times(WHOLE, 1.5, THREAD), most(WHOLE, 200.0, "us p99", 0)],
        ..whole("256 MiB to a file, progress shown", "file", &[column("MB/s", 0), FRAME, P50, P99, MAX, COUNT])
    },
];
