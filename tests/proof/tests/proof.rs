//! Every scenario holds under every schedule within its bounds, every bug is noticed, and no outage costs a message.

use libtest_mimic::{Arguments, Failed, Trial};
use onecommit_proof::bugs;
use onecommit_proof::exploring::explore;
use onecommit_proof::hunting::hunt;
use onecommit_proof::scenarios;
use onecommit_proof::scenarios::outages::{self, DURATIONS};

fn main() {
    let arguments = Arguments::from_args();
    let scenarios = scenarios::all().into_iter().map(|plan| {
        let name = format!("holds: {}", plan.scenario.name());
        Trial::test(name, move || {
            let finding = explore(&plan, 0);
            match finding.broken {
                Some(broken) => Err(Failed::from(broken)),
                None if finding.exhaustively.complete => Ok(()),
                None => Err("the exhaustive search is not complete".into()),
            }
        })
    });
    let bugs = bugs::all().into_iter().map(|bug| {
        Trial::test(format!("noticed: {bug}"), move || {
            let hunt = hunt(bug);
            match (hunt.caught, hunt.blur) {
                (Some(_), _) => Ok(()),
                (None, Some(blur)) => Err(Failed::from(blur)),
                (None, None) => Err(format!("{}: not noticed in {} schedules", bug.says(), hunt.schedules).into()),
            }
        })
    });
    let outages = outages::cases().into_iter().map(|case| {
        let name = case.name;
        let measure = move || {
            let wrong: Vec<String> = DURATIONS
                .iter()
                .map(|lasts| outages::measure(&case, *lasts))
                .filter(|measured| !measured.wrong.is_empty())
                .map(|measured| format!("for {} s: {measured}", measured.lasts.as_secs()))
                .collect();
            if wrong.is_empty() {
                Ok(())
            } else {
                Err(wrong.join("\n").into())
            }
        };
        Trial::test(format!("outage: {name}"), measure)
    });
    libtest_mimic::run(&arguments, scenarios.chain(bugs).chain(outages).collect()).exit();
}
