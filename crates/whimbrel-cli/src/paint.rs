//! Colour for terminals: escape sequences when standard output is a terminal that wants them, plain text otherwise.

use std::env;
use std::fmt::Display;
use std::io::{IsTerminal, stdout};

/// Colours text, or leaves it as it is.
#[derive(Clone, Copy)]
pub(crate) struct Paint {
    on: bool,
}

impl Paint {
    /// For standard output: no colour when it is no terminal, `NO_COLOR` is set or the terminal is `dumb`.
    pub(crate) fn stdout() -> Self {
        let refused = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
            || env::var_os("TERM").is_some_and(|value| value == "dumb");
        Self { on: stdout().is_terminal() && !refused }
    }

    pub(crate) fn title(self, text: impl Display) -> String {
        self.wrap("1", text)
    }

    pub(crate) fn good(self, text: impl Display) -> String {
        self.wrap("32", text)
    }

    pub(crate) fn bad(self, text: impl Display) -> String {
        self.wrap("31", text)
    }

    pub(crate) fn faint(self, text: impl Display) -> String {
        self.wrap("2", text)
    }

    fn wrap(self, code: &str, text: impl Display) -> String {
        if self.on { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_string() }
    }
}
