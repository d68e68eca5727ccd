//! From a text to a plan: parsed within limits, measured, validated, planned.

mod measure;
mod meta;
mod plan_cache;
mod planning;
mod prepare;
mod trusted;
mod variables;

pub(crate) use plan_cache::PlanCache;
pub(crate) use prepare::{Preparation, Prepared};
pub(crate) use variables::{coerce, constant};

pub use trusted::{TrustedDocuments, TrustedDocumentsError};
