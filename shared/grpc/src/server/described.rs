//! What reflection serves.

use tonic::service::Routes;
use tonic_reflection::server::Builder;

/// Descriptions that reflection cannot serve.
#[derive(Debug, thiserror::Error)]
#[error("the description is not a compiled proto file (google.protobuf.FileDescriptorSet)")]
pub struct InvalidDescription(#[source] Box<dyn std::error::Error + Send + Sync>);

/// The routes with reflection of these descriptions and of the health, as `v1` and, for older tools, as `v1alpha`.
pub(super) fn described(routes: Routes, descriptions: &[&'static [u8]]) -> Result<Routes, InvalidDescription> {
    let builder = || {
        let all = descriptions
            .iter()
            .copied()
            .chain([tonic_health::pb::FILE_DESCRIPTOR_SET]);
        all.fold(Builder::configure(), Builder::register_encoded_file_descriptor_set)
    };
    let current = builder().build_v1().map_err(invalid)?;
    let older = builder().build_v1alpha().map_err(invalid)?;
    Ok(routes.add_service(current).add_service(older))
}

fn invalid(error: impl std::error::Error + Send + Sync + 'static) -> InvalidDescription {
    InvalidDescription(Box::new(error))
}
