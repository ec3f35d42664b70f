//! What brings the events of all calls to their scripts: once a frame, on the main thread, and only while there are
//! calls. It knows neither options nor HTTP.
//!
//! Everything here belongs to the main thread. No borrow is held while a signal is emitted or an object dropped: whoever
//! is called may start, cancel and free what he likes.

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use godot::classes::{Engine, SceneTree};
use godot::init::is_main_thread;
use godot::prelude::*;
use whimbrel::{Error, Event, Kind, Outcome, Phase, Progress, TransferId, Transfers};

use super::call::WhimbrelHttpCall;
use super::group::Group;
use super::response::WhimbrelHttpResponse;

/// How long a frame works on events at most, without what the scripts do with them. With the last event and the look for
/// more it stays about 0.2 ms.
const OURS: Duration = Duration::from_micros(150);

/// How long a frame works on events at most, scripts included; one event at least.
const ALL: Duration = Duration::from_millis(4);

/// How deep handlers may poll out of handlers: every level needs room on the stack.
const LEVELS: u32 = 16;

thread_local! {
    static LEVEL: Cell<u32> = const { Cell::new(0) };
    static PUMP: RefCell<Option<Pump>> = const { RefCell::new(None) };
    /// The engine quits. What a script begins now would outlive the language that its handlers are written in.
    static IS_OVER: Cell<bool> = const { Cell::new(false) };
    /// Stays until the library goes: it may be what is calling.
    static TICKER: RefCell<Option<Gd<Ticker>>> = const { RefCell::new(None) };
}

#[derive(Default)]
struct Pump {
    transfers: Transfers,
    calls: HashMap<TransferId, Entry>,
    /// Those that ended without their transfer's word.
    endings: VecDeque<Telling>,
    /// Whose frames are listened to.
    tree: Option<Gd<SceneTree>>,
}

/// A call that is under way.
struct Entry {
    call: Gd<WhimbrelHttpCall>,
    file: String,
    progress: Option<Callable>,
    /// The group that waits for it, and its place there.
    group: Option<(Group, usize)>,
    /// From the moment the head is there.
    response: Option<Gd<WhimbrelHttpResponse>>,
}

/// What is to be told, with nothing borrowed.
enum Telling {
    Head(Gd<WhimbrelHttpCall>, Gd<WhimbrelHttpResponse>),
    Progress {
        call: Gd<WhimbrelHttpCall>,
        listener: Option<Callable>,
        progress: Progress,
    },
    Chunk(Gd<WhimbrelHttpCall>, Vec<u8>),
    End(Box<Ending>),
    /// A group of none.
    Nothing(Group),
}

struct Ending {
    call: Gd<WhimbrelHttpCall>,
    listener: Option<Callable>,
    group: Option<(Group, usize)>,
    progress: Progress,
    response: Gd<WhimbrelHttpResponse>,
}

// What the engine calls: an object of its own, so that connecting needs no closure. No comment of it is for the editor.
#[derive(GodotClass)]
#[class(tool, base = RefCounted, init, internal, rename = WhimbrelHTTPTicker)]
struct Ticker {
    base: Base<RefCounted>,
}

#[godot_api]
impl Ticker {
    #[func]
    fn frame(&self) {
        frame();
    }

    // The tree was not there when the first call was made: in a main loop's own `_init`.
    #[func]
    fn listen(&self) {
        listen();
    }

    #[func]
    fn stop(&self) {
        stop();
    }
}

/// Acts on the pump. `None`: this is not the main thread, or it is acted on already, or the engine quits.
fn with<T>(act: impl FnOnce(&mut Pump) -> T) -> Option<T> {
    if !is_main_thread() || IS_OVER.get() {
        return None;
    }
    PUMP.try_with(|pump| Some(act(pump.try_borrow_mut().ok()?.get_or_insert_default()))).ok()?
}

/// Starts a call. What comes of it comes in a later frame; nothing does when the engine quits.
pub(super) fn begin(call: Gd<WhimbrelHttpCall>) {
    if IS_OVER.get() {
        return release(call);
    }
    let Some(order) = call.bind().take_order() else { return };
    with(|pump| {
        let id = pump.transfers.start(order.request, order.delivery);
        call.bind().set_id(id);
        pump.calls.insert(id, Entry { call, file: order.file, progress: order.progress, group: None, response: None });
    });
    listen();
}

/// Starts a group of calls that can be awaited together.
pub(super) fn gather(calls: &[Gd<WhimbrelHttpCall>]) -> Signal {
    let group = Group::new(calls.len());
    with(|pump| {
        for (at, call) in calls.iter().enumerate() {
            if let Some(entry) = pump.calls.get_mut(&call.bind().id()) {
                entry.group = Some((group.clone(), at));
            }
        }
        if calls.is_empty() {
            pump.endings.push_back(Telling::Nothing(group.clone()));
        }
    });
    listen();
    group.signal()
}

