//! The whole of `cnc.v1` as a listing: a change of the wire is a line in a diff, and a changed or vanished line is a
//! broken peer. Only additions are allowed.

use std::fmt::Write as _;

use prost::Message as _;
use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::{
    DescriptorProto, EnumDescriptorProto, FieldDescriptorProto, FileDescriptorSet, ServiceDescriptorProto,
};

use crate::FILE_DESCRIPTOR_SET;

#[test]
fn the_wire_only_grows() {
    let set = FileDescriptorSet::decode(FILE_DESCRIPTOR_SET).expect("it was encoded by the build");
    let mut listing = String::new();
    for file in &set.file {
        writeln!(listing, "file {} ({})", file.name(), file.package()).expect("a String");
        file.service.iter().for_each(|service| list_service(service, &mut listing));
        file.message_type.iter().for_each(|message| list_message(message, &mut listing));
        file.enum_type.iter().for_each(|choices| list_enum(choices, &mut listing));
    }
    insta::assert_snapshot!(listing);
}

fn list_service(service: &ServiceDescriptorProto, out: &mut String) {
    for method in &service.method {
        let stream = |streams| if streams { "stream " } else { "" };
        writeln!(
            out,
            "  rpc {}/{}({}{}) -> {}{}",
            service.name(),
            method.name(),
            stream(method.client_streaming()),
            short(method.input_type()),
            stream(method.server_streaming()),
            short(method.output_type()),
        )
        .expect("a String");
    }
}

fn list_message(message: &DescriptorProto, out: &mut String) {
    writeln!(out, "  message {}", message.name()).expect("a String");
    for field in &message.field {
        let oneof = field.oneof_index.and_then(|at| message.oneof_decl.get(usize::try_from(at).ok()?));
        let kind = match (field.label(), field.proto3_optional(), oneof) {
            (Label::Repeated, ..) => "repeated ".to_owned(),
            (_, true, _) => "optional ".to_owned(),
            (_, false, Some(oneof)) => format!("oneof {}: ", oneof.name()),
            (_, false, None) => String::new(),
        };
        writeln!(out, "    {} = {kind}{} {}", field.number(), type_of(field), field.name()).expect("a String");
    }
    assert!(message.nested_type.is_empty() && message.enum_type.is_empty(), "list nested types too");
}

fn list_enum(choices: &EnumDescriptorProto, out: &mut String) {
    writeln!(out, "  enum {}", choices.name()).expect("a String");
    for value in &choices.value {
        writeln!(out, "    {} = {}", value.number(), value.name()).expect("a String");
    }
    let zero = choices.value.first().expect("an enum has values");
    assert!(zero.number() == 0 && zero.name().ends_with("_UNSPECIFIED"), "{} has no room for unknowns", choices.name());
}

fn type_of(field: &FieldDescriptorProto) -> String {
    if matches!(field.r#type(), Type::Message | Type::Enum) {
        short(field.type_name()).to_owned()
    } else {
        format!("{:?}", field.r#type()).to_lowercase()
    }
}

fn short(name: &str) -> &str {
    name.strip_prefix(".cnc.v1.").unwrap_or(name)
}
