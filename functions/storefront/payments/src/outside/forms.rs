//! What the provider sends and receives.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// `POST /intents`: take this money, once for each reference.
#[derive(Serialize)]
pub(super) struct NewIntent<'a> {
    pub(super) reference: &'a str,
    /// A decimal with all digits of the currency.
    pub(super) amount: String,
    pub(super) currency: String,
    pub(super) payer: &'a str,
    pub(super) instrument: &'a str,
}

/// `POST /cancellations`: no money is to be taken for this reference, unless it was before.
#[derive(Serialize)]
pub(super) struct NewCancellation<'a> {
    pub(super) reference: &'a str,
}

/// What the provider knows of a payment. It names a `clientSecret`, too, for pages that confirm a payment by themselves;
/// nothing here reads it.
#[derive(Deserialize)]
pub(super) struct Intent {
    pub(super) id: String,
    pub(super) reference: String,
    /// A decimal, as a text or a number: read from its text, so that nothing is lost on the way.
    pub(super) amount: Box<RawValue>,
    pub(super) currency: String,
    pub(super) payer: String,
    pub(super) instrument: String,
    pub(super) status: String,
}

/// `GET /intents?reference=`.
#[derive(Deserialize)]
pub(super) struct Intents {
    pub(super) intents: Vec<Intent>,
}

/// The answer to a cancellation.
#[derive(Deserialize)]
pub(super) struct Cancellation {
    pub(super) status: String,
    /// Absent when nobody had asked for the money.
    pub(super) intent: Option<Intent>,
}
