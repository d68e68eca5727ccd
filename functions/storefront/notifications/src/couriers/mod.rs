//! Who carries a notification to a person: SES and SNS behind the context's port.

mod direct;
mod email;

pub(crate) use direct::SnsDirect;
pub(crate) use email::SesEmail;
