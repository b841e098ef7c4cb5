//! How messages become bytes: as tonic does it with prost, with smaller buffers to begin with.
//!
//! A listener holds thousands of streams on which little is said: tonic's own first buffers, 8 KiB in each direction,
//! would be a third of what an idle session costs. They grow with the messages.

use std::marker::PhantomData;

use prost::Message;
use tonic::codec::{BufferSettings, Codec};
use tonic_prost::{ProstDecoder, ProstEncoder};

/// The first size of a buffer: most messages fit.
const FIRST_BYTES: usize = 512;
/// How much gathers before it is handed on: tonic's own measure.
const HAND_ON_BYTES: usize = 32 << 10;

/// The codec of every service of `cnc.v1`.
#[derive(Debug)]
pub struct Compact<T, U>(PhantomData<(T, U)>);

impl<T, U> Default for Compact<T, U> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<T, U> Codec for Compact<T, U>
where
    T: Message + Send + 'static,
    U: Message + Default + Send + 'static,
{
    type Encode = T;
    type Decode = U;
    type Encoder = ProstEncoder<T>;
    type Decoder = ProstDecoder<U>;

    fn encoder(&mut self) -> Self::Encoder {
        ProstEncoder::new(buffers())
    }

    fn decoder(&mut self) -> Self::Decoder {
        ProstDecoder::new(buffers())
    }
}

fn buffers() -> BufferSettings {
    BufferSettings::new(FIRST_BYTES, HAND_ON_BYTES)
}
