//! Where a program that carries its C library looks names up. That library would load what the system's
//! `nsswitch.conf` lists, made for another C library: the program ends there, with mDNS or systemd in the list.

#[cfg(all(target_os = "linux", target_env = "gnu", target_feature = "crt-static"))]
mod carried {
    use std::ffi::{CStr, c_char, c_int};

    /// What is looked up, and by what: all of it is in the library.
    const SOURCES: [(&CStr, &CStr); 2] = [(c"hosts", c"files dns"), (c"passwd", c"files")];

    #[expect(unsafe_code, reason = "no crate declares this")]
    unsafe extern "C" {
        /// Fixes a database's sources for this process; glibc's manual names it under "NSS Modules Interface".
        fn __nss_configure_lookup(database: *const c_char, sources: *const c_char) -> c_int;
    }

    #[expect(unsafe_code, reason = "the C library has no safe form; it copies what it is given")]
    pub(super) fn keep_to_what_is_carried() {
        for (database, sources) in SOURCES {
            // SAFETY: both end with a zero byte and live on; no thread runs yet that could look something up.
            let refused = unsafe { __nss_configure_lookup(database.as_ptr(), sources.as_ptr()) };
            debug_assert_eq!(refused, 0, "{database:?} is known and {sources:?} is well formed");
        }
    }
}

/// Lets a program that carries its C library look names up by files and DNS only; any other uses what the system does.
/// Called before anything else: threads must not run yet.
pub fn keep_to_what_is_carried() {
    #[cfg(all(target_os = "linux", target_env = "gnu", target_feature = "crt-static"))]
    carried::keep_to_what_is_carried();
}
