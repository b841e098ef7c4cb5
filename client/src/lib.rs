//! `cnc-client`: the program that stays with the user, of which only `main` and this library know each other.
//!
//! Pure cores that take `now` and do no IO: [`backlog`], [`policy`], [`schedule`].

pub mod backlog;
pub mod cli;
pub mod policy;
pub mod schedule;
