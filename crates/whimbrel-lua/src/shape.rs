//! Learns what keeps coming in the responses of a session, so that a response is built at once, not name by name. A
//! server sends the same names in the same order again and again, and most of their values too; Lua copies a table
//! whose names and values it knows at a fraction of what it costs to look each of them up and to find its place. This
//! module only remembers; a table looks the same either way.

use std::ffi::c_int;

use whimbrel::Fields;

use crate::{headers, later};

/// How often the same must have come before a function is made for it: its making pays after about ten uses.
const WORTH_IT: u32 = 8;
/// How many sets of names a session remembers; the oldest makes room.
const REMEMBERED: usize = 16;
/// Responses with more fields than this are built name by name: a Lua function takes only so many arguments, and one
/// number has a bit for each of them.
const MOST_FIELDS: usize = 40;
/// Values longer than this, in bytes, are taken for ones that vary: a function is no place to keep them.
const LONGEST_CONSTANT: usize = 100;
/// Fields that vary, sooner or later, or that nothing should remember.
const VARYING: [&str; 6] = ["date", "age", "expires", "etag", "last-modified", "set-cookie"];

/// What of a response goes into tables.
pub(crate) struct Head<'a> {
    pub(crate) status: u16,
    pub(crate) url: &'a str,
    pub(crate) reason: &'a [u8],
    pub(crate) version: &'a str,
    pub(crate) fields: &'a Fields,
}

/// What comes before the fields' values among [`Head::values`].
const LINE: [&str; 3] = ["url", "reason", "version"];

impl Head<'_> {
    /// Whatever a function may know beforehand: [`LINE`], then the value of each field.
    pub(crate) fn values(&self) -> impl Iterator<Item = &[u8]> {
        self.line().into_iter().chain(self.fields.iter_bytes().map(|(_, value)| value))
    }

    fn line(&self) -> [&[u8]; LINE.len()] {
        [self.url.as_bytes(), self.reason, self.version.as_bytes()]
    }
}

/// How to build one response.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// Name by name.
    Unknown,
    /// By this function.
    Known(Function),
    /// By a function that is still to be made.
    New(New),
}

/// A function that builds responses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Function {
    /// Its number, which no other function ever has.
    pub(crate) number: c_int,
    /// A bit for each of [`Head::values`], the first one's the lowest: set if it takes that value as an argument.
    pub(crate) varying: u64,
}

/// A function to be made.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct New {
    pub(crate) function: Function,
    /// A chunk that returns it; it takes the `__index` of responses.
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
    /// The fields of the last response that had these names, packed.
    last: Vec<u8>,
    /// The first of each of [`Head::values`], where it did not vary so far.
    constants: Vec<Vec<u8>>,
    seen: u32,
    function: Function,
    built: bool,
    instead_of: Option<c_int>,
}

impl Shapes {
    /// The shape of a response; always unknown where a name comes twice.
    pub(crate) fn of(&mut self, head: &Head<'_>) -> Shape {
        let is_last = self.sets.get(self.last).is_some_and(|set| head.fields.packs_to(&set.last));
        let differs = if is_last {
            self.sets[self.last].compare_line(head)
        } else {
            self.last = match self.find(head.fields) {
                Some(place) => place,
                None if head.fields.len() > MOST_FIELDS || headers::joined(head.fields).is_some() => {
                    return Shape::Unknown;
                }
                None => self.remember(head),
            };
            self.sets[self.last].compare(head)
        };
        let set = &mut self.sets[self.last];
        if differs {
            self.numbers += 1;
            set.begin_again(self.numbers);
        }
        if !set.built {
            set.seen += 1;
        }
        match set.seen {
            _ if set.built => Shape::Known(set.function),
            ..WORTH_IT => Shape::Unknown,
            _ => Shape::New(New { function: set.function, source: set.source(), instead_of: set.instead_of }),
        }
    }

    /// The function of this number was made. It may have been forgotten meanwhile.
    pub(crate) fn built(&mut self, number: c_int) {
        if let Some(set) = self.sets.iter_mut().find(|set| set.function.number == number) {
            set.built = true;
        }
    }

    fn find(&self, fields: &Fields) -> Option<usize> {
        let is = |set: &Set| matches(&set.names, fields);
        if self.sets.get(self.last).is_some_and(is) { Some(self.last) } else { self.sets.iter().position(is) }
    }

