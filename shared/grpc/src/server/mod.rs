//! Serving: a process around generated services.
//!
//! From the outside in, each call passes:
//!
//! | step | what it does |
//! |---|---|
//! | protocol | pages of health over HTTP/1.1 or 2; all else has to be gRPC over HTTP/2, or is told so (505, 415) |
//! | trace | the span of the call, a child of the caller's; the correlation id, given or new, which the answer carries |
//! | load | more calls than the process takes are refused at once (`RESOURCE_EXHAUSTED` with `RetryInfo`) |
//! | deadline | `grpc-timeout` and the server's own limit; the call is dropped when its time is over (`DEADLINE_EXCEEDED`) |
//! | callers | where callers have to say who they are: `UNAUTHENTICATED`, `PERMISSION_DENIED` |
//! | panics | a handler that panics costs its call (`INTERNAL`), not the connection |
//! | message size | as the generated server says; what is larger is `RESOURCE_EXHAUSTED` |

mod bounded;
mod connections;
mod deadline;
mod described;
mod guarded;
mod load;
mod panics;
mod protocol;
mod serve;
mod settings;
mod sizes;
mod traces;

pub use described::InvalidDescription;
pub use serve::{Ended, GrpcServer};
pub use settings::ServerSettings;
