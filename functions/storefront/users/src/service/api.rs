use std::collections::BTreeSet;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::get;
use onecommit_engine::{DatabaseError, Transaction};
use onecommit_event::{Event, EventError, Metadata};
use onecommit_http::{ApiError, Json};
use onecommit_sealing::SealError;
use serde::{Deserialize, Serialize};
use tracing::{error, warn};

use crate::Users;
use crate::service::facts::FactError;
use crate::service::row::{Known, ReadError};
use crate::{Channel, Contact, Preferences, Profile, User, UserChange, UserError, UserId};

/// How often a change is worked out anew because somebody else changed the same user meanwhile.
const TRIES_MAX: u32 = 3;

pub(crate) fn router(users: Users) -> Router {
    Router::new()
        .route("/users/{user_id}", get(profile).put(put_profile))
        .route("/users/{user_id}/preferences", get(preferences).put(put_preferences))
        .with_state(users)
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ShownUser {
    user_id: String,
    #[serde(flatten)]
    profile: Profile,
    /// How many changes the user has seen.
    version: u64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ShownPreferences {
    user_id: String,
    #[serde(flatten)]
    preferences: Preferences,
    version: u64,
}

/// All of a profile: what is left out is not there any more. A field that is unknown is written wrongly, so it is refused.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct WantedProfile {
    display_name: String,
    locale: Option<String>,
}

impl From<WantedProfile> for Profile {
    fn from(wanted: WantedProfile) -> Self {
        Self {
            display_name: wanted.display_name,
            locale: wanted.locale,
        }
    }
}

/// All of the preferences; see [`WantedProfile`]. `channels` has to be there, so that `{}` does not take them away.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct WantedPreferences {
    email: Option<String>,
    phone: Option<String>,
    push_endpoint: Option<String>,
    channels: BTreeSet<Channel>,
}

impl From<WantedPreferences> for Preferences {
    fn from(wanted: WantedPreferences) -> Self {
        Self {
            contact: Contact {
                email: wanted.email,
                phone: wanted.phone,
                push_endpoint: wanted.push_endpoint,
            },
            channels: wanted.channels,
        }
    }
}

async fn profile(State(users): State<Users>, Path(user_id): Path<String>) -> Result<Json<ShownUser>, ApiError> {
    let id = valid(user_id)?;
    shown_user(&id, users.known(&id).await?)
}

async fn put_profile(
    State(users): State<Users>,
    Path(user_id): Path<String>,
    Json(wanted): Json<WantedProfile>,
) -> Result<Json<ShownUser>, ApiError> {
    let id = valid(user_id)?;
    let profile = Profile::from(wanted);
    let known = users.change(&id, |user| user.told(profile.clone())).await?;
    shown_user(&id, known)
}

async fn preferences(
    State(users): State<Users>,
    Path(user_id): Path<String>,
) -> Result<Json<ShownPreferences>, ApiError> {
    let id = valid(user_id)?;
    shown_preferences(&id, users.known(&id).await?)
}

async fn put_preferences(
    State(users): State<Users>,
    Path(user_id): Path<String>,
    Json(wanted): Json<WantedPreferences>,
) -> Result<Json<ShownPreferences>, ApiError> {
    let id = valid(user_id)?;
    let preferences = Preferences::from(wanted);
    let known = users.change(&id, |user| user.prefers(preferences.clone())).await?;
    shown_preferences(&id, known)
}

impl Users {
    async fn known(&self, id: &UserId) -> Result<Known, ApiError> {
        self.read(id).await.map_err(unread)
    }

    /// Reads the user, works out what changes, and writes row and event at once; anew when somebody else was quicker.
    async fn change(
        &self,
        id: &UserId,
        change: impl Fn(&User) -> Result<Option<UserChange>, UserError>,
    ) -> Result<Known, ApiError> {
        for _ in 0..TRIES_MAX {
            let known = self.known(id).await?;
            let Some(change) = change(&known.user).map_err(refused)? else {
                return Ok(known);
            };
            let event = self.event(id, known.version + 1, &change).await?;
            let row = self.replace(id, &known, &change.user).await.map_err(unsealed)?;
            let transaction = Transaction {
                token: self.environment.ids().next(),
                writes: vec![row.into(), self.log.put(&event).into()],
            };
            match self.database.transact(&transaction).await {
                Err(DatabaseError::Cancelled(_)) => {}
                landed => {
                    landed?;
                    return Ok(Known {
                        user: change.user,
                        version: known.version + 1,
                    });
                }
            }
        }
        let message = "this user is being changed at the same time; send the same request again";
        Err(ApiError::conflict("userChanged", message))
    }

    async fn event(&self, id: &UserId, version: u64, change: &UserChange) -> Result<Event, ApiError> {
        let event = self.event_of(id, change).await.map_err(|error| match error {
            FactError::Seal(error) => unsealed(error),
            FactError::Event(error) => no_event(&error),
        })?;
        let metadata = Metadata {
            user_id: Some(id.to_string()),
            sequence: Some(version),
            ..Metadata::starting(self.environment.ids().next().to_string())
        };
        let stream = id.stream().map_err(|error| no_event(&error))?;
        Event::from_new(event, stream, metadata, &self.environment).map_err(|error| no_event(&error))
    }
}

fn no_event(error: &EventError) -> ApiError {
    error!(error = %error, "event for a user change cannot be built");
    ApiError::internal()
}

fn unread(error: ReadError) -> ApiError {
    match error {
        ReadError::Database(error) => error.into(),
        ReadError::Seal(error) => unsealed(error),
        ReadError::Forgotten(_) => forgotten(),
        ReadError::Row(_) => {
            error!(error = %error, "row of a user cannot be read");
            ApiError::internal()
        }
    }
}

fn unsealed(error: SealError) -> ApiError {
    match error {
        SealError::Forgotten { .. } => forgotten(),
        SealError::Database(error) => error.into(),
        error if error.is_transient() => {
            warn!(error = %error, "user data could not be sealed or opened for now");
            ApiError::unavailable("the keys of users are not available; send the same request again")
        }
        error => {
            error!(error = %error, "user data cannot be sealed or opened");
            ApiError::internal()
        }
    }
}

fn forgotten() -> ApiError {
    let message = "this user was forgotten and cannot be stored again; register under another id";
    ApiError::new(StatusCode::GONE, "forgottenUser", message)
}

fn valid(user_id: String) -> Result<UserId, ApiError> {
    UserId::new(user_id).map_err(refused)
}

fn refused(error: UserError) -> ApiError {
    let message = error.to_string();
    match error {
        UserError::Unknown => ApiError::not_found("unknownUser", message),
        UserError::Id => ApiError::invalid("invalidUserId", message),
        UserError::Name | UserError::Locale => ApiError::invalid("invalidProfile", message),
        UserError::Email | UserError::Phone | UserError::PushEndpoint | UserError::NoAddress(..) => {
            ApiError::invalid("invalidPreferences", message)
        }
    }
}

fn shown_user(id: &UserId, known: Known) -> Result<Json<ShownUser>, ApiError> {
    let unknown = || refused(UserError::Unknown);
    Ok(Json(ShownUser {
        user_id: id.to_string(),
        profile: known.user.profile.ok_or_else(unknown)?,
        version: known.version,
    }))
}

fn shown_preferences(id: &UserId, known: Known) -> Result<Json<ShownPreferences>, ApiError> {
    if known.user.profile.is_none() {
        return Err(refused(UserError::Unknown));
    }
    Ok(Json(ShownPreferences {
        user_id: id.to_string(),
        preferences: known.user.preferences,
        version: known.version,
    }))
}
