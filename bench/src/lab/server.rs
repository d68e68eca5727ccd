//! An HTTP server on a free loopback port that counts its connections and stops when dropped.

use std::net::{Ipv4Addr, SocketAddr, TcpListener as PortProbe};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context, Result};
use axum::Router;
use axum::serve::ListenerExt;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// A running server.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    connections: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl Server {
    pub(crate) async fn start(routes: Router) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .await
            .context("no free loopback port")?;
        let address = listener.local_addr()?;
        let connections = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&connections);
        let listener = listener.tap_io(move |stream| {
            counted.fetch_add(1, Ordering::Relaxed);
            stream.set_nodelay(true).ok();
        });
        let task = tokio::spawn(async move {
            axum::serve(listener, routes).await.ok();
        });
        Ok(Self {
            address,
            connections,
            task,
        })
    }

    /// How many connections were opened to this server so far.
    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A port nobody listens on, for a program that cannot choose one itself.
pub(crate) fn free_port() -> Result<u16> {
    let probe = PortProbe::bind((Ipv4Addr::LOCALHOST, 0)).context("no free loopback port")?;
    Ok(probe.local_addr()?.port())
}
