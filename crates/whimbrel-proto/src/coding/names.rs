//! Which codings there are, which of them the request asked for, and what a response's `Content-Encoding` says.

use crate::error::{Error, Kind, Phase, Result};

/// The value of `Accept-Encoding` in requests whose response is to be decoded; [`Codings::ACCEPTED`] names the same.
pub const ACCEPT_ENCODING: &str = "gzip, br, zstd";

/// More codings on one body are an error; nobody sends them but to make a bomb.
const MAX_CODINGS: usize = 2;

/// A content coding that can be decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Coding {
    /// `gzip`, `x-gzip` (RFC 1952)
    Gzip,
    /// `deflate`: zlib (RFC 1950), or the bare deflate stream (RFC 1951) that some servers send under that name
    Deflate,
    /// `br` (RFC 7932)
    Brotli,
    /// `zstd` (RFC 8878)
    Zstd,
}

impl Coding {
    fn named(name: &[u8]) -> Option<Self> {
        const NAMES: [(&[u8], Coding); 5] = [
            (b"gzip", Coding::Gzip),
            (b"x-gzip", Coding::Gzip),
            (b"deflate", Coding::Deflate),
            (b"br", Coding::Brotli),
            (b"zstd", Coding::Zstd),
        ];
        NAMES.iter().find(|(known, _)| name.eq_ignore_ascii_case(known)).map(|&(_, coding)| coding)
    }
}

/// A set of content codings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Codings(u8);

impl Codings {
    /// None: bodies stay as sent.
    pub const NONE: Self = Self(0);
    /// Those of [`ACCEPT_ENCODING`].
    pub const ACCEPTED: Self = Self(1 << Coding::Gzip as u8 | 1 << Coding::Brotli as u8 | 1 << Coding::Zstd as u8);
    /// All that can be decoded, `deflate` too.
    pub const ALL: Self = Self(Self::ACCEPTED.0 | 1 << Coding::Deflate as u8);

    pub(super) fn contains(self, coding: Coding) -> bool {
        self.0 & 1 << coding as u8 != 0
    }
}

/// The codings of a body in the order in which they were applied; empty if it is to be left as it is, because it has
/// none or because one of them is not in `asked`.
pub(super) fn codings<'a>(values: impl IntoIterator<Item = &'a [u8]>, asked: Codings) -> Result<Vec<Coding>> {
    let mut codings = Vec::new();
    let mut is_over = false;
    let names = values.into_iter().flat_map(|value| value.split(|&byte| byte == b','));
    for name in names.map(<[u8]>::trim_ascii).filter(|name| !name.is_empty()) {
        if name.eq_ignore_ascii_case(b"identity") {
            continue;
        }
        match Coding::named(name) {
            Some(coding) if asked.contains(coding) => {
                is_over |= codings.len() == MAX_CODINGS;
                if !is_over {
                    codings.push(coding);
                }
            }
            _ => return Ok(Vec::new()),
        }
    }
    if is_over {
        let detail = format!("the body has more than {MAX_CODINGS} content codings");
        return Err(Error::new(Kind::Coding, Phase::Wait, detail));
    }
    Ok(codings)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_request_asks_for_what_is_decoded() {
        for name in ACCEPT_ENCODING.split(", ") {
            assert!(Codings::ACCEPTED.contains(Coding::named(name.as_bytes()).unwrap()), "{name}");
        }
        assert_eq!(Codings::ACCEPTED.0.count_ones() as usize, ACCEPT_ENCODING.split(", ").count());
    }

    #[test]
    fn fields_name_codings_in_the_order_of_their_use() {
        use Coding::{Brotli, Deflate, Gzip, Zstd};
        let cases: &[(&[&str], Codings, &[Coding])] = &[
            (&[], Codings::ALL, &[]),
            (&[""], Codings::ALL, &[]),
            (&["identity"], Codings::ALL, &[]),
            (&["gzip"], Codings::ALL, &[Gzip]),
            (&["X-GZip"], Codings::ALL, &[Gzip]),
            (&["deflate"], Codings::ALL, &[Deflate]),
            (&["br"], Codings::ALL, &[Brotli]),
            (&["zstd"], Codings::ALL, &[Zstd]),
            (&[" gzip ,, identity,\tbr "], Codings::ALL, &[Gzip, Brotli]),
            (&["gzip", "br"], Codings::ALL, &[Gzip, Brotli]),
            // A coding that nobody asked for is left as it is, and so is what it wraps.
            (&["deflate"], Codings::ACCEPTED, &[]),
            (&["gzip"], Codings::NONE, &[]),
            (&["gzip, deflate"], Codings::ACCEPTED, &[]),
            (&["compress"], Codings::ALL, &[]),
            (&["gzip, gzip, gzip, x"], Codings::ALL, &[]),
            (&["gzip;q=1"], Codings::ALL, &[]),
        ];
        for (values, asked, expected) in cases {
            let got = codings(values.iter().map(|value| value.as_bytes()), *asked).unwrap();
            assert_eq!(got, *expected, "{values:?} {asked:?}");
        }
    }

    /// threats row 7
    #[test]
    fn a_thousand_codings_are_an_error_in_one_field_and_in_a_thousand() {
        let one = vec!["gzip"; 1000].join(", ");
        for values in [vec![one.as_bytes()], vec![&b"gzip"[..]; 1000], vec![b"gzip, br, gzip"]] {
            assert_eq!(codings(values, Codings::ACCEPTED).unwrap_err().kind(), Kind::Coding);
        }
    }
}
