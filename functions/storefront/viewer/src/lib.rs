//! The viewer: the signed-in person on whose account the storefront's graph is asked, or nobody.
//!
//! A person sends the access token of their session to the gateway in `Authorization`. The gateway checks it and hands it on to the
//! subgraphs in [`VIEWER_TOKEN`], since `Authorization` holds the gateway's own signature where the subgraphs' APIs ask for IAM. Each
//! subgraph checks the token itself: signature, issuer, audience and time. So no caller of a subgraph, the gateway included, can
//! name a viewer whose session it does not have.

#[cfg(feature = "settings")]
mod settings;
mod viewers;

#[cfg(feature = "settings")]
pub use settings::{Incomplete, SessionSettings};
pub use viewers::{LOCAL_USERS, VIEWER_TOKEN, Viewer, Viewers, local_verifier};
