//! Lambda: who calls a REST API - by a service token, a user's session or an API key - and which of its routes they may use.

mod authorizer;
mod config;
mod policy;
mod request;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use onecommit_aws::Wiring;
use onecommit_client::{HttpTransport, RootCertificates};
use onecommit_tokens::{ApiKeyVerifier, Authenticator};

use crate::authorizer::Authorizer;

fn main() -> ExitCode {
    onecommit_lambda::start(async {
        let (wiring, mut settings) = Wiring::of_function(config::settings)?;
        let (tables, environment) = (wiring.tables(), wiring.environment);
        let transport = HttpTransport::new(RootCertificates::default());
        // API Gateway keeps each answer for up to a minute; a second minute here would be added to it.
        let api_keys =
            ApiKeyVerifier::new(tables, settings.api_keys.clone(), environment.clone()).keeping_for(Duration::ZERO);
        let callers = Authenticator::default().with_api_keys(api_keys);
        let callers = settings
            .issuers(&transport, &environment)?
            .into_iter()
            .fold(callers, Authenticator::with_tokens);
        let authorizer = Arc::new(Authorizer::new(callers, settings.routes));
        onecommit_lambda::serve_requests(environment, move |request: String| {
            let authorizer = Arc::clone(&authorizer);
            async move { authorizer.answer(&request).await }
        })
        .await
    })
}
