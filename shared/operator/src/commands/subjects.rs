use onecommit_sealing::{Sealer, SubjectState};
use serde::Serialize;

use crate::cli::Forget;
use crate::confirmation;
use crate::process::Failure;
use crate::terminal::Terminal;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Summary {
    subject: String,
    /// Whether there was a key to delete.
    had_key: bool,
    forgotten_at: String,
}

/// The key is there after it was deleted: somebody put it back.
#[derive(Debug, thiserror::Error)]
#[error("{subject} is not forgotten: its row was changed at the same time; try again")]
struct NotForgotten {
    subject: String,
}

/// Forgets a subject, after asking whether that is meant.
pub(crate) async fn forget(sealer: &Sealer, arguments: &Forget, terminal: &mut Terminal<'_>) -> Result<(), Failure> {
    let subject = &arguments.subject;
    let before = sealer.state(subject).await?;
    let question = match before {
        SubjectState::Forgotten { .. } => None,
        SubjectState::Known { since } => Some(format!(
            "All data sealed for {subject} since {since} becomes unreadable, in every copy. This cannot be undone."
        )),
        SubjectState::Unknown => Some(format!(
            "Nothing was ever sealed for {subject}: check how it is written. Nothing can be sealed for it after this."
        )),
    };
    if let Some(question) = question {
        if !arguments.yes {
            confirmation::ask(terminal, &question)??;
        }
        sealer.forget(subject).await?;
    }
    let SubjectState::Forgotten { when } = sealer.state(subject).await? else {
        return Err(NotForgotten {
            subject: subject.to_string(),
        }
        .into());
    };
    let summary = Summary {
        subject: subject.to_string(),
        had_key: matches!(before, SubjectState::Known { .. }),
        forgotten_at: when.to_string(),
    };
    terminal.print(&summary, |output| match before {
        SubjectState::Known { .. } => {
            writeln!(
                output,
                "{subject} is forgotten. Programs that keep keys in memory may read for up to 60 s."
            )
        }
        SubjectState::Unknown => writeln!(output, "{subject} is forgotten; nothing had been sealed for it."),
        SubjectState::Forgotten { when } => writeln!(output, "{subject} was already forgotten at {when}."),
    })?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use onecommit_engine::Table;
    use onecommit_environment::Environment;
    use onecommit_sealing::{Field, Opened, Sealed, Subject};
    use onecommit_testing::MemoryDatabase;
    use serde_json::Value;

    use super::*;
    use crate::commands::kit::Screen;

    const NAME: Field = Field::named("RecipientRegistered.name");

    fn sealer() -> Sealer {
        let tables = Arc::new(MemoryDatabase::default());
        Sealer::new(tables, Table::new("keys"), Environment::system())
    }

    fn arguments(yes: bool) -> Forget {
        Forget {
            subject: Subject::new("Recipient#r-7").unwrap(),
            yes,
        }
    }

    async fn sealed(sealer: &Sealer) -> Sealed<String> {
        sealer
            .seal(&arguments(true).subject, NAME, &"Ada".to_owned())
            .await
            .unwrap()
    }

    #[tokio::test]
    async fn a_subject_is_forgotten_only_after_confirmation() {
        let sealer = sealer();
        let name = sealed(&sealer).await;
        for answer in ["", "no\n", "y\n", "yes please\n"] {
            let mut screen = Screen::with_input(answer);
            let refused = forget(&sealer, &arguments(false), &mut screen.for_people()).await;
            assert!(
                refused.unwrap_err().to_string().contains("nothing was changed"),
                "{answer}"
            );
            assert!(screen.notes().contains("Recipient#r-7"));
            assert_eq!(sealer.open(NAME, &name).await.unwrap(), Opened::Known("Ada".to_owned()));
        }
        let mut screen = Screen::with_input("yes\n");
        forget(&sealer, &arguments(false), &mut screen.for_people())
            .await
            .unwrap();
        assert!(matches!(
            sealer.open(NAME, &name).await.unwrap(),
            Opened::Forgotten { .. }
        ));
    }

    #[tokio::test]
    async fn forgetting_twice_keeps_the_first_time() {
        let sealer = sealer();
        sealed(&sealer).await;
        let mut told = Vec::new();
        for _ in 0..2 {
            let mut screen = Screen::default();
            forget(&sealer, &arguments(true), &mut screen.for_programs())
                .await
                .unwrap();
            assert_eq!(screen.notes(), "");
            told.push(serde_json::from_str::<Value>(&screen.output()).unwrap());
        }
        assert_eq!((&told[0]["hadKey"], &told[1]["hadKey"]), (&true.into(), &false.into()));
        assert_eq!(told[0]["forgottenAt"], told[1]["forgottenAt"]);
    }

    #[tokio::test]
    async fn an_unknown_subject_is_questioned() {
        let mut screen = Screen::with_input("no\n");
        let refused = forget(&sealer(), &arguments(false), &mut screen.for_people()).await;
        assert!(refused.is_err());
        assert!(screen.notes().contains("check how it is written"));
    }
}
