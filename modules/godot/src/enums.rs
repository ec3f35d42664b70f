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
use whimbrel::{PollMethod, PollStatus, RESPONSE_CODES};

use crate::client::WhimbrelHttpClient;

/// A constant's name and number.
type Constant = (String, i64);

/// Registers every enum. For the main thread, when the classes are there and before any script is compiled.
pub(crate) fn register() {
    let class = WhimbrelHttpClient::class_id();
    let methods = PollMethod::ALL.iter().map(|method| (format!("METHOD_{}", method.name()), *method as i64));
    let count = ("METHOD_MAX".to_owned(), PollMethod::ALL.len() as i64);
    register_one(class, "Method", methods.chain([count]));
    register_one(class, "Status", PollStatus::ALL.iter().map(|status| (status.name().to_owned(), *status as i64)));
    register_one(
        class,
        "ResponseCode",
        RESPONSE_CODES.iter().map(|(name, code)| ((*name).to_owned(), i64::from(*code))),
    );
    register_one(class, "TLSVersion", [("TLS_1_2".to_owned(), 0), ("TLS_1_3".to_owned(), 1)]);
}

fn register_one(class: ClassId, name: &str, constants: impl IntoIterator<Item = Constant>) {
    let enumerators = constants.into_iter().map(|(name, value)| IntegerConstant::new(&name, value)).collect();
    ExportConstant::new(class, ConstantKind::Enum { name: StringName::from(name), enumerators }).register();
}
