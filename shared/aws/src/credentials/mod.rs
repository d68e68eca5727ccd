//! Who a process is to AWS that is not a Lambda function: a container on ECS or EKS, an instance, a developer's machine.
//!
//! A crate of its own, so that Lambda functions, which find their credentials in the environment, are not linked with
//! what it takes to ask for them.

mod identity;

use std::error::Error;
use std::fmt;
use std::time::Duration;

use aws_config::default_provider::credentials::DefaultCredentialsChain;
use aws_config::provider_config::ProviderConfig;
use aws_credential_types::provider::ProvideCredentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_smithy_async::future::timeout::Timeout;
use aws_smithy_async::rt::sleep::{AsyncSleep, TokioSleep};
use aws_smithy_async::time::SystemTimeSource;

use crate::session::Session;

pub use identity::{UnknownIdentity, identity};

/// Looks for credentials where AWS tools do, in this order: environment, profile, web identity (EKS),
/// container (ECS, EKS pod identity), instance. They are renewed before they expire. A profile with SSO is reached
/// through its `credential_process`: the SSO clients would cost every build of the workspace a minute.
///
/// # Errors
/// When there are none: better said now than with the first request.
pub async fn load(session: Session) -> Result<Session, NoCredentials> {
    let config = ProviderConfig::empty()
        .with_region(Some(session.region()))
        .with_http_client(session.https_client())
        .with_timeout_config(session.timeouts())
        .with_sleep_impl(TokioSleep::new())
        .with_time_source(SystemTimeSource::new());
    let chain = DefaultCredentialsChain::builder()
        .region(session.region())
        .configure(config)
        .build()
        .await;
    found(&chain, FOUND_WITHIN).await?;
    Ok(session.with_credentials(chain))
}

/// How long all places together may take: a `credential_process` that waits for somebody to log in has no limit of its own.
/// Later, the SDK waits 5 s for credentials that it renews.
const FOUND_WITHIN: Duration = Duration::from_secs(60);

async fn found(provider: &impl ProvideCredentials, within: Duration) -> Result<(), NoCredentials> {
    let limit = TokioSleep::new().sleep(within);
    match Timeout::new(provider.provide_credentials(), limit).await {
        Ok(found) => found.map(drop).map_err(NoCredentials),
        Err(_) => Err(NoCredentials(CredentialsError::provider_timed_out(within))),
    }
}

/// Nobody told this process who it is to AWS.
#[derive(Debug)]
pub struct NoCredentials(CredentialsError);

impl fmt::Display for NoCredentials {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(
            "there are no AWS credentials; give the container's task or service account a role, or set AWS_PROFILE, or \
             AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
        )
    }
}

impl Error for NoCredentials {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use aws_credential_types::provider::future::ProvideCredentials as Answer;

    use super::*;

    #[derive(Debug)]
    struct Silent;

    impl ProvideCredentials for Silent {
        fn provide_credentials<'a>(&'a self) -> Answer<'a>
        where
            Self: 'a,
        {
            Answer::new(std::future::pending())
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_provider_that_never_answers_is_given_up() {
        let error = found(&Silent, FOUND_WITHIN).await.unwrap_err();
        assert!(
            error.source().unwrap().to_string().contains("60 seconds"),
            "{:?}",
            error.source()
        );
    }
}
