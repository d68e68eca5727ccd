use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use aws_smithy_runtime_api::client::http::SharedHttpClient;

/// The root certificates that sign every public endpoint of AWS: Amazon Root CA 1-4 and Starfield Services G2
/// (<https://www.amazontrust.com/repository/>). A bundle of your own replaces them, for a proxy that inspects TLS.
const AMAZON_ROOTS: &[u8] = include_bytes!("amazon_roots.pem");

/// A client that speaks plain HTTP to a local AWS, and TLS with few, compiled-in roots to the real one.
pub(crate) fn client(endpoint: Option<&str>, ca_bundle: Option<Vec<u8>>) -> SharedHttpClient {
    if endpoint.is_some_and(|url| url.starts_with("http://")) {
        return Builder::new().build_http();
    }
    let roots = TrustStore::empty().with_pem_certificate(ca_bundle.unwrap_or_else(|| AMAZON_ROOTS.to_vec()));
    let https = Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring));
    match TlsContext::builder().with_trust_store(roots).build() {
        Ok(context) => https.tls_context(context).build_https(),
        Err(_) => https.build_https(),
    }
}
