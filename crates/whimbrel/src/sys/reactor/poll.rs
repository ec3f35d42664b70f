//! The reactor of other systems: a `poll` over everything that is waited for. (`--cfg whimbrel_poll` has it on Linux,
//! to test it.)

use std::io;
use std::sync::Arc;
use std::time::Duration;

use super::super::wait::{Interests, PollSet};
use super::super::{Socket, Waker};

pub(crate) struct Reactor {
    bell: Arc<Waker>,
}

/// A socket has no place here.
#[derive(Debug)]
pub(crate) enum Registration {}

impl Registration {
    pub(crate) fn forget(&self) {
        match *self {}
    }

    pub(crate) fn has_moved(&self) -> bool {
        match *self {}
    }
}

impl Reactor {
    pub(crate) const TELLS_EDGES: bool = false;

    pub(crate) fn new(bell: Arc<Waker>) -> io::Result<Self> {
        Ok(Self { bell })
    }

    pub(crate) fn interests_of(&self, _owner: u32) -> Registrar {
        Registrar
    }

    pub(crate) fn wait<'t>(
        &mut self,
        timeout: Option<Duration>,
        owners: &mut Vec<u32>,
        gather: impl FnOnce(&mut Gathering<'t>),
    ) -> io::Result<bool> {
        let mut gathering = Gathering { set: PollSet::default(), owners: Vec::new() };
        gather(&mut gathering);
        let Gathering { set, owners: whose } = gathering;
        let mut set: PollSet<'_> = set;
        set.waker(&self.bell);
        set.poll(timeout)?;
        let bell = set.len() - 1;
        let mut rang = false;
        for index in set.moved() {
            if index == bell {
                rang = true;
            } else if owners.last() != Some(&whose[index]) {
                owners.push(whose[index]);
            }
        }
        drop(set);
        if rang {
            self.bell.reset();
        }
        Ok(rang)
    }
}

/// Nothing to take up before the wait.
pub(crate) struct Registrar;

impl Registrar {
    pub(crate) fn finish(self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> Interests<'a> for Registrar {
    fn socket(&mut self, _: &'a Socket, _: bool, _: bool) {}
    fn waker(&mut self, _: &'a Waker) {}
}

/// All that is waited for, and whose it is.
pub(crate) struct Gathering<'a> {
    set: PollSet<'a>,
    owners: Vec<u32>,
}

struct Of<'g, 'a> {
    gathering: &'g mut Gathering<'a>,
    owner: u32,
}

impl<'a> Gathering<'a> {
    /// To take up what an owner waits for.
    pub(crate) fn gather(&mut self, owner: u32, tell: impl FnOnce(&mut dyn Interests<'a>)) {
        tell(&mut Of { gathering: self, owner });
    }
}

impl<'a> Interests<'a> for Of<'_, 'a> {
    fn socket(&mut self, socket: &'a Socket, readable: bool, writable: bool) {
        self.gathering.set.socket(socket, readable, writable);
        self.gathering.owners.push(self.owner);
    }

    fn waker(&mut self, _: &'a Waker) {}
}
