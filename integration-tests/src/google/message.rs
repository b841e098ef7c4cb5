//! Rows as they arrive: messages read by the description that came with them.

use std::collections::BTreeMap;

use prost::bytes::Buf as _;
use prost::encoding::{DecodeContext, WireType, decode_key, decode_varint, skip_field};
use prost_types::DescriptorProto;
use prost_types::field_descriptor_proto::Type;

/// A row by the names of its columns.
pub type Row = BTreeMap<String, Cell>;

/// What a column holds.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// A whole number, a moment, or yes (1) and no (0).
    Number(i64),
    /// A number.
    Real(f64),
    /// A text.
    Text(String),
    /// Bytes.
    Bytes(Vec<u8>),
}

impl Cell {
    /// Gives a text.
    ///
    /// # Panics
    /// When it is none.
    #[must_use]
    pub fn text(&self) -> &str {
        let Self::Text(text) = self else { panic!("{self:?} is no text") };
        text
    }

    /// Gives a whole number.
    ///
    /// # Panics
    /// When it is none.
    #[must_use]
    pub fn number(&self) -> i64 {
        let Self::Number(number) = self else { panic!("{self:?} is no number") };
        *number
    }
}

/// Reads a message.
///
/// # Errors
/// Says what is wrong with it.
pub(super) fn read(descriptor: &DescriptorProto, mut message: &[u8]) -> Result<Row, String> {
    let mut row = Row::new();
    while message.has_remaining() {
        let (tag, wire) = decode_key(&mut message).map_err(|error| error.to_string())?;
        let field = descriptor.field.iter().find(|field| field.number() == i32::try_from(tag).unwrap_or(0));
        let Some(field) = field else {
            skip_field(wire, tag, &mut message, DecodeContext::default()).map_err(|error| error.to_string())?;
            continue;
        };
        let cell = match (wire, field.r#type()) {
            (WireType::Varint, Type::Int64 | Type::Bool) => {
                Cell::Number(decode_varint(&mut message).map_err(|error| error.to_string())?.cast_signed())
            }
            (WireType::SixtyFourBit, Type::Double) if message.remaining() >= 8 => Cell::Real(message.get_f64_le()),
            (WireType::LengthDelimited, Type::String) => {
                let bytes = delimited(&mut message)?;
                Cell::Text(String::from_utf8(bytes).map_err(|error| error.to_string())?)
            }
            (WireType::LengthDelimited, Type::Bytes) => Cell::Bytes(delimited(&mut message)?),
            (wire, kind) => return Err(format!("{}: {wire:?} for {kind:?}", field.name())),
        };
        row.insert(field.name().to_owned(), cell);
    }
    Ok(row)
}

fn delimited(message: &mut &[u8]) -> Result<Vec<u8>, String> {
    let length = decode_varint(message).map_err(|error| error.to_string())?;
    let length = usize::try_from(length).map_err(|error| error.to_string())?;
    let bytes = message.get(..length).ok_or("it is cut off")?.to_vec();
    message.advance(length);
    Ok(bytes)
}
