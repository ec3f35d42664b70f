//! The progress bar of `whimbrel get`: shows what the engine reports, on stderr and only on a terminal.

use std::ops::ControlFlow;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use whimbrel::Progress;

const KNOWN: &str = "{msg:9} [{bar:32}] {bytes}/{total_bytes}  {bytes_per_sec}  {eta}";
const UNKNOWN: &str = "{msg:9} {spinner} {bytes}  {bytes_per_sec}";

/// A bar for one request.
pub(crate) struct Meter {
    bar: ProgressBar,
}

impl Meter {
    /// A bar that draws itself when `visible`, and else does nothing.
    pub(crate) fn new(visible: bool) -> Self {
        let target = if visible { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(None, target).with_style(style(UNKNOWN)).with_message("waiting");
        if visible {
            bar.enable_steady_tick(Duration::from_millis(120));
        }
        Self { bar }
    }

    /// What the engine calls: moves the bar, never cancels.
    pub(crate) fn observer(&self) -> impl FnMut(&Progress) -> ControlFlow<()> + Send + 'static {
        let bar = self.bar.clone();
        let mut shown = None;
        move |progress| {
            let sending = progress.received == 0 && progress.sent > 0;
            let (position, total) = if sending {
                (progress.sent, progress.send_total)
            } else {
                (progress.received, progress.receive_total)
            };
            if shown != Some((sending, total)) {
                shown = Some((sending, total));
                bar.set_message(if sending { "sending" } else { "receiving" });
                bar.set_style(style(if total.is_some() { KNOWN } else { UNKNOWN }));
                match total {
                    Some(total) => bar.set_length(total),
                    None => bar.unset_length(),
                }
                bar.reset_eta();
            }
            bar.set_position(position);
            ControlFlow::Continue(())
        }
    }

    /// Takes the bar off the screen.
    pub(crate) fn clear(&self) {
        self.bar.finish_and_clear();
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).expect("the templates above are well-formed").progress_chars("=> ")
}
