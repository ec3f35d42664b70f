//! Arguments and bytes on their way between the engine's types and ours. It never looks at what they mean.

use godot::classes::TlsOptions;
use godot::global::Error;
use godot::meta::error::ConvertError;
use godot::meta::shape::GodotShape;
use godot::meta::{FromGodot, GodotConvert, GodotImmutable, ToGodot, conv};
use godot::obj::EngineEnum;
use godot::prelude::*;
use whimbrel::PollError;

/// TLS options that may be left out: the bindings take `null` as a default only for what says that it never changes.
#[derive(Clone, Debug)]
pub(crate) struct OptionalTls(pub(crate) Option<Gd<TlsOptions>>);

impl OptionalTls {
    pub(crate) const NONE: Self = Self(None);
}

impl GodotConvert for OptionalTls {
    type Via = Option<Gd<TlsOptions>>;

    fn godot_shape() -> GodotShape {
        Self::Via::godot_shape()
    }
}

impl ToGodot for OptionalTls {
    type Pass = conv::ByValue;

    fn to_godot(&self) -> Self::Via {
        self.0.clone()
    }
}

impl FromGodot for OptionalTls {
    fn try_from_godot(via: Self::Via) -> Result<Self, ConvertError> {
        Ok(Self(via))
    }
}

// SAFETY: the only default that is ever made of it is `NONE`, which is nil and can't change.
unsafe impl GodotImmutable for OptionalTls {
    fn into_runtime_immutable(self) -> Self {
        self
    }
}

/// Something of the engine's that goes along with a connection.
pub(crate) struct Carried<T>(pub(crate) T);

// SAFETY: a polled connection starts no thread and hands nothing to one: what it carries is used and dropped by whoever
// steps it. Godot's counts are atomic, and it lets an object be used on any one thread at a time.
unsafe impl<T> Send for Carried<T> {}

impl AsRef<[u8]> for Carried<PackedByteArray> {
    fn as_ref(&self) -> &[u8] {
        self.0.as_slice()
    }
}

/// The engine's number for how a step went: the same as ours.
pub(crate) fn code(result: Result<(), PollError>) -> Error {
    result.map_or_else(|error| Error::from_ord(error as i32), |()| Error::OK)
}
