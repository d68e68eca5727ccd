//! CloudWatch's embedded metric format
//! (<https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>).

use std::time::Duration;

use onecommit_engine::Tally;
use onecommit_environment::Timestamp;
use serde_json::{Map, Value, json};

const NAMESPACE: &str = "onecommit";

/// One line of metrics that belong together.
#[derive(Clone, Debug)]
pub struct MetricLine {
    dimensions: Vec<String>,
    /// Fewer of the dimensions, by which the metrics are added up as well.
    totals: Vec<Vec<String>>,
    metrics: Vec<Value>,
    fields: Map<String, Value>,
}

impl MetricLine {
    /// A line of the consumer's metrics.
    #[must_use]
    pub fn of_consumer(name: &str) -> Self {
        Self::empty().dimension("Consumer", name)
    }

    /// A line of the view's metrics.
    #[must_use]
    pub fn of_view(name: &str) -> Self {
        Self::empty().dimension("View", name)
    }

    /// A line of a circuit's metrics, of one process that calls through it; over all its circuits, too.
    #[must_use]
    pub fn of_circuit(caller: &str, circuit: &str) -> Self {
        let line = Self::empty().dimension("Caller", caller).dimension("Circuit", circuit);
        line.added_up_by("Caller")
    }

    fn empty() -> Self {
        Self {
            dimensions: Vec::new(),
            totals: Vec::new(),
            metrics: Vec::new(),
            fields: Map::new(),
        }
    }

    /// Told apart by this.
    #[must_use]
    pub fn dimension(mut self, name: &str, value: &str) -> Self {
        self.dimensions.push(name.to_owned());
        self.fields.insert(name.to_owned(), json!(value));
        self
    }

    /// Added up by this dimension alone, too: an alarm cannot name what comes and goes.
    #[must_use]
    fn added_up_by(mut self, name: &str) -> Self {
        self.totals.push(vec![name.to_owned()]);
        self
    }

    /// A number of things.
    #[must_use]
    pub fn count(self, name: &str, value: u64) -> Self {
        self.metric(name, "Count", json!(value))
    }

    /// Durations, up to 100 of them.
    #[must_use]
    pub fn milliseconds(self, name: &str, durations: &[Duration]) -> Self {
        if durations.is_empty() {
            return self;
        }
        let values: Vec<f64> = durations
            .iter()
            .take(100)
            .map(|took| took.as_secs_f64() * 1000.0)
            .collect();
        self.metric(name, "Milliseconds", json!(values))
    }

    /// The line.
    #[must_use]
    pub fn to_json(&self, now: Timestamp) -> String {
        let dimensions: Vec<&Vec<String>> = std::iter::once(&self.dimensions).chain(&self.totals).collect();
        let directive = json!({"Namespace": NAMESPACE, "Dimensions": dimensions, "Metrics": self.metrics});
        let mut line = self.fields.clone();
        line.insert(
            "_aws".to_owned(),
            json!({"Timestamp": now.unix_ms(), "CloudWatchMetrics": [directive]}),
        );
        Value::Object(line).to_string()
    }

    fn metric(mut self, name: &str, unit: &str, value: Value) -> Self {
        self.metrics.push(json!({"Name": name, "Unit": unit}));
        self.fields.insert(name.to_owned(), value);
        self
    }
}

/// Prints what a consumer did since the last time: one line of totals, and one for each reason messages were parked.
#[allow(clippy::print_stdout, reason = "CloudWatch reads metrics from standard output")]
pub fn emit_tally(consumer: &str, tally: &Tally, now: Timestamp) {
    for line in lines_of(consumer, tally) {
        println!("{}", line.to_json(now));
    }
}

/// Prints how long after their timestamps events showed in a view: one line, or none when none did.
#[allow(clippy::print_stdout, reason = "CloudWatch reads metrics from standard output")]
pub fn emit_lags(view: &str, lags: &[Duration], now: Timestamp) {
    if !lags.is_empty() {
        println!(
            "{}",
            MetricLine::of_view(view).milliseconds("ViewLag", lags).to_json(now)
        );
    }
}

