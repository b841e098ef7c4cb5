//! A Drive with its token server, from Google's documentation: tokens with scopes and an end, a shared drive with roles,
//! multipart and resumable uploads, conversion, app properties, `q`, a search that learns late, and each way to fail.
//!
//! What it holds outlives its process: [`Fake::kill`] cuts every connection, [`Fake::revive`] answers again at the same
//! address.

mod answers;
mod files;
mod tokens;
mod uploads;
mod world;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::routing::{get, patch, post, put};
use socket2::{Domain, Socket, Type};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

pub(crate) use world::{FOLDER, Fault, File, Role, World};

/// The fake.
pub(crate) struct Fake {
    /// Keeps the port while nothing listens there: no other program may get it meanwhile.
    _port: Socket,
    address: SocketAddr,
    world: Shared,
    /// Everything that answers; `None` while it is dead.
    runtime: Option<Runtime>,
}

/// What every handler holds.
pub(crate) type Shared = Arc<Mutex<World>>;

/// Locks the world; what a handler that panicked left behind is whole.
pub(crate) fn locked(world: &Mutex<World>) -> MutexGuard<'_, World> {
    world.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Fake {
    /// Starts one on a free port.
    pub(crate) fn start() -> Self {
        let port = Socket::new(Domain::IPV4, Type::STREAM, None).expect("it works here");
        port.set_reuse_address(true).expect("it works here");
        port.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).expect("it works here");
        let address = port.local_addr().ok().and_then(|address| address.as_socket()).expect("it works here");
        let mut fake = Self { _port: port, address, world: Shared::default(), runtime: None };
        fake.revive();
        locked(&fake.world).address = fake.address;
        fake
    }

    /// Looks into it, or changes it.
    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        locked(&self.world)
    }

    /// Gives its address.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Cuts every connection in the middle of whatever it is.
    pub(crate) fn kill(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }

    /// Answers again, with all that it held.
    pub(crate) fn revive(&mut self) {
        if self.runtime.is_some() {
            return;
        }
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("it works here");
        let _inside = runtime.enter();
        let listener = loop {
            // Its own cut connections may hold the port for a moment.
            if let Ok(listener) = std::net::TcpListener::bind(self.address) {
                break listener;
            }
            std::thread::yield_now();
        };
        listener.set_nonblocking(true).expect("it works here");
        let listener = TcpListener::from_std(listener).expect("it works here");
        let router = router(Arc::clone(&self.world));
        runtime.spawn(async move { axum::serve(listener, router).await.expect("it works here") });
        self.runtime = Some(runtime);
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.kill();
    }
}

fn router(world: Shared) -> Router {
    Router::new()
        .route("/metadata/token", get(tokens::metadata))
        .route("/token", post(tokens::grant))
        .route("/drive/v3/files", get(files::list))
        .route("/drive/v3/files/{id}", get(files::get).patch(files::update).delete(files::delete))
        .route("/upload/drive/v3/files", post(uploads::create))
        .route("/upload/drive/v3/files/{id}", patch(uploads::update))
        .route("/upload/session/{id}", put(uploads::put))
        .with_state(world)
}
