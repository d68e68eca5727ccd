use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::fault::Fault;
use super::liveness::Liveness;
use super::ports::Sabotage;
use super::process::{MakeSabotage, Process};
use super::recording::Recording;
use super::schedule::{Bounds, Choices, FaultRates, Schedule, next_prefix};
use super::world::{Ending, Limits, STEPS_MAX, World};

/// A world, and what has to be true of it in the end.
pub trait Scenario: Sync {
    /// Its name in reports.
    fn name(&self) -> &str;

    /// What can go wrong there. Default: everything.
    fn faults(&self) -> &'static [Fault] {
        Fault::ALL
    }

    /// Puts everything in its place. It has to do the same every time.
    fn set_up(&self, world: &mut World);

    /// More steps than any run takes that comes to its end.
    fn steps_max(&self) -> u64 {
        STEPS_MAX
    }

    /// Whether all has come to its end, when nothing happens any more but by timer: periodic jobs go on until it has.
    fn is_settled(&self, world: &World) -> bool {
        let _ = world;
        true
    }

    /// What is wrong in the end, if anything.
    ///
    /// # Errors
    /// The promise that was broken.
    fn judge(&self, world: &World) -> Result<(), String>;
}

/// What was explored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Explored {
    /// How many schedules there were.
    pub schedules: u64,
    /// Whether they are all that the bounds allow.
    pub complete: bool,
    /// The faults that were survived.
    pub faults: BTreeMap<Fault, u64>,
}

impl Explored {
    /// Both together.
    #[must_use]
    pub fn and(mut self, other: &Self) -> Self {
        self.schedules += other.schedules;
        self.complete &= other.complete;
        for (fault, count) in &other.faults {
            *self.faults.entry(*fault).or_default() += count;
        }
        self
    }
}

/// A schedule under which a promise is broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// Of which scenario.
    pub scenario: String,
    /// What is wrong.
    pub what: String,
    /// The seed of the random search that found it.
    pub seed: Option<u64>,
    /// How many schedules were explored until then.
    pub schedules: u64,
    /// The simplest schedule that was found for it.
    pub schedule: Schedule,
    /// Whether its faults stop after a while, and what follows is at stake; see [`Liveness`].
    pub is_of_liveness: bool,
    /// Whether the schedule led to the same run twice. If not, something in the program is not deterministic, and no
    /// promise of its was looked at.
    pub repeats: bool,
    /// What happens under it, line by line.
    pub story: Vec<String>,
}

