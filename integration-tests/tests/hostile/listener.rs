//! A hostile listener at a real client: no breach of its policy succeeds. What the client really sends is counted in its
//! own network namespace, where nothing but the listener's address and its neighbours may be heard of.

mod asked;
mod breaches;
mod rate;
mod scene;
mod stream;
mod words;
