use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use aws_smithy_runtime_api::client::http::SharedHttpClient;

use crate::session::roots::CaBundle;

/// The root certificates that sign every public endpoint of AWS: Amazon Root CA 1-4 and Starfield Services G2
/// (<https://www.amazontrust.com/repository/>). A bundle of your own replaces them, for a proxy that inspects TLS.
pub(crate) const AMAZON_ROOTS: &[u8] = include_bytes!("amazon_roots.pem");

/// A client without TLS, for a local AWS.
pub(crate) fn plain() -> SharedHttpClient {
    Builder::new().build_http()
}

/// A client that speaks TLS with few, compiled-in roots, and plain HTTP where an endpoint asks for it.
pub(crate) fn with_tls(ca_bundle: Option<&CaBundle>) -> SharedHttpClient {
    let pem = ca_bundle.map_or(AMAZON_ROOTS, CaBundle::pem);
    let roots = TrustStore::empty().with_pem_certificate(pem);
    match TlsContext::builder().with_trust_store(roots).build() {
        Ok(context) => Builder::new()
            .tls_provider(Provider::Rustls(CryptoMode::Ring))
            .tls_context(context)
            .build_https(),
        // Never other roots than those that were asked for: without any, requests fail.
        Err(_) => plain(),
    }
}
