use std::error::Error;
use std::fmt;

use crate::session::Session;

/// Asks AWS who this process is: the ARN of its user, or of its role with the name of its session.
///
/// # Errors
/// When AWS does not answer, or does not know the credentials.
pub async fn identity(session: &Session) -> Result<String, UnknownIdentity> {
    let sts = aws_sdk_sts::Client::new(&session.sdk_config());
    let answer = sts.get_caller_identity().send().await;
    let answer = answer.map_err(|error| UnknownIdentity(Some(error.into())))?;
    answer.arn.ok_or(UnknownIdentity(None))
}

/// AWS does not say who this process is.
#[derive(Debug)]
pub struct UnknownIdentity(Option<Box<dyn Error + Send + Sync>>);

impl fmt::Display for UnknownIdentity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(
            "the caller's identity could not be read (sts:GetCallerIdentity), and a request to a saga needs it; check \
             the credentials, and whether STS can be reached",
        )
    }
}

impl Error for UnknownIdentity {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.as_deref().map(|error| error as &(dyn Error + 'static))
    }
}

#[cfg(test)]
mod tests {
    use onecommit_config::Reader;

    use super::*;

    #[tokio::test]
    async fn without_an_answer_the_identity_is_unknown() {
        // Nothing listens on port 1.
        let variables = [
            ("AWS_ENDPOINT_URL", "http://127.0.0.1:1"),
            ("AWS_REGION", "eu-central-1"),
            ("AWS_ACCESS_KEY_ID", "test"),
            ("AWS_SECRET_ACCESS_KEY", "test"),
        ];
        let mut reader = Reader::new(&variables);
        let session = Session::read(&mut reader);
        reader.finish().unwrap();
        let error = identity(&session).await.unwrap_err();
        assert!(error.to_string().contains("sts:GetCallerIdentity") && error.source().is_some());
    }
}
