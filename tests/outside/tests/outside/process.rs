use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use onecommit_client::{
    Address, ApiKey, Circuit, CircuitSettings, Client, ClientSettings, HttpTransport, RetryPolicy, RootCertificates,
};
use onecommit_environment::{Clock, Environment, SystemClock, SystemRandom, Timestamp};
use onecommit_outside::{Fault, KEY};
use serde_json::Value;

/// The outside services, running as a process of their own, which ends with this.
pub(crate) struct Process {
    child: Child,
    address: String,
    control: Client,
}

impl Process {
    pub(crate) fn start() -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_outside"));
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut address = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut address)
            .unwrap();
        let address = format!("http://{}", address.trim());
        let control = client(&address, ClientSettings::default(), &Environment::system());
        Self {
            child,
            address,
            control,
        }
    }

    pub(crate) fn client_with(&self, settings: ClientSettings) -> Client {
        client(&self.address, settings, &Environment::system())
    }

    pub(crate) fn client(&self, environment: &Environment) -> Client {
        client(&self.address, settings(), environment)
    }

    /// As a service of readers has it: five failures, 30 s.
    pub(crate) fn guarded_client(&self, environment: &Environment) -> Client {
        let circuit = Circuit::local("outside", CircuitSettings::default(), environment.clone()).unwrap();
        let settings = ClientSettings {
            circuit: Some(circuit),
            ..settings()
        };
        client(&self.address, settings, environment)
    }

    pub(crate) async fn has_product(&self, code: &str, product: &Value) {
        self.control
            .put::<()>(&format!("/control/products/{code}"), product)
            .await
            .unwrap();
    }

    pub(crate) async fn fails(&self, faults: &[Fault]) {
        let names: Vec<_> = faults.iter().map(|fault| format!("{fault:?}")).collect();
        self.control.put::<()>("/control/faults", &names).await.unwrap();
    }

    pub(crate) async fn report(&self) -> Value {
        self.control.get("/control/report").without_cache().await.unwrap()
    }

    /// It goes away, in the middle of whatever it does.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) fn settings() -> ClientSettings {
    ClientSettings {
        identity: Some(Arc::new(ApiKey::new(KEY).unwrap())),
        retries: RetryPolicy::new(3, 1, 1),
        ..ClientSettings::default()
    }
}

fn client(address: &str, settings: ClientSettings, environment: &Environment) -> Client {
    let address = Address::fixed("outside", address).unwrap();
    Client::new(
        HttpTransport::new(RootCertificates::default()),
        address,
        settings,
        environment.clone(),
    )
}

/// The system's clock, which a test can set forward.
#[derive(Default)]
pub(crate) struct ForwardClock(AtomicU64);

impl ForwardClock {
    pub(crate) fn environment(self: &Arc<Self>) -> Environment {
        Environment::new(self.clone(), Arc::new(SystemRandom))
    }

    pub(crate) fn forward(&self, seconds: u64) {
        self.0.fetch_add(seconds, Ordering::Relaxed);
    }

    fn by(&self) -> Duration {
        Duration::from_secs(self.0.load(Ordering::Relaxed))
    }
}

#[async_trait]
impl Clock for ForwardClock {
    fn now(&self) -> Timestamp {
        SystemClock.now().plus(self.by())
    }

    fn instant(&self) -> Instant {
        SystemClock.instant() + self.by()
    }

    async fn sleep(&self, duration: Duration) {
        SystemClock.sleep(duration).await;
    }
}
