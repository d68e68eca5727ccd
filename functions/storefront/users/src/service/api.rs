use std::collections::BTreeSet;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use onecommit_engine::{DatabaseError, EventLog, Transaction};
use onecommit_environment::Timestamp;
use onecommit_event::{Event, EventError, Metadata};
use onecommit_http::{ApiError, Json, Preconditions, with_version};
use onecommit_sealing::SealError;
use serde::{Deserialize, Serialize};
use tracing::{error, warn};

use crate::Users;
use crate::service::facts::FactError;
use crate::service::row::{Known, ReadError};
use crate::{Channel, Contact, Preferences, Profile, User, UserChange, UserError, UserId};

/// How often a change is worked out anew because somebody else changed the same user meanwhile.
const TRIES_MAX: u32 = 3;

/// The routes of this API, for its description.
#[cfg(feature = "openapi")]
#[derive(utoipa::OpenApi)]
#[openapi(paths(profile, put_profile, preferences, put_preferences))]
pub(crate) struct Described;

pub(crate) fn router(users: Users) -> Router {
    Router::new()
        .route("/users/{user_id}", get(profile).put(put_profile))
        .route("/users/{user_id}/preferences", get(preferences).put(put_preferences))
        .with_state(users)
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
struct ShownUser {
    user_id: String,
    #[serde(flatten)]
    profile: Profile,
    /// When the user's first event happened; absent where neither the row nor that event says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    created_at: Option<String>,
    /// How many changes the user has seen.
    version: u64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
struct ShownPreferences {
    user_id: String,
    #[serde(flatten)]
    preferences: Preferences,
    version: u64,
}

/// All of a profile: what is left out is not there any more. A field that is unknown is written wrongly, so it is refused.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
struct WantedProfile {
    /// 1 to 200 bytes.
    #[cfg_attr(
        feature = "openapi",
        schema(min_length = 1, max_length = 200, pattern = r"^[^\x00-\x1f\x7f-\x9f]+$")
    )]
    display_name: String,
    #[cfg_attr(feature = "openapi", schema(pattern = "^[A-Za-z0-9-]{2,35}$"))]
    locale: Option<String>,
    /// An https URL.
    #[cfg_attr(feature = "openapi", schema(max_length = 2048, pattern = "^https://"))]
    avatar: Option<String>,
}

impl From<WantedProfile> for Profile {
    fn from(wanted: WantedProfile) -> Self {
        Self {
            display_name: wanted.display_name,
            locale: wanted.locale,
            avatar: wanted.avatar,
        }
    }
}

/// All of the preferences; see [`WantedProfile`]. `channels` has to be there, so that `{}` does not take them away.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
struct WantedPreferences {
    #[cfg_attr(feature = "openapi", schema(min_length = 3, max_length = 254))]
    email: Option<String>,
    #[cfg_attr(feature = "openapi", schema(pattern = r"^\+[0-9]{8,15}$"))]
    phone: Option<String>,
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 2048, pattern = r"^\S+$"))]
    push_endpoint: Option<String>,
    /// Each needs its address. One that is named twice counts once.
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<Channel>))]
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

#[cfg_attr(
    feature = "openapi",
    utoipa::path(get, path = "/users/{userId}", summary = "Who a user is", params(("userId" = String, Path, pattern = "^[A-Za-z0-9._:@-]{1,128}$", example = "ada"), ("If-None-Match" = Option<String>, Header, description = "A version that the caller has.")), responses((status = 200, description = "The user.", body = ShownUser)))
)]
async fn profile(
    State(users): State<Users>,
    Path(user_id): Path<String>,
    preconditions: Preconditions,
) -> Result<Response, ApiError> {
    let id = valid(user_id)?;
    let known = users.known(&id).await?;
    let (version, shown) = (known.version, users.shown(&id, known).await?);
    Ok(preconditions.answer(version, Json(shown)))
}

#[cfg_attr(
    feature = "openapi",
    utoipa::path(put, path = "/users/{userId}", summary = "Register a user, or change who they are", params(("userId" = String, Path, pattern = "^[A-Za-z0-9._:@-]{1,128}$", example = "ada"), ("If-Match" = Option<String>, Header, description = "Only this version."), ("If-None-Match" = Option<String>, Header, description = "`*` only creates.")), request_body(content = WantedProfile, example = json!({"displayName": "Ada", "locale": "de-DE"})), responses((status = 200, description = "The user from now on.", body = ShownUser)))
)]
async fn put_profile(
    State(users): State<Users>,
    Path(user_id): Path<String>,
    preconditions: Preconditions,
    Json(wanted): Json<WantedProfile>,
) -> Result<Response, ApiError> {
    let id = valid(user_id)?;
    let profile = Profile::from(wanted);
    let known = users.change(&id, &preconditions, |user| user.told(profile.clone()));
    let known = known.await?;
    let (version, shown) = (known.version, users.shown(&id, known).await?);
    Ok(with_version(version, Json(shown)))
}

