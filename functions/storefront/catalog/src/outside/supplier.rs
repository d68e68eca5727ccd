use std::time::Duration;

use async_trait::async_trait;
use onecommit_client::{CallError, Client, segment};

use super::forms::OutsideProduct;
use super::translation::Untranslatable;
use crate::{Offer, Sku};

/// The outside catalog's name in errors and logs.
pub const SUPPLIER: &str = "outside-catalog";

/// Who offers products besides this context.
#[async_trait]
pub trait Supplier: Send + Sync {
    /// What is offered under this SKU.
    ///
    /// # Errors
    /// See [`SupplierError`].
    async fn offer(&self, sku: &Sku) -> Result<Offered, SupplierError>;
}

/// An offer, and how old it is when the supplier is not working.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offered {
    /// The offer.
    pub offer: Offer,
    /// Its age when it is the last one before an outage; nothing when it holds.
    pub stale_for: Option<Duration>,
}

/// Why there is no offer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SupplierError {
    /// The supplier has no such product.
    #[error("the outside catalog has no such product")]
    Unknown,
    /// The supplier does not work, and nothing recent is known of the product.
    #[error("the outside catalog does not answer")]
    Unavailable(#[source] CallError),
    /// The supplier's answer cannot be used: a field is missing, or of another form.
    #[error("the outside catalog's answer cannot be used: {0}")]
    Unusable(String),
}

/// An outside catalog, over HTTP.
///
/// Its answers are used for 60 s where it names no time, revalidated after that, and stand in while it does not work: that
/// is the client's cache.
#[derive(Clone, Debug)]
pub struct HttpSupplier {
    client: Client,
}

impl HttpSupplier {
    /// The catalog that this client calls.
    #[must_use]
    pub fn new(client: Client) -> Self {
        Self { client }
    }
}

#[async_trait]
impl Supplier for HttpSupplier {
    async fn offer(&self, sku: &Sku) -> Result<Offered, SupplierError> {
        let path = format!("/products/{}", segment(sku.as_str()));
        let answer = self
            .client
            .get::<OutsideProduct>(&path)
            .answer()
            .await
            .map_err(failure)?;
        let stale_for = answer.origin.stale_for();
        let unusable = |error: Untranslatable| SupplierError::Unusable(error.to_string());
        let offer = answer.value.into_offer(sku).map_err(unusable)?;
        Ok(Offered { offer, stale_for })
    }
}

fn failure(error: CallError) -> SupplierError {
    match error.status().map(|status| status.as_u16()) {
        Some(404 | 410) => SupplierError::Unknown,
        _ if error.is_transient() => SupplierError::Unavailable(error),
        _ => SupplierError::Unusable(error.to_string()),
    }
}
