use std::sync::Arc;
use std::time::Duration;

use onecommit_client::{
    Address, CacheSettings, CircuitSettings, CircuitSettingsFault, Client, ClientSettings, Identity, ProcessCircuits,
    Transport,
};
use onecommit_environment::Environment;

use super::{Catalog, Inventory, Notifications, Orders, Recommendations, Users};

/// Where the contexts' APIs are.
#[derive(Clone, Debug)]
pub struct Addresses {
    /// Products, prices, availability.
    pub catalog: Address,
    /// Orders and their sums.
    pub orders: Address,
    /// Profiles.
    pub users: Address,
    /// What people were told.
    pub notifications: Address,
    /// What may interest them.
    pub recommendations: Address,
}

/// The contexts' APIs.
#[derive(Clone, Debug)]
pub struct Services {
    pub(crate) catalog: Catalog,
    pub(crate) orders: Orders,
    pub(crate) users: Users,
    pub(crate) notifications: Notifications,
    pub(crate) recommendations: Recommendations,
    /// Nothing where its address is not known.
    pub(crate) inventory: Option<Inventory>,
}

/// The limit of one call over all its attempts, where nothing shorter holds: a person waits for it.
const ANSWER_WITHIN: Duration = Duration::from_secs(3);

impl Services {
    /// The services at these addresses. Each has its client, with a budget of retries and a circuit of its own, so that one
    /// that does not work takes nothing from the others. Whether other processes share the circuits, `circuits` decides.
    /// `identity` is who calls, for services that ask.
    ///
    /// # Errors
    /// Never, as long as the circuits' default settings are sound.
    pub fn new(
        transport: impl Transport + Clone + 'static,
        addresses: Addresses,
        identity: Option<Arc<dyn Identity>>,
        circuits: &ProcessCircuits,
        environment: &Environment,
    ) -> Result<Self, CircuitSettingsFault> {
        let client = |address: Address, cache: Option<CacheSettings>| {
            let circuit = circuits.circuit(&**address.service(), CircuitSettings::default())?;
            let settings = ClientSettings {
                answer_within: ANSWER_WITHIN,
                circuit: Some(circuit),
                cache,
                identity: identity.clone(),
                ..ClientSettings::default()
            };
            Ok(Client::new(transport.clone(), address, settings, environment.clone()))
        };
        // What belongs to one person is not kept: it costs a request, and never shows what was true a minute ago.
        Ok(Self {
            catalog: Catalog(client(addresses.catalog, Some(CacheSettings::default()))?),
            orders: Orders(client(addresses.orders, None)?),
            users: Users(client(addresses.users, None)?),
            notifications: Notifications(client(addresses.notifications, None)?),
            recommendations: Recommendations(client(addresses.recommendations, None)?),
            inventory: None,
        })
    }
}
