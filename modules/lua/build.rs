//! Pins the library in its process: `lua_close` unloads C modules, and a thread of ours would then run in unmapped
//! code. Only where the linker can: nothing does it on macOS and Windows yet.

fn main() {
    let target = std::env::var("CARGO_CFG_TARGET_OS").unwrap_or_default();
    if matches!(target.as_str(), "linux" | "android" | "freebsd") {
        println!("cargo:rustc-cdylib-link-arg=-Wl,-z,nodelete");
    }
    if target == "macos" {
        // Lua's symbols come from the host program.
        println!("cargo:rustc-cdylib-link-arg=-Wl,-undefined,dynamic_lookup");
    }
    println!("cargo:rerun-if-changed=build.rs");
}
