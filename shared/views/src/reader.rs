use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::control::{ControlError, ViewControl};
use crate::control_cache::ControlCache;
use crate::definition::ViewRows;
use crate::name::ViewName;

/// Returns the rows of the active generation of a view, for readers.
///
/// It reads the control row again when its copy is older than the refresh time. Until then a reader sees the previous
/// generation, which is complete and a moment old; an incomplete one is never visible.
pub struct ViewReader {
    view: ViewName,
    knowledge: Arc<ControlCache>,
}

/// Why the rows of a view cannot be read.
#[derive(Debug)]
#[non_exhaustive]
pub enum ReadError {
    /// The control rows could not be read.
    Control(ControlError),
    /// The view was announced and has never been built: rebuild it.
    NotBuilt(ViewName),
}

impl ViewReader {
    /// A reader of this view.
    #[must_use]
    pub fn new(view: ViewName, control: ViewControl, refresh: Duration) -> Self {
        Self {
            view,
            knowledge: Arc::new(ControlCache::new(control, refresh)),
        }
    }

    /// A reader of another view, which shares what this one knows of the control rows: they are read once for both.
    #[must_use]
    pub fn beside(&self, view: ViewName) -> Self {
        Self {
            view,
            knowledge: Arc::clone(&self.knowledge),
        }
    }

    /// The rows of the active generation: no request, or one when the refresh time is over.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub async fn rows(&self) -> Result<ViewRows, ReadError> {
        let (known, _) = self.knowledge.get().await.map_err(ReadError::Control)?;
        let active = known.generations(&self.view).active;
        let active = active.ok_or_else(|| ReadError::NotBuilt(self.view.clone()))?;
        Ok(ViewRows::new(
            self.knowledge.control().table().clone(),
            &self.view,
            active,
        ))
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Control(_) => formatter.write_str("the active generation of the view could not be read"),
            Self::NotBuilt(view) => write!(formatter, "{view} has not been built; rebuild it"),
        }
    }
}

impl std::error::Error for ReadError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Control(error) => Some(error),
            Self::NotBuilt(_) => None,
        }
    }
}
