//! Those who come to the one port, each with the real program: curl, a browser, a gRPC client that knows nothing but
//! reflection; and the real client behind what stands in between: a proxy that ends TLS, a proxy that wants CONNECT.

mod browser;
mod connect;
mod curl;
mod grpc;
mod nginx;
mod place;
