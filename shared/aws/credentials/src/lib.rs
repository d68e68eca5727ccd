//! Who a process is to AWS that is not a Lambda function: a container on ECS or EKS, an instance, a developer's machine.
//!
//! A crate of its own, so that Lambda functions, which find their credentials in the environment, are not linked with
//! what it takes to ask for them.

use std::error::Error;
use std::fmt;

use aws_config::default_provider::credentials::DefaultCredentialsChain;
use aws_config::provider_config::ProviderConfig;
use aws_credential_types::provider::ProvideCredentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_smithy_async::rt::sleep::TokioSleep;
use aws_smithy_async::time::SystemTimeSource;
use onecommit_aws_session::Session;

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
        .with_sleep_impl(TokioSleep::new())
        .with_time_source(SystemTimeSource::new());
    let chain = DefaultCredentialsChain::builder()
        .region(session.region())
        .configure(config)
        .build()
        .await;
    chain.provide_credentials().await.map_err(NoCredentials)?;
    Ok(session.with_credentials(chain))
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
