//! Several requests that are awaited together. It counts who is missing, and tells the end of all of them once.

use std::cell::RefCell;
use std::rc::Rc;

use godot::prelude::*;

use super::response::WhimbrelHttpResponse;

/// The name of the signal of [`Group::signal`].
const COMPLETED: &str = "completed";

/// A group of requests; belongs to the main thread.
#[derive(Clone)]
pub(super) struct Group(Rc<Inner>);

struct Inner {
    /// Nothing but the signal. It lives as long as a request of the group does.
    object: RefCell<Gd<RefCounted>>,
    responses: RefCell<Vec<Option<Gd<WhimbrelHttpResponse>>>>,
}

impl Group {
    /// Waits for so many.
    pub(super) fn new(count: usize) -> Self {
        let mut object = RefCounted::new_gd();
        object.add_user_signal(COMPLETED);
        Self(Rc::new(Inner { object: RefCell::new(object), responses: RefCell::new(vec![None; count]) }))
    }

    /// What is emitted when all are there, with the Array of their responses.
    pub(super) fn signal(&self) -> Signal {
        Signal::from_object_signal(&*self.0.object.borrow(), COMPLETED)
    }

    /// One has ended, and perhaps it was the last.
    pub(super) fn put(&self, at: usize, response: Gd<WhimbrelHttpResponse>) {
        if let Some(place) = self.0.responses.borrow_mut().get_mut(at) {
            *place = Some(response);
        }
        if self.0.responses.borrow().iter().all(Option::is_some) {
            self.tell();
        }
    }

    /// Tells that all are there.
    pub(super) fn tell(&self) {
        let mut responses = VarArray::new();
        for response in self.0.responses.borrow_mut().drain(..).flatten() {
            responses.push(&response.to_variant());
        }
        let mut object = self.0.object.borrow().clone();
        object.emit_signal(COMPLETED, &[responses.to_variant()]);
    }
}
