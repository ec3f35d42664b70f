//! The words of strict mode: which known option an unknown one was probably meant to be. Decides nothing else.

/// The sentence for an option that does not exist.
pub(crate) fn unknown_option(name: &[u8], known: &[&'static str]) -> String {
    let name: String = String::from_utf8_lossy(name).chars().take(60).collect();
    match nearest(&name, known) {
        Some(nearest) => format!("unknown option '{name}'; did you mean '{nearest}'?"),
        None => format!("unknown option '{name}'"),
    }
}

/// The known word with the fewest edits to `name`, if they are few enough to be a slip.
pub(crate) fn nearest(name: &str, known: &[&'static str]) -> Option<&'static str> {
    let allowed = (name.chars().count() / 3).clamp(1, 3);
    known
        .iter()
        .map(|&word| (edits(&name.to_ascii_lowercase(), word), word))
        .filter(|&(distance, _)| distance <= allowed)
        .min_by_key(|&(distance, _)| distance)
        .map(|(_, word)| word)
}

/// The edit distance in which an insertion, a removal, a replacement and a swap of neighbours count one each.
fn edits(from: &str, to: &str) -> usize {
    let from: Vec<char> = from.chars().collect();
    let to: Vec<char> = to.chars().collect();
    let mut rows = vec![vec![0; to.len() + 1]; from.len() + 1];
    for (index, row) in rows.iter_mut().enumerate() {
        row[0] = index;
    }
    rows[0] = (0..=to.len()).collect();
    for i in 1..=from.len() {
        for j in 1..=to.len() {
            let replaced = rows[i - 1][j - 1] + usize::from(from[i - 1] != to[j - 1]);
            let mut best = replaced.min(rows[i - 1][j] + 1).min(rows[i][j - 1] + 1);
            if i > 1 && j > 1 && from[i - 1] == to[j - 2] && from[i - 2] == to[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            rows[i][j] = best;
        }
    }
    rows[from.len()][to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: [&str; 5] = ["timeout", "headers", "verify_ssl", "total_timeout", "auth"];

    #[test]
    fn a_slip_finds_the_option_that_was_meant() {
        for (slip, meant) in [
            ("timout", "timeout"),
            ("header", "headers"),
            ("verifyssl", "verify_ssl"),
            ("Auth", "auth"),
            ("auht", "auth"),
        ] {
            assert_eq!(nearest(slip, &KNOWN), Some(meant), "{slip}");
        }
    }

    #[test]
    fn a_word_that_is_far_from_all_options_names_none() {
        assert_eq!(nearest("callback", &KNOWN), None);
        assert_eq!(nearest("x", &KNOWN), None);
        assert_eq!(unknown_option(b"callback", &KNOWN), "unknown option 'callback'");
    }

    #[test]
    fn a_long_or_binary_name_is_shown_clipped() {
        let sentence = unknown_option(&[0xff; 500], &KNOWN);
        assert!(sentence.chars().count() < 100, "{sentence}");
    }
}
