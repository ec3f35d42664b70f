//! URLs that were parsed before: scripts ask the same few again and again, and parsing one costs more than sending it.

use std::sync::{Mutex, PoisonError};

use whimbrel_proto::{Result, Target};

/// The latest targets of a session by the text they were parsed from. Texts with userinfo are not kept.
#[derive(Default)]
pub(crate) struct Targets(Mutex<Vec<(Box<str>, Target)>>);

/// Few, so that a miss costs next to nothing.
const CAPACITY: usize = 8;

impl Targets {
    pub(crate) fn parse(&self, text: &str) -> Result<Target> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(index) = kept.iter().rposition(|(other, _)| **other == *text) {
            return Ok(kept[index].1.clone());
        }
        let target = Target::parse(text)?;
        if target.credentials().is_none() {
            if kept.len() == CAPACITY {
                kept.remove(0);
            }
            kept.push((text.into(), target.clone()));
        }
        Ok(target)
    }
}
