use std::fmt;
use std::time::Duration;

use crate::control::{ControlError, ViewControl};
use crate::definition::ViewRows;
use crate::knowledge::Knowledge;
use crate::name::ViewName;

/// Tells whoever shows a view which rows to read: those of the active generation.
///
/// It looks at the control row again when what it knows is older than the refresh time. Until then a reader sees the
/// generation before, which is whole and a moment old; a half-built one nobody sees.
pub struct ViewReader {
    view: ViewName,
    knowledge: Knowledge,
}

/// Why there are no rows to read.
#[derive(Debug)]
#[non_exhaustive]
pub enum ReadError {
    /// The control rows did not tell.
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
            knowledge: Knowledge::new(control, refresh),
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
            Self::Control(_) => formatter.write_str("which generation of the view serves is not to be known"),
            Self::NotBuilt(view) => write!(formatter, "{view} has never been built; rebuild it"),
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
