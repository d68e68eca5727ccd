use std::sync::Arc;

use onecommit_engine::{DatabaseError, Table, TableReader};
use onecommit_environment::Timestamp;
use onecommit_sealing::{SealError, Sealer};
use tracing::error;

use crate::service::row::{ReadError, read};
use crate::{Profile, UserId};

/// Users, for what reads them and writes nothing.
#[derive(Clone)]
pub struct UserReader {
    rows: Arc<dyn TableReader>,
    table: Table,
    sealer: Arc<Sealer>,
}

/// A user as they see themselves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadUser {
    /// Who.
    pub id: UserId,
    /// What they told of themselves.
    pub profile: Profile,
    /// When their first event happened; rows of the time before this was noted do not say.
    pub created_at: Option<Timestamp>,
}

/// Why a user could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UserReadError {
    /// The table did not answer, or refuses to.
    #[error("the table of users did not answer")]
    Database(#[source] DatabaseError),
    /// The keys of users cannot be had for now.
    #[error("the keys of users are not available")]
    Keys(#[source] SealError),
    /// The row is not as this context writes it, or its data does not open.
    #[error("the row of a user cannot be read; the log says why")]
    Corrupt,
}

impl UserReader {
    /// Users in `table`, read through `rows`, whose data is opened by `sealer`.
    #[must_use]
    pub fn new(rows: Arc<dyn TableReader>, table: Table, sealer: Arc<Sealer>) -> Self {
        Self { rows, table, sealer }
    }

    /// The user; nothing where nobody registered under this id, or was forgotten. Two requests at most.
    ///
    /// # Errors
    /// See [`UserReadError`].
    pub async fn user(&self, id: &UserId) -> Result<Option<ReadUser>, UserReadError> {
        let known = match read(&*self.rows, &self.table, &self.sealer, id).await {
            Ok(known) => known,
            Err(ReadError::Forgotten(_) | ReadError::Seal(SealError::Forgotten { .. })) => return Ok(None),
            Err(ReadError::Database(error) | ReadError::Seal(SealError::Database(error))) => {
                return Err(UserReadError::Database(error));
            }
            Err(ReadError::Seal(error)) if error.is_transient() => return Err(UserReadError::Keys(error)),
            Err(other) => {
                error!(error = %other, "row of a user cannot be read");
                return Err(UserReadError::Corrupt);
            }
        };
        let created_at = known.created_at;
        Ok(known.user.profile.map(|profile| ReadUser {
            id: id.clone(),
            profile,
            created_at,
        }))
    }
}

impl std::fmt::Debug for UserReader {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("UserReader")
            .field("table", &self.table)
            .finish_non_exhaustive()
    }
}
