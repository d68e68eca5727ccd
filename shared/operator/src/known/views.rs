//! The views that the commands know.

use std::sync::Arc;

use onecommit_engine::TableReader;
use onecommit_views::{InvalidViewName, ViewDefinition, ViewName};

/// Makes the definitions of views, whose handlers may read rows.
pub(crate) type ViewFactory = Box<dyn Fn(&Arc<dyn TableReader>) -> Vec<Arc<dyn ViewDefinition>>>;

/// The views that a service has named.
pub(crate) struct KnownViews(Vec<Arc<dyn ViewDefinition>>);

/// There is no such view in this program.
#[derive(Debug, thiserror::Error)]
#[error("there is no view {name}; this program knows {}", known_in_words(known))]
pub(crate) struct UnknownView {
    name: ViewName,
    known: Vec<String>,
}

fn known_in_words(known: &[String]) -> String {
    if known.is_empty() {
        return "none".to_owned();
    }
    known.join(", ")
}

impl KnownViews {
    pub(crate) fn new(definitions: Vec<Arc<dyn ViewDefinition>>) -> Self {
        Self(definitions)
    }

    /// The names of all of them.
    pub(crate) fn names(&self) -> Result<Vec<ViewName>, InvalidViewName> {
        self.0.iter().map(|view| ViewName::new(view.name())).collect()
    }

    /// The view of this name.
    pub(crate) fn find(&self, name: &ViewName) -> Result<Arc<dyn ViewDefinition>, UnknownView> {
        let found = self.0.iter().find(|view| view.name() == name.as_str());
        found.cloned().ok_or_else(|| UnknownView {
            name: name.clone(),
            known: self.0.iter().map(|view| view.name().to_owned()).collect(),
        })
    }
}
