//! Every scenario holds under every schedule within its bounds, and every bug is noticed.

use libtest_mimic::{Arguments, Failed, Trial};
use onecommit_mutants::Mutant;
use onecommit_proof::exploring::explore;
use onecommit_proof::mutants::hunt;
use onecommit_proof::scenarios;

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
    let mutants = Mutant::ALL.iter().map(|mutant| {
        Trial::test(format!("noticed: {mutant}"), move || {
            let hunt = hunt(*mutant);
            match hunt.caught {
                Some(_) => Ok(()),
                None => Err(format!("{}: not noticed in {} schedules", mutant.says(), hunt.schedules).into()),
            }
        })
    });
    libtest_mimic::run(&arguments, scenarios.chain(mutants).collect()).exit();
}
