//! Least privilege, executed: what a stack's roles and resource policies grant is asked for each AWS request that its
//! functions make to a local AWS, which itself would let everything pass.
//!
//! A [`Proxy`] stands between functions and the local AWS. It recognises what a request does ([`request`]), asks the
//! [`Authority`], which knows the policies that were deployed, and answers as AWS does when a request is denied. What
//! was granted and never used is listed at the end. A policy or a request that is not understood is a failure by name:
//! passing it would prove nothing.
//!
//! A simulation, which deploys nothing, has the [`Authority`] learn what a [`Template`] would deploy, and asks it itself.

mod authority;
mod call;
mod exceptions;
mod pattern;
pub mod policy;
mod proxy;
mod refusal;
mod report;
pub mod request;
mod stack;
mod tables;
mod template;

pub use authority::{Authority, Caller, Denial};
pub use call::{Call, Key};
pub use exceptions::{Exception, Exceptions};
pub use policy::PolicyError;
pub use proxy::Proxy;
pub use report::Report;
pub use stack::{Function, ResourcePolicy, Role, ServiceCall, Stack};
pub use template::{ACCOUNT, Template, TemplateError};
