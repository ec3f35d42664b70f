//! `WhimbrelHTTPCall`: one request under way, as a script holds it. What happens to it is [`pump`]'s work.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use godot::init::is_main_thread;
use godot::prelude::*;
use whimbrel::{Progress, TransferId};

use super::options::Order;
use super::pump;
use super::response::WhimbrelHttpResponse;

/// A request of [WhimbrelHTTP] that is under way, or over.
///
/// It goes on whether a script keeps it or not, and ends with [signal completed], once, whatever happens.
///
/// ```gdscript
/// var download := WhimbrelHTTP.start("https://example.com/level2.zip", {download_file = "user://levels/2.zip"})
/// download.progressed.connect(func(received, total): bar.value = float(received) / total if total > 0 else 0.0)
/// cancel_button.pressed.connect(download.cancel)
/// var res: WhimbrelHTTPResponse = await download.completed
/// ```
#[derive(GodotClass)]
#[class(tool, base = RefCounted, no_init, rename = WhimbrelHTTPCall)]
pub(crate) struct WhimbrelHttpCall {
    base: Base<RefCounted>,
    /// Until it is started.
    order: Mutex<Option<Order>>,
    /// Of the transfer; 0 before it is started.
    id: AtomicU64,
    session: u64,
    is_quiet: bool,
    response: Mutex<Option<Gd<WhimbrelHttpResponse>>>,
    counts: Counts,
}

/// What was last told of its progress; -1 where a total is not known.
struct Counts {
    received: AtomicI64,
    total: AtomicI64,
    sent: AtomicI64,
    sent_total: AtomicI64,
}

impl WhimbrelHttpCall {
    /// Makes a call of the session with this number and has it started: at once on the main thread, with its next frame
    /// elsewhere.
    pub(super) fn create(order: Order, session: u64) -> Gd<Self> {
        let is_quiet = order.is_quiet;
        let call = Gd::from_init_fn(|base| Self {
            base,
            is_quiet,
            order: Mutex::new(Some(order)),
            id: AtomicU64::new(0),
            session,
            response: Mutex::new(None),
            counts: Counts {
                received: AtomicI64::new(0),
                total: AtomicI64::new(-1),
                sent: AtomicI64::new(0),
                sent_total: AtomicI64::new(-1),
            },
        });
        if is_main_thread() {
            pump::begin(call.clone());
        } else {
            // The argument keeps it until then.
            call.clone().call_deferred("_begin", &[call.to_variant()]);
        }
        call
    }

    pub(super) fn session(&self) -> u64 {
        self.session
    }

    /// Whether nobody can listen to more than its end.
    pub(super) fn is_quiet(&self) -> bool {
        self.is_quiet
    }

    pub(super) fn take_order(&self) -> Option<Order> {
        self.order.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    pub(super) fn set_id(&self, id: TransferId) {
        self.id.store(id.get(), Ordering::Relaxed);
    }

    pub(super) fn id(&self) -> TransferId {
        TransferId::from_number(self.id.load(Ordering::Relaxed))
    }

    /// Keeps what has moved. Which of both directions did: down, up.
    pub(super) fn note(&self, progress: &Progress) -> (bool, bool) {
        let number = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        let total = |count: Option<u64>| count.map_or(-1, number);
        let set = |kept: &AtomicI64, count: i64| kept.swap(count, Ordering::Relaxed) != count;
        let counts = &self.counts;
        set(&counts.total, total(progress.transfer_total));
        set(&counts.sent_total, total(progress.send_total));
        (set(&counts.received, number(progress.transferred)), set(&counts.sent, number(progress.sent)))
    }

    pub(super) fn counts(&self) -> ((i64, i64), (i64, i64)) {
        let get = |count: &AtomicI64| count.load(Ordering::Relaxed);
        let counts = &self.counts;
        ((get(&counts.received), get(&counts.total)), (get(&counts.sent), get(&counts.sent_total)))
    }

    /// It is over. `false`: it was before.
    pub(super) fn end(&self, response: Gd<WhimbrelHttpResponse>) -> bool {
        let mut kept = self.response.lock().unwrap_or_else(PoisonError::into_inner);
        let is_first = kept.is_none();
        if is_first {
            *kept = Some(response);
        }
        is_first
    }
}

#[godot_api]
impl WhimbrelHttpCall {
    /// The request is over, well or not. It is emitted once, on the main thread, never in the call that starts the
    /// request, and also after [method cancel]: whoever awaits it goes on.
    #[signal]
    pub(super) fn completed(response: Gd<WhimbrelHttpResponse>);

    /// Bytes of the response's body have come, at most once a frame. Both counts are those of the bytes on the wire,
    /// before decoding; [param total] is -1 where the server does not tell it. Before [signal completed] the last count
    /// is told.
    #[signal]
    pub(super) fn progressed(received: i64, total: i64);

    /// Bytes of the request's body were sent, at most once a frame. [param total] is -1 where it is not known.
    #[signal]
    pub(super) fn uploaded(sent: i64, total: i64);

    /// The headers of the response are there, its body is not yet. [param response] is the same object that
    /// [signal completed] gives later.
    #[signal]
    pub(super) fn headers_received(response: Gd<WhimbrelHttpResponse>);

    /// A piece of the body, decoded, with the option `stream`. About 1 MiB waits for the script at most, then
    /// the server waits.
    #[signal]
    pub(super) fn chunk_received(bytes: PackedByteArray);

    /// Ends the request: its connection closes, nothing is left of its file. [signal completed] follows in a later frame,
    /// with [constant ERR_SKIP] as [member WhimbrelHTTPResponse.error]. Nothing happens if it is over.
    #[func]
    fn cancel(&self) {
        if is_main_thread() {
            pump::cancel(self.to_gd());
        } else {
            self.to_gd().call_deferred("cancel", &[]);
        }
    }

    /// Whether it is over, so that [method get_response] has the response.
    #[func]
    fn is_done(&self) -> bool {
        self.response.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// The response when it is over, else `null`.
    #[func]
    fn get_response(&self) -> Option<Gd<WhimbrelHttpResponse>> {
        self.response.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Makes it stand still, its time limits too.
    #[func]
    fn pause(&self) {
        self.control("pause", |transfers, id| transfers.pause(id));
    }

    /// Lets it go on after [method pause].
    #[func]
    fn resume(&self) {
        self.control("resume", |transfers, id| transfers.resume(id));
    }

    /// How many bytes of the response's body have come, before decoding.
    #[func]
    fn get_downloaded_bytes(&self) -> i64 {
        self.counts().0.0
    }

    /// How many bytes the response's body has, before decoding; -1 while it is not known.
    #[func]
    fn get_body_size(&self) -> i64 {
        self.counts().0.1
    }

    /// How many bytes of the request's body were sent.
    #[func]
    fn get_uploaded_bytes(&self) -> i64 {
        self.counts().1.0
    }

    /// What a call from a thread is continued with, on the main one.
    #[func]
    fn _begin(&self, call: Gd<Self>) {
        pump::begin(call);
    }
}

impl WhimbrelHttpCall {
    fn control(&self, method: &str, act: impl FnOnce(&mut whimbrel::Transfers, TransferId) -> bool) {
        if is_main_thread() {
            pump::control(self.id(), act);
        } else {
            self.to_gd().call_deferred(method, &[]);
        }
    }
}