#[cfg_attr(
    feature = "openapi",
    utoipa::path(get, path = "/users/{userId}/preferences", summary = "How a user is reached", params(("userId" = String, Path, pattern = "^[A-Za-z0-9._:@-]{1,128}$", example = "ada"), ("If-None-Match" = Option<String>, Header, description = "A version that the caller has.")), responses((status = 200, description = "The preferences.", body = ShownPreferences)))
)]
async fn preferences(
    State(users): State<Users>,
    Path(user_id): Path<String>,
    preconditions: Preconditions,
) -> Result<Response, ApiError> {
    let id = valid(user_id)?;
    let shown = shown_preferences(&id, users.known(&id).await?)?;
    Ok(preconditions.answer(shown.version, Json(shown)))
}

#[cfg_attr(
    feature = "openapi",
    utoipa::path(put, path = "/users/{userId}/preferences", summary = "Change how a user is reached", params(("userId" = String, Path, pattern = "^[A-Za-z0-9._:@-]{1,128}$", example = "ada"), ("If-Match" = Option<String>, Header, description = "Only this version."), ("If-None-Match" = Option<String>, Header, description = "`*` only creates.")), request_body(content = WantedPreferences, example = json!({"email": "ada@example.com", "channels": ["email"]})), responses((status = 200, description = "The preferences from now on.", body = ShownPreferences)))
)]
async fn put_preferences(
    State(users): State<Users>,
    Path(user_id): Path<String>,
    preconditions: Preconditions,
    Json(wanted): Json<WantedPreferences>,
) -> Result<Response, ApiError> {
    let id = valid(user_id)?;
    let preferences = Preferences::from(wanted);
    let known = users.change(&id, &preconditions, |user| user.prefers(preferences.clone()));
    let shown = shown_preferences(&id, known.await?)?;
    Ok(with_version(shown.version, Json(shown)))
}

impl Users {
    async fn known(&self, id: &UserId) -> Result<Known, ApiError> {
        self.read(id).await.map_err(unread)
    }

    /// The user as callers see them.
    async fn shown(&self, id: &UserId, known: Known) -> Result<ShownUser, ApiError> {
        let profile = known.user.profile.ok_or_else(|| refused(UserError::Unknown))?;
        let created_at = match known.created_at {
            Some(created_at) => Some(created_at),
            None => self.first_event_time(id).await?,
        };
        Ok(ShownUser {
            user_id: id.to_string(),
            profile,
            created_at: created_at.map(|at| at.to_string()),
            version: known.version,
        })
    }

    /// The time of a user's first event, for rows of the time before it was noted there.
    async fn first_event_time(&self, id: &UserId) -> Result<Option<Timestamp>, ApiError> {
        let stream = id.stream().map_err(|error| no_event(&error))?;
        let first = self.tables.get(self.log.table(), &EventLog::key(&stream, 1)).await?;
        let event = first.and_then(|row| EventLog::event_in(&row).ok());
        if event.is_none() {
            warn!("the first event of a user is missing from the table of events, or cannot be read");
        }
        Ok(event.map(|event| event.timestamp()))
    }

    /// Reads the user, works out what changes, and writes row and event at once; anew when somebody else was quicker.
    async fn change(
        &self,
        id: &UserId,
        preconditions: &Preconditions,
        change: impl Fn(&User) -> Result<Option<UserChange>, UserError>,
    ) -> Result<Known, ApiError> {
        for _ in 0..TRIES_MAX {
            let mut known = self.known(id).await?;
            preconditions.check(Some(known.version).filter(|version| *version > 0))?;
            let Some(change) = change(&known.user).map_err(refused)? else {
                return Ok(known);
            };
            let event = self.event(id, known.version + 1, &change).await?;
            if known.version == 0 {
                known.created_at = Some(event.timestamp());
            }
            let row = self.replace(id, &known, &change.user).await.map_err(unsealed)?;
            let transaction = Transaction {
                token: self.environment.ids().next(),
                writes: vec![row.into(), self.log.put(&event).into()],
            };
            match self.tables.transact(&transaction).await {
                Err(DatabaseError::Cancelled(_)) => {}
                landed => {
                    landed?;
                    return Ok(Known {
                        user: change.user,
                        version: known.version + 1,
                        created_at: known.created_at,
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
        UserError::Name | UserError::Locale | UserError::Avatar => ApiError::invalid("invalidProfile", message),
        UserError::Email | UserError::Phone | UserError::PushEndpoint | UserError::NoAddress(..) => {
            ApiError::invalid("invalidPreferences", message)
        }
    }
}

fn shown_preferences(id: &UserId, known: Known) -> Result<ShownPreferences, ApiError> {
    if known.user.profile.is_none() {
        return Err(refused(UserError::Unknown));
    }
    Ok(ShownPreferences {
        user_id: id.to_string(),
        preferences: known.user.preferences,
        version: known.version,
    })
}
