//! `WhimbrelHTTP`: whole requests in one call.

use godot::prelude::*;

/// HTTP requests that can be awaited.
#[derive(GodotClass)]
#[class(base = RefCounted, init, rename = WhimbrelHTTP)]
pub(crate) struct WhimbrelHttp {
    base: Base<RefCounted>,
}

#[godot_api]
impl WhimbrelHttp {}
