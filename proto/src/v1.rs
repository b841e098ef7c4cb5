//! What is generated from `proto/cnc/v1/*.proto`: messages, clients, servers. Nothing here is checked.
#![expect(
    clippy::default_trait_access,
    clippy::derive_partial_eq_without_eq,
    clippy::doc_markdown,
    clippy::missing_errors_doc,
    clippy::must_use_candidate,
    clippy::too_many_lines,
    reason = "generated code is not held to the house's style"
)]

tonic::include_proto!("cnc.v1");
