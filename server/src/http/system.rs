//! The systems that programs are for, told from file names and from what browsers say of themselves. Pure.

/// A system that the client runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum System {
    Windows,
    MacOs,
    Linux,
}

impl System {
    pub(super) const ALL: [Self; 3] = [Self::Windows, Self::MacOs, Self::Linux];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Windows => "Windows",
            Self::MacOs => "macOS",
            Self::Linux => "Linux",
        }
    }

    /// Tells the system from a browser's `User-Agent`. It is a hint: every system is offered anyway.
    pub(super) fn of_agent(agent: &str) -> Option<Self> {
        let says = |word| agent.contains(word);
        if says("Android") || says("iPhone") || says("iPad") || says("Mobile") {
            None
        } else if says("Windows") {
            Some(Self::Windows)
        } else if says("Macintosh") || says("Mac OS X") {
            Some(Self::MacOs)
        } else if says("Linux") || says("X11") {
            Some(Self::Linux)
        } else {
            None
        }
    }

    /// Tells the system from a program's file name.
    pub(super) fn of_file(name: &str) -> Option<Self> {
        let name = name.to_ascii_lowercase();
        let says = |word: &str| name.contains(word);
        if says("darwin") || says("macos") {
            Some(Self::MacOs)
        } else if name.rsplit('.').next() == Some("exe") || says("windows") {
            Some(Self::Windows)
        } else if says("linux") {
            Some(Self::Linux)
        } else {
            None
        }
    }
}

/// Names the processor that a program is for, in words that people find in their settings.
pub(super) fn architecture(name: &str) -> Option<&'static str> {
    let name = name.to_ascii_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| name.contains(word));
    if says(&["aarch64", "arm64"]) {
        Some("ARM, 64 bit")
    } else if says(&["x86_64", "amd64", "x64"]) {
        Some("Intel or AMD, 64 bit")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browsers_are_known() {
        let cases = [
            ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36", Some(System::Windows)),
            ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15", Some(System::MacOs)),
            ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", Some(System::Linux)),
            ("Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 Mobile", None),
            ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X)", None),
            ("curl/8.14.1", None),
            ("", None),
        ];
        for (agent, system) in cases {
            assert_eq!(System::of_agent(agent), system, "{agent}");
        }
    }

    #[test]
    fn files_are_known() {
        let cases = [
            ("cnc-windows-x86_64.exe", Some(System::Windows), Some("Intel or AMD, 64 bit")),
            ("cnc.exe", Some(System::Windows), None),
            ("cnc-aarch64-apple-darwin.zip", Some(System::MacOs), Some("ARM, 64 bit")),
            ("cnc-macos.zip", Some(System::MacOs), None),
            ("cnc-linux-arm64", Some(System::Linux), Some("ARM, 64 bit")),
            ("checksums.txt", None, None),
        ];
        for (name, system, processor) in cases {
            assert_eq!((System::of_file(name), architecture(name)), (system, processor), "{name}");
        }
    }
}
