//! Service tokens: signing many, and checking each once or one many times.

use std::time::Instant;

use anyhow::{Result, bail};
use onecommit_environment::Environment;
use onecommit_tokens::{Algorithm, Expected, Jwks, KeySet, Scopes, SigningKey, TokenSigner, TokenVerifier};
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub(crate) const ISSUER: &str = "https://bench.internal";

/// Tokens for different audiences, so that each is another one, and the key that checks them.
#[derive(Debug, Serialize)]
pub(crate) struct Signed {
    tokens: Vec<String>,
    audience: String,
    key: Value,
}

/// Checks each of the tokens.
#[derive(Debug, Deserialize)]
pub(crate) struct Check {
    tokens: Vec<String>,
    key: Value,
    issuer: String,
    audience: String,
}

pub(crate) fn sign(algorithm: &str, times: usize, environment: &Environment) -> Result<Signed> {
    let algorithm = match algorithm {
        "EdDSA" => Algorithm::EdDsa,
        "ES256" => Algorithm::Es256,
        other => bail!("no key is made for {other} here"),
    };
    let key = SigningKey::generate(algorithm, "bench")?;
    let public = key.public_jwk()?;
    let signer = TokenSigner::new(key, ISSUER, "bench", environment.clone());
    // A signer keeps what it signed for an audience and scopes: other scopes are another token.
    let tokens = (0..times).map(|at| {
        let scopes = Scopes::parse(&format!("bench:{at}"))?;
        Ok(signer.token("bench", &scopes)?.expose().to_owned())
    });
    Ok(Signed {
        tokens: tokens.collect::<Result<_>>()?,
        audience: "bench".to_owned(),
        key: public,
    })
}

impl Check {
    pub(crate) async fn run(&self, environment: &Environment) -> Result<Vec<u64>> {
        let keys = KeySet::from_json(&serde_json::json!({"keys": [self.key]}).to_string())?;
        let keys = Jwks::fixed(keys, environment.clone());
        let expected = Expected::service_token(self.issuer.as_str(), self.audience.as_str());
        let verifier = TokenVerifier::new(keys, expected, environment.clone());
        let mut ns = Vec::with_capacity(self.tokens.len());
        for token in &self.tokens {
            let start = Instant::now();
            verifier
                .verify(token)
                .await
                .map_err(|refusal| anyhow::anyhow!("{refusal:?}"))?;
            ns.push(crate::since(start));
        }
        Ok(ns)
    }
}
