//! The address of the server.

use std::net::SocketAddr;

use tokio::net::TcpListener;
use tracing::info;

/// The address is taken, or it is not this machine's.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address}; set GRPC_LISTEN to a free address of this machine")]
pub(crate) struct CannotListen {
    address: SocketAddr,
    source: std::io::Error,
}

/// Listens, and says where: a port of 0 is one that the operating system chooses.
///
/// # Errors
/// When the address is taken, or is not this machine's.
pub(crate) async fn listen(address: SocketAddr) -> Result<TcpListener, CannotListen> {
    let cannot_listen = |source| CannotListen { address, source };
    let listener = TcpListener::bind(address).await.map_err(cannot_listen)?;
    let address = listener.local_addr().map_err(cannot_listen)?;
    info!(address = %address, "gRPC is served");
    Ok(listener)
}
