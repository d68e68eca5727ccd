use std::sync::Arc;

use onecommit_environment::Environment;

use crate::context::CallContext;
use crate::exchange::Exchange;
use crate::settings::ClientSettings;

/// What every call of a client needs.
#[derive(Clone)]
pub(crate) struct Caller {
    pub(crate) service: Arc<str>,
    pub(crate) steps: Arc<dyn Exchange>,
    pub(crate) settings: Arc<ClientSettings>,
    pub(crate) context: CallContext,
    pub(crate) environment: Environment,
}
