//! The whole as its users meet it: the real listener and the real client over loopback, each test with its own.

mod alone;
mod end;
mod history;
mod join;
mod late;
mod plans;
mod proxy;
mod road;
mod watch;
