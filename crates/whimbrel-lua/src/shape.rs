//! Learns which header names come together, so that a response is built at once rather than name by name. A server sends
//! the same names in the same order again and again; Lua copies a table whose names it knows at a fraction of what it
//! costs to look each name up and to find its place. This module only remembers; a table looks the same either way.

use std::ffi::c_int;

use whimbrel::Fields;

use crate::headers;

/// How often the same names must have come before a function is made for them: its making pays after about ten uses.
const WORTH_IT: u32 = 8;
/// How many sets of names a session remembers; the oldest makes room.
const REMEMBERED: usize = 16;
/// Responses with more fields than this are built name by name: a Lua function takes only so many arguments.
const MOST_FIELDS: usize = 40;

/// How to build one response.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// Name by name.
    Unknown,
    /// By the function of that number.
    Known(c_int),
    /// By a function that is still to be made.
    New(New),
}

/// A function to be made.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct New {
    /// Its number, which no other function ever has.
    pub(crate) number: c_int,
    /// A chunk that returns it.
    pub(crate) source: String,
    /// The function that is not needed any more.
    pub(crate) instead_of: Option<c_int>,
}

/// What a session remembers.
#[derive(Default)]
pub(crate) struct Shapes {
    sets: Vec<Set>,
    /// Where the last response was found, or the next set goes.
    last: usize,
    oldest: usize,
    numbers: c_int,
}

struct Set {
    /// Each name with a line feed behind it, which no name has.
    names: Vec<u8>,
    seen: u32,
    number: c_int,
    built: bool,
    instead_of: Option<c_int>,
}

impl Shapes {
    /// The shape of a response with these fields; always unknown where a name comes twice.
    pub(crate) fn of(&mut self, fields: &Fields) -> Shape {
        let place = match self.find(fields) {
            Some(place) => place,
            None if fields.len() > MOST_FIELDS || headers::joined(fields).is_some() => return Shape::Unknown,
            None => self.remember(fields),
        };
        self.last = place;
        let set = &mut self.sets[place];
        if set.built {
            return Shape::Known(set.number);
        }
        set.seen += 1;
        if set.seen < WORTH_IT {
            return Shape::Unknown;
        }
        Shape::New(New { number: set.number, source: source(fields), instead_of: set.instead_of })
    }

    /// The function of this number was made. It may have been forgotten meanwhile.
    pub(crate) fn built(&mut self, number: c_int) {
        if let Some(set) = self.sets.iter_mut().find(|set| set.number == number) {
            set.built = true;
        }
    }

    fn find(&self, fields: &Fields) -> Option<usize> {
        let is = |set: &Set| matches(&set.names, fields);
        if self.sets.get(self.last).is_some_and(is) { Some(self.last) } else { self.sets.iter().position(is) }
    }

    fn remember(&mut self, fields: &Fields) -> usize {
        let mut names = Vec::new();
        for (name, _) in fields.iter_bytes() {
            names.extend_from_slice(name);
            names.push(b'\n');
        }
        self.numbers += 1;
        let mut set = Set { names, seen: 0, number: self.numbers, built: false, instead_of: None };
        if self.sets.len() < REMEMBERED {
            self.sets.push(set);
            return self.sets.len() - 1;
        }
        let place = self.oldest;
        self.oldest = (self.oldest + 1) % REMEMBERED;
        let forgotten = &self.sets[place];
        set.instead_of = if forgotten.built { Some(forgotten.number) } else { forgotten.instead_of };
        self.sets[place] = set;
        place
    }
}

fn matches(mut names: &[u8], fields: &Fields) -> bool {
    for (name, _) in fields.iter_bytes() {
        match names.split_at_checked(name.len()) {
            Some((start, [b'\n', rest @ ..])) if start == name => names = rest,
            _ => return false,
        }
    }
    names.is_empty()
}

/// A chunk that returns the function (status, body, url, reason, version, values…) → response, headers.
fn source(fields: &Fields) -> String {
    let mut arguments = String::new();
    let mut pairs = String::new();
    for (index, (name, _)) in fields.iter().enumerate() {
        arguments.push_str(&format!(",v{index}"));
        // A name is a token (RFC 9110 §5.6.2): nothing in it ends the quotes.
        pairs.push_str(&format!("[\"{name}\"]=v{index},"));
    }
    format!(
        "return function(status,body,url,reason,version{arguments})local headers={{{pairs}}}\
         return {{status=status,body=body,headers=headers,url=url,reason=reason,version=version}},headers end"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(names: &[&str]) -> Fields {
        let mut fields = Fields::new();
        for name in names {
            fields.append(name, "v").unwrap();
        }
        fields
    }

    #[test]
    fn names_that_keep_coming_are_worth_a_function() {
        let mut shapes = Shapes::default();
        let same = fields(&["Server", "Date"]);
        for _ in 1..WORTH_IT {
            assert_eq!(shapes.of(&same), Shape::Unknown);
        }
        assert_eq!(number_of_new(&shapes.of(&same)), Some(1));
        assert_eq!(number_of_new(&shapes.of(&same)), Some(1), "it was not made yet");
        shapes.built(1);
        assert_eq!(shapes.of(&same), Shape::Known(1));
    }

    #[test]
    fn other_names_another_order_and_another_case_are_other_shapes() {
        let mut shapes = Shapes::default();
        for _ in 0..WORTH_IT {
            shapes.of(&fields(&["A", "B"]));
        }
        shapes.built(1);
        for other in [&["B", "A"][..], &["A"], &["A", "B", "C"], &["a", "B"], &["AB"], &[]] {
            assert_eq!(shapes.of(&fields(other)), Shape::Unknown, "{other:?}");
        }
    }

    #[test]
    fn repeated_names_are_never_remembered() {
        let mut shapes = Shapes::default();
        for _ in 0..2 * WORTH_IT {
            assert_eq!(shapes.of(&fields(&["A", "A"])), Shape::Unknown);
        }
    }

    #[test]
    fn the_oldest_set_makes_room_and_its_function_is_given_up() {
        let mut shapes = Shapes::default();
        for index in 0..REMEMBERED {
            let one = fields(&[&format!("N{index}")]);
            for _ in 0..WORTH_IT {
                shapes.of(&one);
            }
            shapes.built(index as c_int + 1);
        }
        let new = fields(&["New"]);
        for _ in 1..WORTH_IT {
            assert_eq!(shapes.of(&new), Shape::Unknown);
        }
        let Shape::New(made) = shapes.of(&new) else { panic!("the names came often enough") };
        assert_eq!((made.number, made.instead_of), (REMEMBERED as c_int + 1, Some(1)));
        assert_eq!(shapes.of(&fields(&["N0"])), Shape::Unknown);
        assert_eq!(shapes.of(&fields(&["N2"])), Shape::Known(3));
    }

    fn number_of_new(shape: &Shape) -> Option<c_int> {
        if let Shape::New(new) = shape { Some(new.number) } else { None }
    }
}
