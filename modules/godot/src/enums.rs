//! The enums of `WhimbrelHTTPClient`, as real enum types with the names and numbers of Godot's `HTTPClient`.
//!
//! `#[constant]` gives integers without a type; registered here they serve as `X.STATUS_BODY`, as
//! `X.Status.STATUS_BODY` and as the type in `var s: X.Status`.

use godot::meta::ClassId;
use godot::obj::GodotClass;
use godot::prelude::StringName;
// Hidden from its documentation, but public; without it this is one call of the engine's
// `classdb_register_extension_class_integer_constant` for each constant.
use godot::register::private::constant::{ConstantKind, ExportConstant, IntegerConstant};

use crate::client::WhimbrelHttpClient;

/// A constant's name and number.
type Constant = (&'static str, i64);

const METHODS: [Constant; 10] = [
    ("METHOD_GET", 0),
    ("METHOD_HEAD", 1),
    ("METHOD_POST", 2),
    ("METHOD_PUT", 3),
    ("METHOD_DELETE", 4),
    ("METHOD_OPTIONS", 5),
    ("METHOD_TRACE", 6),
    ("METHOD_CONNECT", 7),
    ("METHOD_PATCH", 8),
    ("METHOD_MAX", 9),
];

const STATUSES: [Constant; 10] = [
    ("STATUS_DISCONNECTED", 0),
    ("STATUS_RESOLVING", 1),
    ("STATUS_CANT_RESOLVE", 2),
    ("STATUS_CONNECTING", 3),
    ("STATUS_CANT_CONNECT", 4),
    ("STATUS_CONNECTED", 5),
    ("STATUS_REQUESTING", 6),
    ("STATUS_BODY", 7),
    ("STATUS_CONNECTION_ERROR", 8),
    ("STATUS_TLS_HANDSHAKE_ERROR", 9),
];

const TLS_VERSIONS: [Constant; 2] = [("TLS_1_2", 0), ("TLS_1_3", 1)];

/// Registers every enum. For the main thread, when the classes are there and before any script is compiled.
pub(crate) fn register() {
    let class = WhimbrelHttpClient::class_id();
    register_one(class, "Method", &METHODS);
    register_one(class, "Status", &STATUSES);
    register_one(class, "TLSVersion", &TLS_VERSIONS);
}

fn register_one(class: ClassId, name: &str, constants: &[Constant]) {
    let enumerators = constants.iter().map(|(name, value)| IntegerConstant::new(name, *value)).collect();
    ExportConstant::new(class, ConstantKind::Enum { name: StringName::from(name), enumerators }).register();
}