/// Ends a call; that is told in a later frame.
pub(super) fn cancel(call: Gd<WhimbrelHttpCall>) {
    let id = call.bind().id();
    let entry = with(|pump| {
        let progress = pump.transfers.progress(id).unwrap_or_default();
        pump.transfers.cancel(id);
        pump.calls.remove(&id).map(|entry| (entry, progress))
    });
    // Either it was over, or, made on a thread, it has not begun.
    let (entry, progress) = match entry.flatten() {
        Some(found) => found,
        None if call.bind().take_order().is_some() => {
            (Entry { call, file: String::new(), progress: None, group: None, response: None }, Progress::default())
        }
        None => return,
    };
    let Entry { call, progress: listener, group, response, .. } = entry;
    let response = response.unwrap_or_else(|| WhimbrelHttpResponse::create(None));
    response.bind().fail(&Error::new(Kind::Cancelled, Phase::Done, ""));
    let ending = Ending { call, listener, group, progress, response };
    with(|pump| pump.endings.push_back(Telling::End(Box::new(ending))));
    listen();
}

/// Ends all calls of a session.
pub(super) fn cancel_all(session: u64) {
    let calls = with(|pump| pump.calls.values().map(|entry| entry.call.clone()).collect::<Vec<_>>());
    for call in calls.unwrap_or_default() {
        if call.bind().session() == session {
            cancel(call);
        }
    }
}

/// How many calls of a session are not over.
pub(super) fn count(session: u64) -> usize {
    with(|pump| pump.calls.values().filter(|entry| entry.call.bind().session() == session).count()).unwrap_or_default()
}

pub(super) fn control(id: TransferId, act: impl FnOnce(&mut Transfers, TransferId) -> bool) {
    with(|pump| act(&mut pump.transfers, id));
}

/// Leaves it to the I/O thread to drop an outcome.
pub(super) fn recycle(outcome: Box<Outcome>) {
    let mut outcome = Some(outcome);
    with(|pump| {
        if let Some(outcome) = outcome.take() {
            pump.transfers.recycle(outcome);
        }
    });
}

/// Tells what is ready, within a frame's budget. Too deep in handlers it leaves that to those who called them.
pub(super) fn frame() {
    if LEVEL.get() == LEVELS {
        return;
    }
    let _level = Level::enter();
    let began = Instant::now();
    let mut scripts = Scripts::default();
    // Those that are made meanwhile wait for the next frame.
    let mut endings = with(|pump| pump.endings.len()).unwrap_or_default();
    while let Some(telling) = next(&mut endings) {
        telling.tell(&mut scripts);
        let all = began.elapsed();
        if all >= ALL || all.saturating_sub(scripts.0) >= OURS {
            break;
        }
    }
    leave();
}

/// One call of [`frame`].
struct Level;

impl Level {
    fn enter() -> Self {
        LEVEL.set(LEVEL.get() + 1);
        Self
    }
}

impl Drop for Level {
    fn drop(&mut self) {
        LEVEL.set(LEVEL.get() - 1);
    }
}

/// How long scripts took of a frame.
#[derive(Default)]
struct Scripts(Duration);

impl Scripts {
    fn run(&mut self, tell: impl FnOnce()) {
        let began = Instant::now();
        tell();
        self.0 += began.elapsed();
    }
}

/// What is to be told next; `None` for this frame.
fn next(endings: &mut usize) -> Option<Telling> {
    if *endings > 0 {
        *endings -= 1;
        if let Some(telling) = with(|pump| pump.endings.pop_front()).flatten() {
            return Some(telling);
        }
    }
    loop {
        let event = with(|pump| pump.transfers.next()).flatten()?;
        if let Some(telling) = translate(event) {
            return Some(telling);
        }
    }
}

fn translate(event: Event) -> Option<Telling> {
    match event {
        Event::Head { id, head, .. } => {
            let response = WhimbrelHttpResponse::create(Some(head));
            with(|pump| {
                let entry = pump.calls.get_mut(&id)?;
                entry.response = Some(response.clone());
                Some(Telling::Head(entry.call.clone(), response))
            })?
        }
        Event::Progress { id, progress } => with(|pump| {
            let entry = pump.calls.get(&id)?;
            Some(Telling::Progress { call: entry.call.clone(), listener: entry.progress.clone(), progress })
        })?,
        Event::Chunk { id, bytes } => with(|pump| Some(Telling::Chunk(pump.calls.get(&id)?.call.clone(), bytes)))?,
        Event::End { id, outcome } => {
            let Entry { call, file, progress: listener, group, response } = with(|pump| pump.calls.remove(&id))??;
            let progress = outcome.progress();
            let response = response.unwrap_or_else(|| WhimbrelHttpResponse::create(None));
            response.bind().finish(outcome, &file);
            Some(Telling::End(Box::new(Ending { call, listener, group, progress, response })))
        }
        _ => None,
    }
}