    fn remember(&mut self, head: &Head<'_>) -> usize {
        self.numbers += 1;
        let mut set = Set::new(head, self.numbers);
        if self.sets.len() < REMEMBERED {
            self.sets.push(set);
            return self.sets.len() - 1;
        }
        let place = self.oldest;
        self.oldest = (self.oldest + 1) % REMEMBERED;
        let forgotten = &self.sets[place];
        set.instead_of = if forgotten.built { Some(forgotten.function.number) } else { forgotten.instead_of };
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

impl Set {
    fn new(head: &Head<'_>, number: c_int) -> Self {
        let mut joined = Vec::new();
        for (name, _) in head.fields.iter_bytes() {
            joined.extend_from_slice(name);
            joined.push(b'\n');
        }
        let (mut constants, mut varying) = (Vec::new(), 0);
        let names = LINE.into_iter().chain(head.fields.iter().map(|(name, _)| name));
        for (index, (name, value)) in names.zip(head.values()).enumerate() {
            let varies = value.len() > LONGEST_CONSTANT || VARYING.iter().any(|other| name.eq_ignore_ascii_case(other));
            varying |= u64::from(varies) << index;
            constants.push(if varies { Vec::new() } else { value.to_vec() });
        }
        let function = Function { number, varying };
        Self { names: joined, last: Vec::new(), constants, seen: 0, function, built: false, instead_of: None }
    }

    /// Takes in a response with the same names; true if a value that was constant is not.
    fn compare(&mut self, head: &Head<'_>) -> bool {
        self.last.clear();
        head.fields.pack(&mut self.last);
        self.compare_values(head.values())
    }

    /// As [`Set::compare`], where the fields are those of the last response.
    fn compare_line(&mut self, head: &Head<'_>) -> bool {
        self.compare_values(head.line().into_iter())
    }

    fn compare_values<'a>(&mut self, values: impl Iterator<Item = &'a [u8]>) -> bool {
        let before = self.function.varying;
        for (index, (value, constant)) in values.zip(&self.constants).enumerate() {
            if self.function.varying >> index & 1 == 0 && value != constant {
                self.function.varying |= 1 << index;
            }
        }
        self.function.varying != before
    }

    /// What was known is not true any more: a function that knows less gets this number.
    fn begin_again(&mut self, number: c_int) {
        if self.built {
            self.instead_of = Some(self.function.number);
        }
        self.function.number = number;
        self.built = false;
        self.seen = 0;
    }

    /// A chunk that returns the function (status, body, what [`later::push_arguments`] pushes, varying values…) →
    /// response, headers, the response's metatable. In that the varying values of fields follow the times.
    fn source(&self) -> String {
        let (mut arguments, mut pairs, mut kept, mut list) = <(String, String, String, String)>::default();
        let mut next = 2 + later::COUNT;
        let mut line = Vec::new();
        let names = String::from_utf8_lossy(&self.names);
        for (index, name) in LINE.into_iter().chain(names.lines()).enumerate() {
            let varies = self.function.varying >> index & 1 != 0;
            let value = if varies { format!("v{index}") } else { quoted(&self.constants[index]) };
            if varies {
                arguments.push_str(&format!(",{value}"));
            }
            if index < LINE.len() {
                line.push(format!("{name}={value}"));
                continue;
            }
            let name = quoted(name.as_bytes());
            pairs.push_str(&format!("[{name}]={value},"));
            if varies {
                list.push_str(&format!("{{{name},kept[{next}]}},"));
                kept.push_str(&format!(",{value}"));
                next += 1;
            } else {
                list.push_str(&format!("{{{name},{value}}},"));
            }
        }
        let (times, line) = (later::ARGUMENTS, line.join(","));
        format!(
            "local index=... local function list(kept)return {{{list}}}end \
             return function(status,body,{times}{arguments})local headers={{{pairs}}}\
             return {{status=status,body=body,headers=headers,{line}}},headers,\
             {{list,{times}{kept},__index=index}} end"
        )
    }
}

/// The bytes as a string of Lua's source: whatever is not a letter or a digit by its number.
fn quoted(bytes: &[u8]) -> String {
    let mut text = String::from("\"");
    for byte in bytes {
        match byte {
            b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => text.push(char::from(*byte)),
            _ => text.push_str(&format!("\\{byte:03}")),
        }
    }
    text.push('"');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(pairs: &[(&str, &str)]) -> Fields {
        let mut fields = Fields::new();
        for (name, value) in pairs {
            fields.append(name, value).unwrap();
        }
        fields
    }

    fn named(names: &[&str]) -> Fields {
        fields(&names.iter().map(|name| (*name, "v")).collect::<Vec<_>>())
    }

    fn of(shapes: &mut Shapes, fields: &Fields) -> Shape {
        of_url(shapes, "http://a/", fields)
    }

    fn of_url(shapes: &mut Shapes, url: &str, fields: &Fields) -> Shape {
        shapes.of(&Head { status: 200, url, reason: b"OK", version: "HTTP/1.1", fields })
    }

    /// Shows these fields until a function is worth it, and says that it was made.
    fn build(shapes: &mut Shapes, fields: &Fields) -> New {
        for _ in 1..WORTH_IT {
            assert_eq!(of(shapes, fields), Shape::Unknown);
        }
        let Shape::New(new) = of(shapes, fields) else { panic!("the names came often enough") };
        shapes.built(new.function.number);
        new
    }

    #[test]
    fn names_that_keep_coming_are_worth_a_function() {
        let mut shapes = Shapes::default();
        let same = named(&["Server", "Date"]);
        for _ in 1..WORTH_IT {
            assert_eq!(of(&mut shapes, &same), Shape::Unknown);
        }
        let Shape::New(new) = of(&mut shapes, &same) else { panic!("the names came often enough") };
        assert_eq!(of(&mut shapes, &same), Shape::New(new), "it was not made yet");
        shapes.built(1);
        assert_eq!(of(&mut shapes, &same), Shape::Known(Function { number: 1, varying: 0b10000 }));
    }

    #[test]
    fn other_names_another_order_and_another_case_are_other_shapes() {
        let mut shapes = Shapes::default();
        build(&mut shapes, &named(&["A", "B"]));
        for other in [&["B", "A"][..], &["A"], &["A", "B", "C"], &["a", "B"], &["AB"], &[]] {
            assert_eq!(of(&mut shapes, &named(other)), Shape::Unknown, "{other:?}");
        }
    }

    #[test]
    fn repeated_names_are_never_remembered() {
        let mut shapes = Shapes::default();
        for _ in 0..2 * WORTH_IT {
            assert_eq!(of(&mut shapes, &named(&["A", "A"])), Shape::Unknown);
        }
    }

    #[test]
    fn a_value_that_turns_out_to_vary_makes_a_function_that_takes_it() {
        let mut shapes = Shapes::default();
        let first = build(&mut shapes, &fields(&[("A", "1"), ("B", "same"), ("Date", "today")]));
        assert_eq!(first.function.varying, 0b10_0000);
        let changed = fields(&[("A", "2"), ("B", "same"), ("Date", "tomorrow")]);
        let second = build(&mut shapes, &changed);
        assert_eq!(second.function, Function { number: 2, varying: 0b10_1000 });
        assert_eq!(second.instead_of, Some(1));
        let last = fields(&[("A", "3"), ("B", "same"), ("Date", "tomorrow")]);
        assert_eq!(of(&mut shapes, &last), Shape::Known(second.function));
        assert_eq!(of_url(&mut shapes, "http://a/b", &last), Shape::Unknown, "another URL, all else as before");
    }

    #[test]
    fn a_value_can_not_end_its_quotes() {
        assert_eq!(quoted(b"a\"b\\\xff 1"), r#""a\034b\092\255\0321""#);
    }

    #[test]
    fn the_oldest_set_makes_room_and_its_function_is_given_up() {
        let mut shapes = Shapes::default();
        for index in 0..REMEMBERED {
            build(&mut shapes, &named(&[&format!("N{index}")]));
        }
        let made = build(&mut shapes, &named(&["New"]));
        assert_eq!((made.function.number, made.instead_of), (REMEMBERED as c_int + 1, Some(1)));
        assert_eq!(of(&mut shapes, &named(&["N0"])), Shape::Unknown);
        assert_eq!(of(&mut shapes, &named(&["N2"])), Shape::Known(Function { number: 3, varying: 0 }));
    }
}
