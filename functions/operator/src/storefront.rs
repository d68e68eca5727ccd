//! The views that the commands know: those of the storefront.

use std::sync::Arc;

use onecommit_engine::TableReader;
use onecommit_views::{InvalidViewName, ViewDefinition, ViewName};

/// The storefront's views. Rows are read for their handlers only.
pub(crate) struct Storefront(Vec<Arc<dyn ViewDefinition>>);

/// There is no such view in this program.
#[derive(Debug, thiserror::Error)]
#[error("there is no view {name}; this program knows {}", known.join(", "))]
pub(crate) struct UnknownView {
    name: ViewName,
    known: Vec<String>,
}

impl Storefront {
    pub(crate) fn new(rows: &Arc<dyn TableReader>) -> Self {
        Self(storefront_views::storefront(rows))
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
