//! From what was fetched to the answer: the fields that were asked for, in their order, each as its type says.

mod fields;
mod introspection;
mod leaf;
mod shown;
mod view;

pub(crate) use view::{View, view};
