//! The reactor of Linux: an epoll set that tells edges.

use std::cell::{Cell, RefCell};
use std::io;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustix::buffer::spare_capacity;
use rustix::event::epoll::{self, EventData, EventFlags};

use super::super::wait::{Interests, timespec};
use super::super::{Socket, Waker};

/// How many movements one wait tells at most.
const EVENTS: usize = 512;
const BELL: u64 = u64::MAX;

pub(crate) struct Reactor {
    epoll: OwnedFd,
    bell: Arc<Waker>,
    /// The sockets' places. A socket keeps its own as long as it lives.
    places: RefCell<Vec<Place>>,
    free: Arc<Mutex<Vec<u32>>>,
    events: Vec<epoll::Event>,
}

/// Who waits for a socket, and what it is known to have done.
struct Place {
    owner: u32,
    moved: Arc<AtomicU8>,
}

/// Something came, or there is room to send.
const MOVED: u8 = 1;
/// The peer will send no more, which it tells once.
const ENDED: u8 = 2;

/// A socket's place in a reactor; given back when the socket goes.
#[derive(Debug)]
pub(crate) struct Registration {
    place: u32,
    moved: Arc<AtomicU8>,
    free: Arc<Mutex<Vec<u32>>>,
}

impl Registration {
    /// Forgets that the socket moved, but not that its peer ended.
    pub(crate) fn forget(&self) {
        self.moved.fetch_and(!MOVED, Ordering::Relaxed);
    }

    /// Whether the socket has moved since [`Registration::forget`], as far as the reactor has heard, or has ended.
    pub(crate) fn has_moved(&self) -> bool {
        self.moved.load(Ordering::Relaxed) != 0
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        self.free.lock().unwrap_or_else(PoisonError::into_inner).push(self.place);
    }
}

impl Reactor {
    pub(crate) const TELLS_EDGES: bool = true;

    pub(crate) fn new(bell: Arc<Waker>) -> io::Result<Self> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        epoll::add(&epoll, bell.ear(), EventData::new_u64(BELL), EventFlags::IN)?;
        Ok(Self { epoll, bell, places: RefCell::default(), free: Arc::default(), events: Vec::with_capacity(EVENTS) })
    }

    /// What one owner waits for.
    pub(crate) fn interests_of(&self, owner: u32) -> Registrar<'_> {
        Registrar { reactor: self, owner, failed: Cell::new(None) }
    }

    /// Waits until something moves, the bell rings (`true`) or the time is over; `owners` gets whose sockets moved.
    pub(crate) fn wait<'t>(
        &mut self,
        timeout: Option<Duration>,
        owners: &mut Vec<u32>,
        _gather: impl FnOnce(&mut Gathering<'t>),
    ) -> io::Result<bool> {
        self.events.clear();
        let timeout = timeout.map(timespec);
        match epoll::wait(&self.epoll, spare_capacity(&mut self.events), timeout.as_ref()) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        let mut rang = false;
        let places = self.places.borrow();
        for event in &self.events {
            let number = event.data.u64();
            if number == BELL {
                rang = true;
            } else if let Some(place) = places.get(number as usize) {
                let flags = event.flags;
                let ended = flags.intersects(EventFlags::RDHUP | EventFlags::HUP | EventFlags::ERR);
                place.moved.fetch_or(if ended { MOVED | ENDED } else { MOVED }, Ordering::Relaxed);
                owners.push(place.owner);
            }
        }
        if rang {
            self.bell.reset();
        }
        Ok(rang)
    }

    fn watch(&self, socket: &Socket, owner: u32) -> io::Result<()> {
        let mut places = self.places.borrow_mut();
        if let Some(registration) = socket.registration() {
            places[registration.place as usize].owner = owner;
            return Ok(());
        }
        let place = self.free.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or(places.len() as u32);
        let moved = Arc::new(AtomicU8::new(MOVED));
        let registration = Registration { place, moved: moved.clone(), free: self.free.clone() };
        let taken = Place { owner, moved };
        match places.get_mut(place as usize) {
            Some(place) => *place = taken,
            None => places.push(taken),
        }
        let flags = EventFlags::IN | EventFlags::OUT | EventFlags::RDHUP | EventFlags::ET;
        epoll::add(&self.epoll, socket, EventData::new_u64(place.into()), flags)?;
        socket.set_registration(registration);
        Ok(())
    }
}

/// Takes up what one owner waits for.
pub(crate) struct Registrar<'r> {
    reactor: &'r Reactor,
    owner: u32,
    failed: Cell<Option<io::Error>>,
}

impl Registrar<'_> {
    /// Whether all of it could be taken up.
    pub(crate) fn finish(self) -> io::Result<()> {
        self.failed.into_inner().map_or(Ok(()), Err)
    }
}

impl<'a> Interests<'a> for Registrar<'_> {
    fn socket(&mut self, socket: &'a Socket, _: bool, _: bool) {
        if let Err(error) = self.reactor.watch(socket, self.owner) {
            self.failed.set(Some(error));
        }
    }

    /// The only waker of a reactor is its bell.
    fn waker(&mut self, _: &'a Waker) {}
}

/// Nothing is gathered here: sockets stay in the set.
pub(crate) struct Gathering<'a>(std::marker::PhantomData<&'a ()>);

impl<'a> Gathering<'a> {
    pub(crate) fn gather(&mut self, _owner: u32, _tell: impl FnOnce(&mut dyn Interests<'a>)) {}
}
