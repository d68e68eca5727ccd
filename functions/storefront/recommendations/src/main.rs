//! Lambda: recommendations, behind their API. It reads views and writes nothing.

mod config;

use std::process::ExitCode;
use std::sync::Arc;

use onecommit_aws_dynamodb::DynamoDb;
use onecommit_commit::{PatientReads, Rows};
use onecommit_config::Process;
use onecommit_context_recommendations::Recommendations;
use onecommit_environment::Environment;
use onecommit_projection::ViewControl;

use crate::config::Config;

fn main() -> ExitCode {
    onecommit_lambda::start(async {
        let config = Config::read(&Process)?;
        onecommit_telemetry::init(config.log_level);
        let environment = Environment::system();
        let database = Arc::new(PatientReads::of(DynamoDb::new(&config.session), environment.clone()));
        let rows: Arc<dyn Rows> = database.clone();
        let control = ViewControl::new(database, rows.clone(), config.views, environment.clone());
        let recommendations = Recommendations::new(rows, control, config.refresh)?;
        onecommit_lambda::serve_api(recommendations.api(), environment).await
    })
}