impl fmt::Display for Broken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "{}: {}", self.scenario, self.what)?;
        if let Some(seed) = self.seed {
            writeln!(formatter, "found with seed {seed}, after {} schedules", self.schedules)?;
        } else {
            writeln!(formatter, "found after {} schedules", self.schedules)?;
        }
        let then = if self.is_of_liveness {
            ", after which all faults stop"
        } else {
            ""
        };
        writeln!(
            formatter,
            "the simplest schedule that shows it: \"{}\"{then}",
            self.schedule
        )?;
        for line in &self.story {
            writeln!(formatter, "  {line}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Broken {}

/// The outcome of a search.
pub type Searched = Result<Explored, Box<Broken>>;

/// Every how many schedules one is run twice, to see whether it comes out the same.
const TWICE_EVERY: u64 = 500;
/// Runs that a minimisation may take.
const MINIMISING_RUNS: u32 = 400;

/// Looks for schedules that break a scenario's promises.
#[derive(Clone)]
pub struct Search<'a> {
    scenario: &'a dyn Scenario,
    faults: &'static [Fault],
    liveness: Option<Liveness>,
    sabotage: Option<MakeSabotage>,
    beat: &'a dyn Fn(&str),
}

struct Run {
    world: World,
    verdict: Result<(), String>,
    is_blocked: bool,
}

impl<'a> Search<'a> {
    /// In this scenario.
    #[must_use]
    pub fn of(scenario: &'a dyn Scenario) -> Self {
        Self {
            scenario,
            faults: Fault::ALL,
            liveness: None,
            sabotage: None,
            beat: &|_| {},
        }
    }

    /// With these faults only. What a schedule means does not depend on it.
    #[must_use]
    pub fn with_faults(mut self, faults: &'static [Fault]) -> Self {
        self.faults = faults;
        self
    }

    /// Whatever a schedule does, it stops after a while, and then everything has to settle in time.
    #[must_use]
    pub fn after_a_storm(mut self, liveness: Liveness) -> Self {
        self.liveness = Some(liveness);
        self
    }

    /// With a deliberate bug, made anew for each process that starts: the search has to find what it breaks.
    #[must_use]
    pub fn sabotaged_by(mut self, make: impl Fn(&Process) -> Arc<dyn Sabotage> + Send + Sync + 'static) -> Self {
        self.sabotage = Some(Arc::new(make));
        self
    }

    /// The same, if there is one.
    pub(crate) fn maybe_sabotaged_by(mut self, make: Option<MakeSabotage>) -> Self {
        self.sabotage = make;
        self
    }

    /// Tells of every step of a process, so that somebody can watch over it.
    pub(crate) fn watched(mut self, beat: &'a dyn Fn(&str)) -> Self {
        self.beat = beat;
        self
    }

    /// Every schedule within the bounds, at most `schedules_max`.
    ///
    /// # Errors
    /// The first schedule that breaks a promise.
    pub fn exhaustively(&self, bounds: Bounds, schedules_max: u64) -> Searched {
        let mut explored = Explored::default();
        let mut prefix = Some(Vec::new());
        while let Some(beginning) = prefix {
            if explored.schedules >= schedules_max {
                return Ok(explored);
            }
            let run = self.run(Choices::beginning(beginning, bounds), Recording::Nothing);
            self.note(&mut explored, &run, None)?;
            prefix = run.world.with_choices(|choices| next_prefix(choices.chosen()));
        }
        explored.complete = true;
        Ok(explored)
    }

    /// One schedule for each seed.
    ///
    /// # Errors
    /// The first schedule that breaks a promise.
    pub fn randomly(&self, seeds: Range<u64>, weather: FaultRates) -> Searched {
        let mut explored = Explored {
            complete: true,
            ..Explored::default()
        };
        for seed in seeds {
            let run = self.run(Choices::random(seed, weather), Recording::Nothing);
            self.note(&mut explored, &run, Some(seed))?;
        }
        Ok(explored)
    }

    /// One storm for each seed, after which everything has to settle in time.
    ///
    /// # Errors
    /// The first schedule after which it does not, or that breaks a promise.
    pub fn settling(&self, seeds: Range<u64>, liveness: Liveness) -> Searched {
        self.clone().after_a_storm(liveness).randomly(seeds, liveness.storm)
    }

    /// Runs one schedule again.
    ///
    /// # Errors
    /// When it breaks a promise; the schedule is not made any simpler.
    pub fn replay(&self, schedule: &Schedule) -> Searched {
        let run = self.run(Choices::given(schedule.clone()), Recording::Story(Vec::new()));
        let explored = Explored {
            schedules: 1,
            complete: false,
            faults: run.world.faults(),
        };
        match &run.verdict {
            Ok(()) => Ok(explored),
            Err(what) => Err(Box::new(Broken {
                scenario: self.scenario.name().to_owned(),
                what: what.clone(),
                seed: None,
                schedules: 1,
                schedule: schedule.clone(),
                is_of_liveness: self.liveness.is_some(),
                repeats: true,
                story: run.world.recorded(),
            })),
        }
    }

    /// The world as it is in the end when nothing goes wrong but what the scenario itself sets up, and what is wrong with it.
    pub fn calmly(&self) -> (World, Result<(), String>) {
        let run = self.run(Choices::given(Schedule::calm()), Recording::Nothing);
        (run.world, run.verdict)
    }

    /// What happens under a schedule, line by line.
    #[must_use]
    pub fn story(&self, schedule: &Schedule) -> Vec<String> {
        self.run(Choices::given(schedule.clone()), Recording::Story(Vec::new()))
            .world
            .recorded()
    }

    fn run(&self, choices: Choices, recording: Recording) -> Run {
        let mut world = World::new(choices, recording);
        let possible = self.scenario.faults().iter().copied();
        world.with_faults(possible.filter(|fault| self.faults.contains(fault)).collect());
        world.sabotaged_by(self.sabotage.clone());
        self.scenario.set_up(&mut world);
        let ending = world.run(
            &|world| self.scenario.is_settled(world),
            Limits {
                steps_max: self.scenario.steps_max(),
                liveness: self.liveness,
            },
            self.beat,
        );
        let is_blocked = matches!(ending, Ending::Blocked(_));
        let verdict = match ending {
            Ending::Settled => self.scenario.judge(&world),
            Ending::Defect(what) => Err(what),
            Ending::Unsettled => Err("it never comes to its end".to_owned()),
            Ending::Endless => Err("it goes on for ever".to_owned()),
            Ending::NotLive(steps, time) => Err(format!(
                "faults have stopped, and {steps} steps and {} s later it has not come to its end",
                time.as_secs()
            )),
            Ending::Blocked(process) => Err(format!(
                "{process} blocks its thread: no other message is worked on meanwhile. Await instead, or hand the work \
                 to a thread of its own"
            )),
        };
        Run {
            world,
            verdict,
            is_blocked,
        }
    }

    fn note(&self, explored: &mut Explored, run: &Run, seed: Option<u64>) -> Result<(), Box<Broken>> {
        let chosen = run.world.with_choices(|choices| Schedule::of(choices.chosen()));
        explored.schedules += 1;
        for (fault, count) in run.world.faults() {
            *explored.faults.entry(fault).or_default() += count;
        }
        let broken = |what: String, schedule: Schedule, repeats: bool| {
            Box::new(Broken {
                scenario: self.scenario.name().to_owned(),
                what,
                seed,
                schedules: explored.schedules,
                story: self.story(&schedule),
                is_of_liveness: self.liveness.is_some(),
                repeats,
                schedule,
            })
        };
        if run.verdict.is_err() || explored.schedules % TWICE_EVERY == 1 {
            // A process that was merely late is not blocked the next time.
            if let Some(difference) = self.differs(&chosen) {
                return Err(broken(difference, chosen, false));
            }
        }
        match &run.verdict {
            Ok(()) => Ok(()),
            Err(_) if run.is_blocked && !self.blocks_always(&chosen) => Ok(()),
            Err(_) => {
                let (schedule, what) = self.minimise(chosen, run.verdict.clone());
                Err(broken(what, schedule, true))
            }
        }
    }

    fn blocks_always(&self, schedule: &Schedule) -> bool {
        (0..3).all(|_| {
            self.run(Choices::given(schedule.clone()), Recording::Nothing)
                .is_blocked
        })
    }

    /// How two runs of one schedule differ, if they do.
    fn differs(&self, schedule: &Schedule) -> Option<String> {
        let contents = || {
            let run = self.run(Choices::given(schedule.clone()), Recording::Contents(Vec::new()));
            (run.world.recorded(), run.is_blocked)
        };
        let (first, is_late) = contents();
        // So that whoever reads the real clock reads another time.
        let started = Instant::now();
        while started.elapsed() < Duration::from_millis(3) {
            std::hint::spin_loop();
        }
        let (second, is_late_too) = contents();
        if is_late || is_late_too {
            return None;
        }
        super::difference::between(&first, &second)
    }

    /// The simplest schedule found that breaks a promise, and what it breaks.
    fn minimise(&self, schedule: Schedule, verdict: Result<(), String>) -> (Schedule, String) {
        let mut what = verdict.err().unwrap_or_default();
        let mut simplest = schedule;
        let mut tried: HashSet<Schedule> = HashSet::new();
        let mut runs = 0;
        'simpler: loop {
            for candidate in simplest.simpler() {
                if !tried.insert(candidate.clone()) {
                    continue;
                }
                runs += 1;
                if runs > MINIMISING_RUNS {
                    break 'simpler;
                }
                let run = self.run(Choices::given(candidate), Recording::Nothing);
                if let Err(still) = &run.verdict
                    && !run.is_blocked
                {
                    what.clone_from(still);
                    // Choices that were never come to are left out.
                    simplest = run.world.with_choices(|choices| Schedule::of(choices.chosen()));
                    continue 'simpler;
                }
            }
            break;
        }
        (simplest, what)
    }
}
