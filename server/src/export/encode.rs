//! Rows as the messages that the Storage Write API takes, and the description of those messages.

use cnc_model::Timestamp;
use prost::encoding;
use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::{DescriptorProto, FieldDescriptorProto};
use rusqlite::Row;
use rusqlite::types::ValueRef;

use crate::store::{self, Column, ExportKind, Holds, Table};

/// The most that a row may have on the wire: BigQuery takes 10 MB a request, and a row of ours has a few kilobytes.
pub(super) const MOST_ROW_BYTES: usize = 4 << 20;

/// Describes a table's messages: a field for each column, numbered in their order.
#[must_use]
pub fn descriptor(table: &Table) -> DescriptorProto {
    let field = |(number, column): (u32, &Column)| FieldDescriptorProto {
        name: Some(column.name.to_owned()),
        number: i32::try_from(number).ok(),
        label: Some(if column.required { Label::Required } else { Label::Optional } as i32),
        r#type: Some(kind(column.holds) as i32),
        ..FieldDescriptorProto::default()
    };
    DescriptorProto {
        name: Some("Row".into()),
        field: (1..).zip(table.columns).map(field).collect(),
        ..DescriptorProto::default()
    }
}

const fn kind(holds: Holds) -> Type {
    match holds {
        Holds::Text | Holds::Protocol => Type::String,
        // A moment is sent as microseconds since 1970.
        Holds::Integer | Holds::Time => Type::Int64,
        Holds::Real => Type::Double,
        Holds::Flag => Type::Bool,
        Holds::Bytes => Type::Bytes,
    }
}

/// Writes a row's cells as a message, or tells why BigQuery would not take it.
///
/// # Errors
/// With the reason.
pub fn encode(table: &Table, row: &Row<'_>) -> Result<Vec<u8>, String> {
    let mut message = Vec::with_capacity(128);
    for ((tag, place), column) in (1..).zip(0..).zip(table.columns) {
        let cell = row.get_ref(place).map_err(|error| error.to_string())?;
        write(&mut message, tag, column, cell)?;
    }
    if message.len() > MOST_ROW_BYTES {
        return Err(format!("it has {} bytes, more than BigQuery takes of a row", message.len()));
    }
    Ok(message)
}

fn write(message: &mut Vec<u8>, tag: u32, column: &Column, cell: ValueRef<'_>) -> Result<(), String> {
    let Column { name, holds, required, .. } = column;
    match (holds, cell) {
        (_, ValueRef::Null) if *required => return Err(format!("{name} is missing")),
        (_, ValueRef::Null) => {}
        (Holds::Integer | Holds::Time, ValueRef::Integer(value)) => encoding::int64::encode(tag, &value, message),
        (Holds::Flag, ValueRef::Integer(value)) => encoding::bool::encode(tag, &(value != 0), message),
        (Holds::Real, ValueRef::Real(value)) => encoding::double::encode(tag, &value, message),
        (Holds::Text, ValueRef::Text(text)) => match std::str::from_utf8(text) {
            Ok(text) => encoding::string::encode(tag, &text.to_owned(), message),
            Err(_) => return Err(format!("{name} is no text")),
        },
        (Holds::Bytes, ValueRef::Blob(bytes)) => encoding::bytes::encode(tag, &bytes.to_vec(), message),
        (Holds::Protocol, ValueRef::Blob(params)) => {
            if let Some(word) = store::protocol(params) {
                encoding::string::encode(tag, &word.to_owned(), message);
            }
        }
        (_, ValueRef::Integer(_) | ValueRef::Real(_) | ValueRef::Text(_) | ValueRef::Blob(_)) => {
            return Err(format!("{name} holds something of another kind"));
        }
    }
    Ok(())
}

/// Writes a finding of no session, to see whether rows can be appended.
pub(super) fn finding_for_check(at: Timestamp) -> Vec<u8> {
    let mut message = Vec::new();
    for (tag, column) in (1..).zip(ExportKind::Findings.table().columns) {
        match column.holds {
            Holds::Text => encoding::string::encode(tag, &"check".to_owned(), &mut message),
            Holds::Time => encoding::int64::encode(tag, &at.unix_us(), &mut message),
            Holds::Integer => encoding::int64::encode(tag, &1, &mut message),
            Holds::Real | Holds::Flag | Holds::Bytes | Holds::Protocol => {}
        }
    }
    message
}
