//! The listener in process on a free port, met by real clients: gRPC, HTTP/1.1, HTTP/2, with and without TLS.

mod bounds;
mod disk;
mod door;
mod join;
mod life;
mod limits;
mod login;
mod pages;
mod refusals;
mod running;
mod slow;
mod speed;
mod staff;
mod tls;
