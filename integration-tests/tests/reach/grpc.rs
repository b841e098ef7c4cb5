//! A gRPC client that knows nothing but reflection, over TLS: what grpcurl does.

use cnc_proto::v1;
use cnc_proto::v1::support_client::SupportClient;
use prost::Message as _;
use prost_types::{FileDescriptorProto, MethodDescriptorProto};
use tonic::transport::Channel;
use tonic::{Code, Request};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;
use tonic_reflection::pb::v1::{FileDescriptorResponse, ListServiceResponse, ServerReflectionRequest};

use super::place::Place;

async fn reflected(channel: &Channel, asked: MessageRequest) -> MessageResponse {
    let request = ServerReflectionRequest { host: String::new(), message_request: Some(asked) };
    let mut client = ServerReflectionClient::new(channel.clone());
    let answers = client.server_reflection_info(tokio_stream::once(request)).await;
    let mut answers = answers.expect("reflection answers").into_inner();
    let answer = answers.message().await.expect("the stream holds").expect("an answer");
    answer.message_response.expect("it says something")
}

#[tokio::test]
async fn reflection_tells_every_service_and_its_calls() {
    let place = Place::start().await;
    let channel = place.certificates.endpoint(place.listener.address().port()).connect().await.expect("TLS and h2");
    let MessageResponse::ListServicesResponse(ListServiceResponse { service }) =
        reflected(&channel, MessageRequest::ListServices(String::new())).await
    else {
        panic!("another answer than asked for")
    };
    let mut names: Vec<_> = service.into_iter().map(|service| service.name).collect();
    names.sort();
    assert_eq!(
        names,
        ["cnc.v1.Listener", "cnc.v1.Support", "grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection"]
    );
    let asked = MessageRequest::FileContainingSymbol("cnc.v1.Support".into());
    let MessageResponse::FileDescriptorResponse(FileDescriptorResponse { file_descriptor_proto }) =
        reflected(&channel, asked).await
    else {
        panic!("another answer than asked for")
    };
    let file = FileDescriptorProto::decode(file_descriptor_proto[0].as_slice()).expect("a descriptor");
    let calls: Vec<_> = file.service[0].method.iter().map(MethodDescriptorProto::name).collect();
    assert!(calls.contains(&"CreateSession") && calls.contains(&"WatchSession"), "{calls:?}");
}

#[tokio::test]
async fn health_is_told_and_calls_want_a_token() {
    let place = Place::start().await;
    let channel = place.certificates.endpoint(place.listener.address().port()).connect().await.expect("TLS and h2");
    for service in ["", "cnc.v1.Listener", "cnc.v1.Support"] {
        let request = HealthCheckRequest { service: service.into() };
        let health = HealthClient::new(channel.clone()).check(request).await.expect("it answers").into_inner();
        assert_eq!(health.status(), ServingStatus::Serving, "{service}");
    }
    let mut support = SupportClient::new(channel);
    let refused = support.list_plans(v1::ListPlansRequest {}).await.expect_err("no token");
    assert_eq!(refused.code(), Code::Unauthenticated);
    let mut request = Request::new(v1::ListPlansRequest {});
    let token = format!("Bearer {}", place.listener.token());
    request.metadata_mut().insert("authorization", token.parse().expect("plain text"));
    let plans = support.list_plans(request).await.expect("with one").into_inner().plans;
    assert!(plans.iter().any(|plan| plan.name == "quick"), "{plans:?}");
}