impl Telling {
    fn tell(self, scripts: &mut Scripts) {
        match self {
            Telling::Head(call, response) => {
                scripts.run(|| call.signals().headers_received().emit(&response));
            }
            Telling::Progress { call, listener, progress } => {
                tell_progress(&call, listener.as_ref(), &progress, scripts);
            }
            Telling::Chunk(call, bytes) => {
                let packed = PackedByteArray::from(bytes.as_slice());
                drop(bytes);
                scripts.run(|| call.signals().chunk_received().emit(&packed));
            }
            Telling::End(ending) => ending.tell(scripts),
            Telling::Nothing(group) => scripts.run(|| group.tell()),
        }
    }
}

impl Ending {
    fn tell(self, scripts: &mut Scripts) {
        let Self { call, listener, group, progress, response } = self;
        tell_progress(&call, listener.as_ref(), &progress, scripts);
        if !call.bind().end(response.clone()) {
            return;
        }
        scripts.run(|| call.signals().completed().emit(&response));
        release(call);
        if let Some((group, at)) = group {
            scripts.run(|| group.put(at, response));
        }
    }
}

fn tell_progress(call: &Gd<WhimbrelHttpCall>, listener: Option<&Callable>, progress: &Progress, scripts: &mut Scripts) {
    let (down, up) = call.bind().note(progress);
    if call.bind().is_quiet() {
        return;
    }
    let ((received, total), (sent, sent_total)) = call.bind().counts();
    if up {
        scripts.run(|| call.signals().uploaded().emit(sent, sent_total));
    }
    if down {
        scripts.run(|| {
            call.signals().progressed().emit(received, total);
            if let Some(listener) = listener.filter(|listener| listener.is_valid()) {
                listener.call(&[received.to_variant(), total.to_variant()]);
            }
        });
    }
}

/// Lets go of all who listened to a call that is over: a handler that holds its own call would keep both for ever.
fn release(mut call: Gd<WhimbrelHttpCall>) {
    // Nobody else holds it, as after `fetch`: it goes with this.
    if call.get_reference_count() == 1 {
        return;
    }
    for name in ["completed", "progressed", "uploaded", "headers_received", "chunk_received"] {
        for connection in call.get_signal_connection_list(name).iter_shared() {
            if let Some(Ok(callable)) = connection.get("callable").map(|callable| callable.try_to::<Callable>()) {
                call.disconnect(name, &callable);
            }
        }
    }
}

/// Connects to the frames of the tree, if there is one and that is not done.
fn listen() {
    let needed = with(|pump| pump.tree.is_none() && (!pump.calls.is_empty() || !pump.endings.is_empty()));
    if needed != Some(true) {
        return;
    }
    let mut ticker = ticker();
    let Some(main_loop) = Engine::singleton().get_main_loop() else {
        ticker.call_deferred("listen", &[]);
        return;
    };
    // Another kind of main loop polls by itself.
    let Ok(mut tree) = main_loop.try_cast::<SceneTree>() else { return };
    // Scripts are still there when the root goes, but not much later.
    let Some(mut root) = tree.get_root() else { return stop() };
    root.connect("tree_exiting", &ticker.callable("stop"));
    tree.connect("process_frame", &ticker.callable("frame"));
    with(|pump| pump.tree = Some(tree));
}

/// Disconnects if there is nothing left to tell.
fn leave() {
    let left = with(|pump| {
        let is_idle = pump.calls.is_empty() && pump.endings.is_empty();
        is_idle.then(|| pump.tree.take()).flatten()
    });
    if let Some(tree) = left.flatten() {
        disconnect(tree);
    }
}

fn ticker() -> Gd<Ticker> {
    TICKER.with(|ticker| ticker.borrow_mut().get_or_insert_with(Ticker::new_gd).clone())
}

fn disconnect(mut tree: Gd<SceneTree>) {
    if !tree.is_instance_valid() {
        return;
    }
    let ticker = ticker();
    tree.disconnect("process_frame", &ticker.callable("frame"));
    if let Some(mut root) = tree.get_root() {
        root.disconnect("tree_exiting", &ticker.callable("stop"));
    }
}

/// The engine quits: all that is under way ends without a word, and its part files are gone when this returns.
fn stop() {
    IS_OVER.set(true);
    let Some(pump) = PUMP.try_with(|pump| pump.try_borrow_mut().ok()?.take()).ok().flatten() else { return };
    let Pump { transfers, calls, endings, tree } = pump;
    if let Some(tree) = tree {
        disconnect(tree);
    }
    drop(transfers);
    // What is dropped by these may come back here, and finds nothing.
    for (_, entry) in calls {
        release(entry.call);
    }
    for telling in endings {
        if let Telling::End(ending) = telling {
            release(ending.call);
        }
    }
}

/// The library goes, and with it everything of the engine's that is held here. For the main thread.
pub(crate) fn shut_down() {
    stop();
    let ticker = TICKER.try_with(|ticker| ticker.borrow_mut().take());
    drop(ticker);
    // The editor may load the library again, and the system need not have unloaded it.
    IS_OVER.set(false);
}
