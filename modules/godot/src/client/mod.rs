//! `WhimbrelHTTPClient`: the polled client, with the names of Godot's `HTTPClient`.

use godot::prelude::*;

/// An HTTP client that its owner steps, in place of [HTTPClient].
#[derive(GodotClass)]
#[class(base = RefCounted, init, rename = WhimbrelHTTPClient)]
pub(crate) struct WhimbrelHttpClient {
    base: Base<RefCounted>,
}

#[godot_api]
impl WhimbrelHttpClient {}
