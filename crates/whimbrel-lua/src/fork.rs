//! Tells the engine of forks, so that a child never touches its parent's connections and threads.

/// Registers once a process. Needs no undoing: the library is never unloaded (`-z nodelete`).
#[cfg(unix)]
pub(crate) fn watch() {
    use std::ffi::c_int;
    use std::sync::Once;

    type Handler = Option<unsafe extern "C" fn()>;
    // SAFETY: as POSIX declares it.
    unsafe extern "C" {
        fn pthread_atfork(prepare: Handler, parent: Handler, child: Handler) -> c_int;
    }

    extern "C" fn child() {
        whimbrel::forked();
    }

    static REGISTERED: Once = Once::new();
    REGISTERED.call_once(|| {
        // SAFETY: the handler only adds to an atomic counter, which is safe in a forked child at any time. Should memory
        // be out, forks go unnoticed, as they would have without this.
        unsafe { pthread_atfork(None, None, Some(child)) };
    });
}

/// No fork here.
#[cfg(not(unix))]
pub(crate) fn watch() {}
