//! What ours is meant to reach beside the others, on the same run.

use std::time::Duration;

use crate::commands::compare::scenario::Scenario;
use crate::commands::compare::summary::Summary;
use crate::report::Goal;
use crate::statistics::ms;

/// The latency at which the goals are set: what DynamoDB takes within a region.
const LATENCY: Duration = Duration::from_millis(4);

/// A variant of ours with its limits.
struct Limits {
    contestant: &'static str,
    requests_per_message: f64,
    p50_of_powertools: f64,
    cpu_of_node: f64,
}

const LIMITS: [Limits; 2] = [
    Limits {
        contestant: "ours",
        requests_per_message: 1.0,
        p50_of_powertools: 0.2,
        cpu_of_node: 0.08,
    },
    Limits {
        contestant: "ours+group",
        requests_per_message: 0.15,
        p50_of_powertools: 0.15,
        cpu_of_node: 0.035,
    },
];
const P50_OF_PLAIN_RUST: f64 = 0.06;
const FIRST_OF_WARM: f64 = 1.3;
const PEAK_RSS_MB: f64 = 10.0;
const ZIP_MB: f64 = 4.0;
/// Two medians of the same thing differ by this much from run to run.
const NOISE: f64 = 1.1;

/// The goals whose contestants took part.
pub(crate) fn of(summaries: &[Summary]) -> Vec<Goal> {
    let run = |contestant: &str, scenario| {
        summaries
            .iter()
            .find(|each| each.contestant == contestant && each.scenario == scenario && each.latency == LATENCY)
    };
    let mut goals = Vec::new();
    for limits in LIMITS {
        let Some(ours) = run(limits.contestant, Scenario::Unique) else {
            continue;
        };
        goals.extend(on_its_own(ours, &limits));
        let powertools = ["node-powertools", "python-powertools"]
            .iter()
            .filter_map(|name| run(name, Scenario::Unique));
        goals.extend(powertools.min_by_key(|each| each.warm_p50).map(|better| {
            let what = format!("{}: warm p50 against {}", ours.contestant, better.contestant);
            Goal::new(
                what,
                ratio(ours.warm_p50, better.warm_p50),
                limits.p50_of_powertools,
                "x",
            )
        }));
        goals.extend(run("plain-rust", Scenario::Unique).map(|plain| {
            let what = format!("{}: warm p50 against plain-rust", ours.contestant);
            Goal::new(what, ratio(ours.warm_p50, plain.warm_p50), P50_OF_PLAIN_RUST, "x")
        }));
        goals.extend(run("node-powertools", Scenario::Unique).map(|node| {
            let what = format!("{}: CPU per message against node-powertools", ours.contestant);
            Goal::new(what, ours.cpu_s_per_1000 / node.cpu_s_per_1000, limits.cpu_of_node, "x")
        }));
        for scenario in [Scenario::HalfDuplicates, Scenario::HalfHandledElsewhere] {
            goals.extend(
                run(limits.contestant, scenario)
                    .into_iter()
                    .flat_map(|half| of_duplicates(ours, half)),
            );
        }
    }
    goals
}

fn on_its_own(ours: &Summary, limits: &Limits) -> Vec<Goal> {
    let name = &ours.contestant;
    vec![
        Goal::new(
            format!("{name}: requests per unique message"),
            ours.requests_per_message,
            limits.requests_per_message,
            "",
        ),
        Goal::new(
            format!("{name}: first invoke, with its connections, against a warm one"),
            ratio(ours.first_invoke, ours.warm_p50),
            FIRST_OF_WARM,
            "x",
        ),
        Goal::new(format!("{name}: peak RSS"), ours.peak_rss_mb, PEAK_RSS_MB, "MB"),
        Goal::new(format!("{name}: zip"), ours.zip_bytes as f64 / 1e6, ZIP_MB, "MB"),
    ]
}

fn of_duplicates(unique: &Summary, half: &Summary) -> Vec<Goal> {
    let what = format!("{}, {}", half.contestant, half.scenario.name());
    let units = half.write_units_per_message / unique.write_units_per_message;
    let failed = half.failed_in_batch + half.failed_earlier;
    vec![
        Goal::new(
            format!("{what}: warm p50 against all unique"),
            ratio(half.warm_p50, unique.warm_p50),
            NOISE,
            "x",
        ),
        Goal::new(format!("{what}: write units against all unique"), units, 1.0, "x"),
        Goal::new(format!("{what}: duplicates reported failed"), failed as f64, 0.0, ""),
    ]
}

fn ratio(ours: Duration, theirs: Duration) -> f64 {
    ms(ours) / ms(theirs)
}
