//! Whimbrel as a Godot 4 extension: the entry that the engine calls, and what must happen while it starts.
//!
//! The classes are one module each: [`client`] is the polled `WhimbrelHTTPClient`, [`http`] the one-call `WhimbrelHTTP`.
//! All of them stand on the one session that [`engine`] makes. Nothing here knows HTTP.

use godot::init::{ExtensionLibrary, InitStage, gdextension};

mod client;
mod engine;
mod enums;
mod http;
mod paths;

/// The library, as the engine knows it.
struct Whimbrel;

// SAFETY: the classes hand no pointer of theirs to the engine or to scripts but through the bindings.
#[gdextension]
unsafe impl ExtensionLibrary for Whimbrel {
    fn on_stage_init(stage: InitStage) {
        if stage == InitStage::Scene {
            engine::read_settings();
            enums::register();
        }
    }

    fn on_stage_deinit(stage: InitStage) {
        if stage == InitStage::Scene {
            http::shut_down();
        }
    }
}
