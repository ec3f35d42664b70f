//! What the thread keeps for each session that has transfers: who waits for a turn, the limit of all, whether it stands
//! still.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use whimbrel_proto::Origin;
use whimbrel_proto::admission::{Admission, Ticket};
use whimbrel_proto::pace::Pace;

use crate::hash::ByNumber;
use crate::session::Session;

#[derive(Default)]
pub(super) struct Sessions {
    lines: HashMap<usize, Line, ByNumber>,
}

/// A session's transfers.
pub(super) struct Line {
    admission: Admission<Arc<Origin>, u32>,
    pub(super) pace: Option<Pace>,
    pub(super) is_suspended: bool,
    tasks: usize,
    /// The key above is this session's address: it must not be another's meanwhile.
    _session: Arc<Session>,
}

impl Sessions {
    /// A task of this session is there.
    ///
    /// `is_suspended`: as it was when the task was asked for. Later changes come as commands, in their order.
    pub(super) fn enter(&mut self, session: &Arc<Session>, is_suspended: bool, now: Instant) -> &mut Line {
        let line = self.lines.entry(key(session)).or_insert_with(|| Line {
            admission: Admission::new(session.transfer_limits()),
            pace: session.take_pace().or_else(|| session.max_rate.map(|rate| Pace::new(rate, now))),
            is_suspended,
            tasks: 0,
            _session: session.clone(),
        });
        line.tasks += 1;
        line
    }

    pub(super) fn get(&mut self, session: &Arc<Session>) -> Option<&mut Line> {
        self.lines.get_mut(&key(session))
    }

    /// A task of this session is gone.
    pub(super) fn leave(&mut self, session: &Arc<Session>) {
        let key = key(session);
        if let Some(line) = self.lines.get_mut(&key) {
            line.tasks -= 1;
            if line.tasks == 0
                && let Some(line) = self.lines.remove(&key)
            {
                session.keep_pace(line.pace);
            }
        }
    }
}

impl Line {
    pub(super) fn queue(&mut self, host: &Arc<Origin>, priority: i8, task: u32) -> Ticket {
        self.admission.push(host.clone(), priority, task)
    }

    pub(super) fn unqueue(&mut self, ticket: Ticket) {
        self.admission.remove(ticket);
    }

    pub(super) fn set_priority(&mut self, ticket: Ticket, priority: i8) {
        self.admission.set_priority(ticket, priority);
    }

    /// The next that may start, if the session does not stand still.
    pub(super) fn admit(&mut self) -> Option<u32> {
        if self.is_suspended {
            return None;
        }
        self.admission.next().map(|(_, _, task)| task)
    }

    /// One that had started has ended.
    pub(super) fn release(&mut self, host: &Arc<Origin>) {
        self.admission.release(host);
    }
}

fn key(session: &Arc<Session>) -> usize {
    Arc::as_ptr(session) as usize
}
