//! The committed description of the API is what the code says.

use std::path::Path;

#[test]
fn the_description_is_that_of_the_code() -> Result<(), serde_json::Error> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi.json");
    onecommit_http::openapi::assert_committed(&file, &storefront_payments::openapi()?);
    Ok(())
}
