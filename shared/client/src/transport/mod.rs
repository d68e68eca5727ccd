//! What carries requests: any `tower` service, and behind a feature HTTP over TCP.

#[cfg(feature = "transport")]
mod over_tcp;
mod port;
#[cfg(feature = "transport")]
mod roots;

#[cfg(feature = "transport")]
pub use over_tcp::HttpTransport;
pub(crate) use port::Carrier;
pub use port::{Body, Transport, TransportError};
#[cfg(feature = "transport")]
pub use roots::{CLIENT_CA_BUNDLE, RootCertificates};