/// Prints that something became of a circuit: a count of one.
#[allow(clippy::print_stdout, reason = "CloudWatch reads metrics from standard output")]
pub fn emit_circuit(caller: &str, circuit: &str, metric: &str, now: Timestamp) {
    println!(
        "{}",
        MetricLine::of_circuit(caller, circuit).count(metric, 1).to_json(now)
    );
}

fn lines_of(consumer: &str, tally: &Tally) -> Vec<MetricLine> {
    let totals = MetricLine::of_consumer(consumer)
        .count("Handled", tally.handled)
        .count("Duplicates", tally.duplicates)
        .count("Ignored", tally.ignored)
        .count("Parked", tally.parked_total())
        .count("Retries", tally.retries_total())
        .count("NotParked", tally.not_parked)
        .count("Reruns", tally.reruns)
        .count("DynamoDbRequests", tally.requests)
        .milliseconds("CommitLatency", &tally.request_times)
        .milliseconds("LaneWait", &tally.lane_waits);
    let by_reason = |name, reason: &str, count| {
        MetricLine::of_consumer(consumer)
            .dimension("Reason", reason)
            .count(name, count)
    };
    let parked = tally
        .parked
        .iter()
        .map(|(reason, count)| by_reason("ParkedByReason", reason.as_str(), *count));
    let retried = tally
        .retries
        .iter()
        .map(|(reason, count)| by_reason("RetriesByReason", reason.as_str(), *count));
    std::iter::once(totals).chain(parked).chain(retried).collect()
}

#[cfg(test)]
mod tests {
    use onecommit_engine::ParkReason;

    use super::*;

    #[test]
    fn each_view_has_its_own_lag() {
        let line = MetricLine::of_view("orders").milliseconds("ViewLag", &[Duration::from_millis(40)]);
        let line: Value = serde_json::from_str(&line.to_json(Timestamp::from_unix_ms(5))).unwrap();
        assert_eq!((&line["View"], &line["ViewLag"]), (&json!("orders"), &json!([40.0])));
        assert_eq!(line["_aws"]["CloudWatchMetrics"][0]["Dimensions"], json!([["View"]]));
    }

    #[test]
    fn a_circuit_counts_for_itself_and_for_its_caller() {
        let line = MetricLine::of_circuit("bff", "orders").count("CircuitOpened", 1);
        let line: Value = serde_json::from_str(&line.to_json(Timestamp::from_unix_ms(5))).unwrap();
        let directive = &line["_aws"]["CloudWatchMetrics"][0];
        assert_eq!(directive["Dimensions"], json!([["Caller", "Circuit"], ["Caller"]]));
        assert_eq!(
            (&line["Circuit"], &line["CircuitOpened"]),
            (&json!("orders"), &json!(1))
        );
    }

    #[test]
    fn totals_share_a_line_and_each_reason_has_one() {
        let tally = Tally::default()
            .handled(3)
            .requests(2)
            .request_times(vec![Duration::from_micros(1500)])
            .parked([(ParkReason::MalformedBody, 2)].into());
        let lines: Vec<Value> = lines_of("view", &tally)
            .iter()
            .map(|line| serde_json::from_str(&line.to_json(Timestamp::from_unix_ms(5))).unwrap())
            .collect();
        assert_eq!(lines.len(), 2);
        assert_eq!((&lines[0]["Handled"], &lines[0]["Parked"]), (&json!(3), &json!(2)));
        assert_eq!(lines[0]["CommitLatency"], json!([1.5]));
        assert_eq!(
            lines[0]["_aws"]["CloudWatchMetrics"][0]["Dimensions"],
            json!([["Consumer"]])
        );
        assert_eq!(lines[0]["_aws"]["Timestamp"], json!(5));
        assert_eq!(
            (&lines[1]["Reason"], &lines[1]["ParkedByReason"]),
            (&json!("MalformedBody"), &json!(2))
        );
    }
}
