use std::sync::Arc;
use std::time::Duration;

use onecommit_client::{CallContext, CircuitSettings, CircuitSettingsFault, Identity, ProcessCircuits};
use onecommit_environment::Environment;
use onecommit_grpc::{Channel, GrpcClient, GrpcError, GrpcSettings, GrpcTransport, InvalidOrigin};
use storefront_catalog_proto::catalog_service_client::CatalogServiceClient;
use storefront_catalog_proto::{GetProductRequest, Product};
use tonic::Code;

use super::Services;

/// The service's name in errors.
pub(crate) const CATALOG_GRPC: &str = "catalog-grpc";
/// The limit of one call over all its attempts: a person waits for it.
const ANSWER_WITHIN: Duration = Duration::from_secs(3);

/// The catalog over gRPC, where the front door is told its address.
#[derive(Clone, Debug)]
pub(crate) struct Inventory(GrpcClient);

/// How much of a product there is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct InStock {
    pub(crate) available: bool,
    pub(crate) stock: i64,
}

/// Why the catalog cannot be called over gRPC.
#[derive(Debug, thiserror::Error)]
pub enum InventoryFault {
    /// Where it should be.
    #[error(transparent)]
    Origin(#[from] InvalidOrigin),
    /// Never, as long as the circuits' default settings are sound.
    #[error(transparent)]
    Circuit(#[from] CircuitSettingsFault),
}

impl Services {
    /// With the catalog over gRPC at `origin`, such as `http://catalog-grpc.internal:50051`. It has a budget of retries and a circuit of
    /// its own, as every service here. `identity` is who calls.
    ///
    /// # Errors
    /// When `origin` is not an address.
    pub fn with_inventory(
        mut self,
        origin: &str,
        transport: impl GrpcTransport + 'static,
        identity: Option<Arc<dyn Identity>>,
        circuits: &ProcessCircuits,
        environment: &Environment,
    ) -> Result<Self, InventoryFault> {
        let circuit = circuits.circuit(CATALOG_GRPC, CircuitSettings::default())?;
        let settings = GrpcSettings {
            answer_within: ANSWER_WITHIN,
            circuit: Some(circuit),
            identity,
            ..GrpcSettings::default()
        };
        let client = GrpcClient::new(CATALOG_GRPC, origin, transport, settings, environment.clone())?;
        self.inventory = Some(Inventory(client));
        Ok(self)
    }
}

impl Inventory {
    /// How much there is of a product now; nothing when there is no such product.
    pub(crate) async fn of(&self, sku: &str, context: &CallContext) -> Result<Option<InStock>, GrpcError> {
        let ask = |channel: Channel| {
            let request = GetProductRequest { sku: sku.to_owned() };
            async move { CatalogServiceClient::new(channel).get_product(request).await }
        };
        let client = self.0.on_behalf_of(context);
        match client.read("catalog.CatalogService/GetProduct", ask).await {
            Ok(Product { available, stock, .. }) => Ok(Some(InStock { available, stock })),
            Err(error) if error.code() == Some(Code::NotFound) => Ok(None),
            Err(error) => Err(error),
        }
    }
}
