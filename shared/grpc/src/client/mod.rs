//! Calling a service.

mod caller;
mod channel;
mod error;
mod messages;
#[cfg(feature = "transport")]
mod over_tcp;
mod settings;
mod traces;
mod transport;

pub use caller::{GrpcClient, InvalidOrigin};
pub use channel::Channel;
pub use error::{GrpcError, GrpcRefusal, GrpcTrouble};
pub use messages::Messages;
#[cfg(feature = "transport")]
pub use over_tcp::Http2Transport;
pub use settings::GrpcSettings;
pub use transport::GrpcTransport;
