//! How busy the processor is, from the times that the system has counted. Its performance counters would tell it, too,
//! but take seconds to open, and are broken on many a machine.

/// What all cores together have done since the machine started, in units of 100 ns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) struct Times {
    idle: u64,
    all: u64,
}

impl Times {
    /// Gives the share that was busy since an earlier reading, 0 to 1; `None` where nothing was counted meanwhile.
    pub(in super::super) fn load_since(self, earlier: Self) -> Option<f64> {
        let (idle, all) = (self.idle.checked_sub(earlier.idle)?, self.all.checked_sub(earlier.all)?);
        #[expect(clippy::cast_precision_loss, reason = "a fraction of a second has few units")]
        let idle = (all > 0).then(|| idle as f64 / all as f64)?;
        Some((1.0 - idle).clamp(0.0, 1.0))
    }
}

/// Reads the times.
#[cfg(windows)]
#[expect(unsafe_code, reason = "the call has no safe form")]
pub(in super::super) fn times() -> Option<Times> {
    use windows_sys::Win32::Foundation::FILETIME;
    use windows_sys::Win32::System::Threading::GetSystemTimes;
    let [mut idle, mut kernel, mut user] = [FILETIME::default(); 3];
    // SAFETY: the three live through the call.
    let told = unsafe { GetSystemTimes(&raw mut idle, &raw mut kernel, &raw mut user) } != 0;
    let units = |time: FILETIME| u64::from(time.dwHighDateTime) << 32 | u64::from(time.dwLowDateTime);
    // The kernel's time includes the idle one.
    told.then(|| Times { idle: units(idle), all: units(kernel) + units(user) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn load_is_what_was_not_idle() {
        let before = Times { idle: 1_000, all: 5_000 };
        let after = |idle, all| Times { idle, all }.load_since(before);
        assert_eq!(after(1_250, 6_000), Some(0.75));
        assert_eq!(after(2_000, 6_000), Some(0.0));
        assert_eq!((after(1_000, 5_000), after(0, 9_000)), (None, None));
        // Both are read one after the other: more may seem idle than there was.
        assert_eq!(after(2_100, 6_000), Some(0.0));
    }
}
