use std::io::Write;

use onecommit_environment::Environment;
use onecommit_tokens::{ApiKey, ApiKeyState, ApiKeys, NewApiKey};
use serde::Serialize;

use crate::cli::{CreateKey, RevokeKey, RotateKey};
use crate::confirmation;
use crate::process::Failure;
use crate::terminal::Terminal;

/// What is known of a key, as programs read it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown {
    key_id: String,
    name: String,
    scopes: Vec<String>,
    per_minute: u32,
    status: &'static str,
    created_at: String,
    created_by: String,
    expires_at: Option<String>,
    revoked_at: Option<String>,
    rotated_to: Option<String>,
    last_used_at: Option<String>,
}

/// A new key: the one place where one is shown.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Made<'a> {
    key_id: String,
    key: &'a str,
    /// When the key whose place it takes ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    old_ends_at: Option<String>,
}

impl Shown {
    fn of(state: &ApiKeyState, environment: &Environment) -> Self {
        let text = |moment: &Option<_>| moment.as_ref().map(ToString::to_string);
        let status = match () {
            () if state.revoked_at.is_some() => "revoked",
            () if !state.is_valid_at(environment.clock().now()) => "expired",
            () if state.rotated_to.is_some() => "rotated",
            () => "valid",
        };
        Self {
            key_id: state.id.to_string(),
            name: state.name.clone(),
            scopes: state.scopes.iter().map(str::to_owned).collect(),
            per_minute: state.rate_per_minute,
            status,
            created_at: state.created_at.to_string(),
            created_by: state.created_by.clone(),
            expires_at: text(&state.expires_at),
            revoked_at: text(&state.revoked_at),
            rotated_to: state.rotated_to.as_ref().map(ToString::to_string),
            last_used_at: text(&state.last_used_at),
        }
    }

    fn write(&self, output: &mut dyn Write) -> std::io::Result<()> {
        let Self {
            key_id, name, status, ..
        } = self;
        writeln!(output, "{key_id}  {status:7}  {name}")?;
        let (scopes, per_minute) = (self.scopes.join(" "), self.per_minute);
        writeln!(output, "    {scopes}; {per_minute} requests per minute")?;
        let moment = |moment: &Option<String>| moment.clone().unwrap_or_else(|| "never".to_owned());
        let (ends, used) = (moment(&self.expires_at), moment(&self.last_used_at));
        writeln!(
            output,
            "    created {} by {}; ends {ends}; last used {used}",
            self.created_at, self.created_by
        )?;
        match &self.rotated_to {
            Some(successor) => writeln!(output, "    {successor} takes its place"),
            None => Ok(()),
        }
    }
}

/// Makes a key, and shows it this once.
pub(crate) async fn create(
    keys: &ApiKeys,
    arguments: &CreateKey,
    by: String,
    terminal: &mut Terminal<'_>,
) -> Result<(), Failure> {
    let new = NewApiKey {
        rate_per_minute: arguments.per_minute,
        expires_at: arguments.expires_at,
        ..NewApiKey::new(&arguments.name, arguments.scopes.clone(), by)
    };
    let (key, _) = keys.create(new).await?;
    show(&key, None, terminal)
}

/// Prints what is known of each key, the newest last.
pub(crate) async fn list(
    keys: &ApiKeys,
    environment: &Environment,
    terminal: &mut Terminal<'_>,
) -> Result<(), Failure> {
    let (states, malformed) = keys.list().await?;
    for state in &states {
        let shown = Shown::of(state, environment);
        terminal.print(&shown, |output| shown.write(output))?;
    }
    if states.is_empty() && !terminal.json {
        writeln!(terminal.notes, "There are no API keys.")?;
    }
    if malformed > 0 {
        let message = "rows are malformed: their keys are refused until they are restored or deleted";
        writeln!(terminal.notes, "{malformed} {message}")?;
    }
    Ok(())
}

