use onecommit_commit::{Atomic, Commit, Failure};
use onecommit_domain_users::{
    ChangeUserPreferences, User, UserError, UserId, UserPreferencesRefused, UserPreferencesUnchanged,
};
use onecommit_event::{Event, NewEvent};

use crate::Users;
use crate::row::{self, Known};

/// Answered each time it comes: with what changed, that nothing did, or why it cannot be.
impl Atomic<ChangeUserPreferences> for Users {
    async fn handle(&self, event: Event<ChangeUserPreferences>) -> Result<Commit, Failure> {
        let asked = event.payload();
        let id = UserId::new(asked.user_id.as_str()).map_err(|error| Failure::reject(error.to_string()))?;
        let row = self.rows.get(&self.table, &row::key(&id)).await?;
        let known = Known::read(row.as_ref()).map_err(|error| Failure::reject(error.to_string()))?;
        let user_id = id.to_string();
        let (user, reply) = match known.user.prefers(&id, asked.preferences.clone()) {
            Ok(Some(change)) => (change.user, Ok(change.event)),
            Ok(None) => (known.user.clone(), NewEvent::of(&UserPreferencesUnchanged { user_id })),
            // There is no row to note the answer in.
            Err(error @ UserError::Unknown) => return Err(Failure::reject(error.to_string())),
            Err(error) => {
                let reason = error.to_string();
                (
                    known.user.clone(),
                    NewEvent::of(&UserPreferencesRefused { user_id, reason }),
                )
            }
        };
        self.commit(&id, &known, &user, reply.map_err(Failure::Invalid)?)
    }
}

impl Users {
    fn commit(&self, id: &UserId, known: &Known, user: &User, reply: NewEvent) -> Result<Commit, Failure> {
        let stream = id.stream().map_err(Failure::Invalid)?;
        let row = known.replaced_by(&self.table, id, user);
        Ok(Commit::of(row).append(stream, known.version, [reply]))
    }
}
