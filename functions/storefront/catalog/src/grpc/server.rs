use std::sync::Arc;

use onecommit_engine::{Table, TableReader};
use onecommit_environment::Environment;
use onecommit_grpc::server::{GrpcServer, ServerSettings};
use storefront_catalog_proto::DESCRIPTION;
use storefront_catalog_proto::catalog_service_server::CatalogServiceServer;

use super::answers::Answers;
use crate::service::ProductReader;

/// The largest request, in bytes: 100 SKUs are far less.
const REQUEST_BYTES_MAX: usize = 64 << 10;

/// What callers need where they have to say who they are: for each method, and for reflection, the scope `catalog:read`.
pub const CATALOG_SCOPES: &str = "POST /catalog.CatalogService/{method} catalog:read;
    POST /grpc.reflection.v1.ServerReflection/{method} catalog:read;
    POST /grpc.reflection.v1alpha.ServerReflection/{method} catalog:read";

/// The server of the catalog in `table`, with reflection. It only reads.
#[must_use]
pub fn catalog_grpc<R: TableReader + 'static>(
    rows: Arc<R>,
    table: Table,
    settings: ServerSettings,
    environment: Environment,
) -> GrpcServer {
    let answers = Answers(ProductReader::new(rows, table));
    let service = CatalogServiceServer::new(answers).max_decoding_message_size(REQUEST_BYTES_MAX);
    GrpcServer::new(settings, environment)
        .serving(service)
        .described_by(DESCRIPTION)
}