/// Takes a key back, after asking whether that is meant.
pub(crate) async fn revoke(
    keys: &ApiKeys,
    arguments: &RevokeKey,
    by: &str,
    environment: &Environment,
    terminal: &mut Terminal<'_>,
) -> Result<(), Failure> {
    let before = keys.state(&arguments.key).await?;
    if before.revoked_at.is_none() && !arguments.yes {
        let question = format!(
            "{} ({}) will be refused wherever it is used, for good.",
            before.id, before.name
        );
        confirmation::ask(terminal, &question)??;
    }
    let after = keys.revoke(&arguments.key, by).await?;
    let shown = Shown::of(&after, environment);
    let when = shown.revoked_at.clone().unwrap_or_default();
    terminal.print(&shown, |output| match before.revoked_at {
        Some(_) => writeln!(output, "{} was already revoked at {when}.", after.id),
        None => writeln!(
            output,
            "{} is revoked. Where it is kept, it is refused after 60 s.",
            after.id
        ),
    })?;
    Ok(())
}

/// Makes a key in place of another, and shows it this once.
pub(crate) async fn rotate(
    keys: &ApiKeys,
    arguments: &RotateKey,
    by: &str,
    terminal: &mut Terminal<'_>,
) -> Result<(), Failure> {
    let rotation = keys.rotate(&arguments.key, arguments.overlap(), by).await?;
    show(&rotation.key, Some(rotation.old_ends_at.to_string()), terminal)
}

