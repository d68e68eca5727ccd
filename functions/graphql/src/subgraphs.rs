use std::sync::Arc;
use std::time::Duration;

use onecommit_client::{
    Address, CircuitSettings, CircuitSettingsFault, Client, ClientSettings, HttpTransport, Identity, ProcessCircuits,
};
use onecommit_environment::Environment;
use onecommit_graph::Clients;

/// The limit of one request to a subgraph over all its attempts, where nothing shorter holds.
const ANSWER_WITHIN: Duration = Duration::from_secs(3);
/// Where a subgraph answers, below its address.
const PATH: &str = "/graphql";

/// The subgraphs at these addresses. Each has its client, with a budget of retries and a circuit of its own, so that one that does
/// not work takes nothing from the others. Whether other processes share the circuits, `circuits` decides. `identity` is who calls, for subgraphs that ask.
///
/// # Errors
/// Never, as long as the circuits' default settings are sound.
pub(crate) fn clients(
    transport: &HttpTransport,
    addresses: Vec<Address>,
    identity: Option<Arc<dyn Identity>>,
    circuits: &ProcessCircuits,
    environment: &Environment,
) -> Result<Clients, CircuitSettingsFault> {
    let mut clients = Clients::new(environment.clone());
    for address in addresses {
        let name = address.service().to_string();
        // A context's API is another service than its subgraph, and has a circuit by the context's name.
        let circuit = circuits.circuit(format!("{name}-graph"), CircuitSettings::default())?;
        let settings = ClientSettings {
            answer_within: ANSWER_WITHIN,
            circuit: Some(circuit),
            // What belongs to one person is not kept.
            cache: None,
            identity: identity.clone(),
            ..ClientSettings::default()
        };
        let client = Client::new(transport.clone(), address, settings, environment.clone());
        clients = clients.with(name, client, PATH);
    }
    Ok(clients)
}
