use onecommit_client::{CallContext, CallError, Client, segment};
use serde::Deserialize;

/// The API of recommendations.
#[derive(Clone, Debug)]
pub(crate) struct Recommendations(pub(super) Client);

#[derive(Deserialize)]
struct Answer {
    recommendations: Vec<Recommended>,
}

#[derive(Deserialize)]
struct Recommended {
    sku: String,
}

impl Recommendations {
    /// The SKUs of what may interest a person, the best first.
    pub(crate) async fn of(
        &self,
        customer: &str,
        count: usize,
        context: &CallContext,
    ) -> Result<Vec<String>, CallError> {
        let path = format!("/recommendations?customerId={}&limit={count}", segment(customer));
        let answer: Answer = self.0.on_behalf_of(context).get(&path).without_cache().await?;
        Ok(answer.recommendations.into_iter().map(|one| one.sku).collect())
    }
}