fn show(key: &ApiKey, old_ends_at: Option<String>, terminal: &mut Terminal<'_>) -> Result<(), Failure> {
    let made = Made {
        key_id: key.id().to_string(),
        key: key.expose(),
        old_ends_at,
    };
    terminal.print(&made, |output| writeln!(output, "{}", made.key))?;
    if !terminal.json {
        if let Some(end) = &made.old_ends_at {
            writeln!(terminal.notes, "The old key is accepted until {end}.")?;
        }
        writeln!(terminal.notes, "Keep the key now: it cannot be printed again.")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use onecommit_engine::Table;
    use onecommit_testing::MemoryDatabase;
    use onecommit_tokens::{ApiKeyVerifier, Scopes};
    use serde_json::Value;

    use super::*;
    use crate::commands::kit::{Screen, log};

    const ME: &str = "arn:aws:iam::000000000000:user/ada";

    struct Fixture {
        keys: ApiKeys,
        verifier: ApiKeyVerifier,
        environment: Environment,
    }

    fn fixture() -> Fixture {
        let (tables, environment) = (Arc::new(MemoryDatabase::default()), Environment::system());
        let table = || Table::new("keys");
        Fixture {
            keys: ApiKeys::new(tables.clone(), table(), log(), environment.clone()),
            verifier: ApiKeyVerifier::new(tables, table(), environment.clone()).keeping_for(std::time::Duration::ZERO),
            environment,
        }
    }

    fn partner() -> CreateKey {
        CreateKey {
            name: "partner".to_owned(),
            scopes: Scopes::parse("parcels:read").unwrap(),
            per_minute: 60,
            expires_at: None,
        }
    }

    async fn made(fixture: &Fixture) -> Value {
        let mut screen = Screen::default();
        create(&fixture.keys, &partner(), ME.to_owned(), &mut screen.for_programs())
            .await
            .unwrap();
        serde_json::from_str(&screen.output()).unwrap()
    }

    fn text<'a>(made: &'a Value, name: &str) -> &'a str {
        made[name].as_str().unwrap()
    }

    async fn listed(fixture: &Fixture) -> Vec<Value> {
        let mut screen = Screen::default();
        list(&fixture.keys, &fixture.environment, &mut screen.for_programs())
            .await
            .unwrap();
        screen
            .output()
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    #[tokio::test]
    async fn a_key_is_shown_once_and_never_listed() {
        let fixture = fixture();
        let mut screen = Screen::default();
        create(&fixture.keys, &partner(), ME.to_owned(), &mut screen.for_people())
            .await
            .unwrap();
        let key = screen.output().trim().to_owned();
        assert!(fixture.verifier.verify(&key).await.is_ok());
        assert!(screen.notes().contains("cannot be printed again"));
        let mut screen = Screen::default();
        list(&fixture.keys, &fixture.environment, &mut screen.for_people())
            .await
            .unwrap();
        let shown = screen.output() + &screen.notes();
        let (id, secret) = key.trim_start_matches("ock_").split_once('.').unwrap();
        assert!(shown.contains(id) && shown.contains("valid") && shown.contains("60 requests per minute"));
        assert!(!shown.contains(secret));
        let [state] = &listed(&fixture).await[..] else {
            panic!("not one key")
        };
        assert_eq!(
            (&state["createdBy"], &state["scopes"][0]),
            (&ME.into(), &"parcels:read".into())
        );
        assert!(!state.to_string().contains(secret));
    }

    #[tokio::test]
    async fn a_key_is_revoked_only_after_confirmation() {
        let fixture = fixture();
        let made = made(&fixture).await;
        let arguments = |yes| RevokeKey {
            key: text(&made, "keyId").parse().unwrap(),
            yes,
        };
        let mut screen = Screen::with_input("no\n");
        let refused = revoke(
            &fixture.keys,
            &arguments(false),
            ME,
            &fixture.environment,
            &mut screen.for_people(),
        )
        .await;
        assert!(refused.unwrap_err().to_string().contains("nothing was changed"));
        assert!(screen.notes().contains("partner"));
        assert!(fixture.verifier.verify(text(&made, "key")).await.is_ok());
        for _ in 0..2 {
            let mut screen = Screen::default();
            revoke(
                &fixture.keys,
                &arguments(true),
                ME,
                &fixture.environment,
                &mut screen.for_programs(),
            )
            .await
            .unwrap();
            let shown: Value = serde_json::from_str(&screen.output()).unwrap();
            assert_eq!(shown["status"], "revoked");
        }
        assert!(fixture.verifier.verify(text(&made, "key")).await.is_err());
    }

    #[tokio::test]
    async fn a_rotated_key_and_its_successor_are_both_accepted() {
        let fixture = fixture();
        let old = made(&fixture).await;
        let arguments = RotateKey {
            key: text(&old, "keyId").parse().unwrap(),
            overlap_hours: 1,
        };
        let mut screen = Screen::default();
        rotate(&fixture.keys, &arguments, ME, &mut screen.for_programs())
            .await
            .unwrap();
        let new: Value = serde_json::from_str(&screen.output()).unwrap();
        for key in [text(&old, "key"), text(&new, "key")] {
            assert!(fixture.verifier.verify(key).await.is_ok());
        }
        // Both may have been made in one millisecond, so neither is the first one for sure.
        let states = listed(&fixture).await;
        let rotated = states.iter().find(|state| state["keyId"] == old["keyId"]).unwrap();
        assert_eq!(
            (&rotated["status"], &rotated["rotatedTo"]),
            (&"rotated".into(), &new["keyId"])
        );
        assert_eq!(rotated["expiresAt"], new["oldEndsAt"]);
        let again = rotate(&fixture.keys, &arguments, ME, &mut Screen::default().for_people()).await;
        assert!(
            again.unwrap_err().to_string().contains(text(&new, "keyId")),
            "the error names the key to rotate"
        );
    }

    #[tokio::test]
    async fn a_table_without_keys_says_so() {
        let fixture = fixture();
        let mut screen = Screen::default();
        list(&fixture.keys, &fixture.environment, &mut screen.for_people())
            .await
            .unwrap();
        assert_eq!(
            (screen.output().as_str(), screen.notes().as_str()),
            ("", "There are no API keys.\n")
        );
    }
}
