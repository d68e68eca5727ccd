//! Least privilege, executed in the simulation: each request of a process is put to the role that the template gives to
//! the function it stands for, and to the policy of the resource that it is for.
//!
//! Roles and policies are those of `infra/template.yaml`, read and resolved; the evaluator is the one that stands between
//! functions and the local AWS in the end-to-end tests. A world's names are translated to the template's by a [`Cast`]: its
//! table `events` is `EventsTable`, its saga's rows are an order's. What is not granted is denied, as AWS denies it, and the
//! scenario fails by the name of process, function, role and action; a name that no [`Part`] has is denied likewise.
//!
//! Put to it are reads and writes of tables, entries of transactions, marks of the relay, what is published, sent, parked and
//! put off, the right to take from a queue, and payloads left in a bucket and claimed from it. What SNS does with an event
//! that was published is put to the policies of the queues: that it may deliver there, and that it may leave at the
//! dead-letter queue what it cannot deliver. The simulation has no port to KMS or to SES, so keys and mail are left to the
//! end-to-end tests.

mod actor;
mod between;
mod calls;
mod cast;
mod deployed;
mod roles;

pub use cast::{Cast, Channel, Part};
pub use onecommit_authority::{Template, TemplateError};
pub use roles::{Judged, Roles, RolesError};

/// The template that roles and policies are read from.
pub const TEMPLATE: &str = include_str!("../../../infra/template.yaml");

/// It, with a bucket for payloads, so that what is for the bucket is granted as well.
///
/// # Errors
/// When it is not a template.
pub fn template() -> Result<Template, TemplateError> {
    of_text(TEMPLATE)
}

/// The same of another text, such as the template with one policy changed.
///
/// # Errors
/// When it is not a template.
pub fn of_text(text: &str) -> Result<Template, TemplateError> {
    Template::read(text, &[("ClaimCheck", "on")])
}
