//! The queries of the storefront's own clients: all that is answered on a stage where queries have to be trusted.

use onecommit_graph::TrustedDocuments;

const DOCUMENTS: [&str; 4] = [
    include_str!("../documents/account.graphql"),
    include_str!("../documents/order.graphql"),
    include_str!("../documents/product.graphql"),
    include_str!("../documents/product-and-orders.graphql"),
];

/// The documents, each by its text or the SHA-256 of it.
pub(crate) fn own() -> TrustedDocuments {
    TrustedDocuments::of(DOCUMENTS)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use onecommit_client::{Address, HttpTransport, ProcessCircuits, RootCertificates};
    use onecommit_environment::Environment;
    use onecommit_graph::{Gateway, GraphSettings, Supergraph};

    use super::*;

    #[test]
    fn every_document_has_a_plan() {
        let environment = Environment::system();
        let supergraph = Supergraph::parse(crate::SUPERGRAPH).unwrap();
        let address = |(name, _): (&str, &str)| Address::fixed(name, "http://127.0.0.1:1").unwrap();
        let addresses = supergraph.subgraphs().map(address).collect();
        let transport = HttpTransport::new(RootCertificates::default());
        let circuits = ProcessCircuits::local(environment.clone());
        let clients = crate::subgraphs::clients(&transport, addresses, None, &circuits, &environment).unwrap();
        let gateway = Gateway::new(supergraph, Arc::new(clients), GraphSettings::default(), environment).unwrap();
        for document in DOCUMENTS {
            assert!(gateway.plan(document, None).unwrap().contains("Fetch"), "{document}");
        }
    }
}
