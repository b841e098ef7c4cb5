//! What arrives at a host's device: whole frames with the kernel's stamps, as evidence that no program of ours gave.

use crate::error::LabError;
use crate::namespace::Namespace;
use crate::relay::port::{FRAME_BYTES, Port};

/// Where frames gather from its start on. What the host itself sends is not among them.
pub struct Capture(Port);

/// A frame that arrived.
#[derive(Clone, Debug)]
pub struct Frame {
    /// When, by the kernel's clock, in nanoseconds since 1970.
    pub stamp: u64,
    /// All of it, from the Ethernet header on.
    pub bytes: Vec<u8>,
}

impl Capture {
    /// Starts on the first device of a namespace.
    pub(crate) fn start(space: &Namespace) -> Result<Self, LabError> {
        let failed = || LabError::system(format!("cannot capture in {}", space.name()));
        let opened = space.run(|| Port::open("eth0", false)).map_err(failed())?;
        opened.map(Self).map_err(failed())
    }

    /// Takes the frames that have come since the last time, in their order.
    ///
    /// # Errors
    /// [`LabError::System`] when the device is gone, or frames were lost because too many had gathered.
    ///
    /// # Panics
    /// Never: the buffer is as long as it is made.
    pub fn frames(&self) -> Result<Vec<Frame>, LabError> {
        let failed = || LabError::system("cannot read what was captured".to_owned());
        let mut buffer: Box<[u8; FRAME_BYTES]> =
            vec![0; FRAME_BYTES].try_into().expect("the vector has the array's length");
        let mut frames = Vec::new();
        while let Some(received) = self.0.receive(&mut buffer).map_err(failed())? {
            // Before the kernel keeps time, nothing of interest comes.
            let Some(stamp) = received.stamp else { continue };
            frames.push(Frame { stamp, bytes: buffer[..received.length].to_vec() });
        }
        match self.0.missed().map_err(failed())? {
            0 => Ok(frames),
            lost => Err(failed()(std::io::Error::other(format!("{lost} frames were lost")))),
        }
    }
}
