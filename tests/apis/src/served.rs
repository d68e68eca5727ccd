use std::net::{Ipv4Addr, SocketAddr};

use axum::Router;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// A router that is served until this is dropped.
pub(crate) struct Served {
    address: SocketAddr,
    server: JoinHandle<std::io::Result<()>>,
}

/// Serves it on a free port of this machine, with errors as functions answer them.
pub(crate) async fn on_loopback(router: Router) -> std::io::Result<Served> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    let router = onecommit_http::json_errors(router);
    let server = tokio::spawn(axum::serve(listener, router).into_future());
    Ok(Served { address, server })
}

impl Served {
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.server.abort();
    }
}
