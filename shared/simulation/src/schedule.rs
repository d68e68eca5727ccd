use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use onecommit_environment::{Random, SeededRandom};

use super::fault::Fault;

/// What happened in one run where something else could have: each place where the simulation chose, by number, and what
/// it chose. 0, which is not written, is what a calm world does: the oldest request first, no fault.
///
/// Written `12:3 40:1`: at choice number 12 the third alternative, at number 40 the first; `calm` when there is none.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Schedule(BTreeMap<usize, u16>);

const CALM: &str = "calm";

/// A text that is no schedule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScheduleError(String);

impl fmt::Display for ScheduleError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{:?} is not a choice of a schedule; one is written PLACE:ALTERNATIVE, for example 12:3",
            self.0
        )
    }
}

impl std::error::Error for ScheduleError {}

impl Schedule {
    /// A calm world.
    #[must_use]
    pub fn calm() -> Self {
        Self::default()
    }

    /// How often it departs from a calm world.
    #[must_use]
    pub fn departures(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn of(chosen: &[Chosen]) -> Self {
        let departures = chosen.iter().enumerate().filter(|(_, chosen)| chosen.alternative > 0);
        Self(departures.map(|(place, chosen)| (place, chosen.alternative)).collect())
    }

    fn at(&self, place: usize) -> u16 {
        self.0.get(&place).copied().unwrap_or(0)
    }

    /// Schedules that are a little closer to a calm world, the boldest step first.
    pub(crate) fn simpler(&self) -> Vec<Self> {
        let departures: Vec<(usize, u16)> = self
            .0
            .iter()
            .map(|(place, alternative)| (*place, *alternative))
            .collect();
        let mut simpler = Vec::new();
        let mut length = departures.len() / 2;
        while length > 1 {
            // Whole stretches at a time, the latest first.
            for start in (0..departures.len()).step_by(length).rev() {
                let kept = departures.iter().enumerate();
                let kept = kept.filter(|(place, _)| !(start..start + length).contains(place));
                simpler.push(Self(kept.map(|(_, departure)| *departure).collect()));
            }
            length /= 2;
        }
        for (place, alternative) in departures.iter().rev() {
            let mut without = self.clone();
            without.0.remove(place);
            simpler.push(without);
            if *alternative > 1 {
                // The first other way, or a plain crash.
                let mut milder = self.clone();
                milder.0.insert(*place, 1);
                simpler.push(milder);
            }
        }
        simpler
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return formatter.write_str(CALM);
        }
        for (number, (place, alternative)) in self.0.iter().enumerate() {
            let space = if number == 0 { "" } else { " " };
            write!(formatter, "{space}{place}:{alternative}")?;
        }
        Ok(())
    }
}

impl FromStr for Schedule {
    type Err = ScheduleError;

    fn from_str(text: &str) -> Result<Self, ScheduleError> {
        let departure = |word: &str| {
            let (place, alternative) = word.split_once(':')?;
            Some((place.parse().ok()?, alternative.parse().ok()?))
        };
        if text.trim() == CALM {
            return Ok(Self::calm());
        }
        text.split_whitespace()
            .map(|word| departure(word).ok_or_else(|| ScheduleError(word.to_owned())))
            .collect::<Result<_, _>>()
            .map(Self)
    }
}

/// How far the schedules of an exhaustive search depart from a calm world. All that depart no further are tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// How many faults happen in one run.
    pub faults: u32,
    /// How often something other than the oldest request is next.
    pub disorder: u32,
}

/// What the schedules of a random search are like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FaultRates {
    /// How many of 1,000 requests meet a fault.
    pub faults_per_mille: u64,
    /// How many faults at most happen in one run, so that it comes to an end.
    pub faults_max: u32,
}

impl Default for FaultRates {
    fn default() -> Self {
        Self {
            faults_per_mille: 100,
            faults_max: 12,
        }
    }
}

/// What a choice is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum About {
    Order,
    Fault,
}

/// One choice that was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Chosen {
    /// How a schedule names it: 0 is calm.
    alternative: u16,
    /// Its place among the alternatives that were open.
    place: u16,
    /// How many were open; 1 where a search's bounds left none.
    open: u16,
}

/// Makes the choices of one run, and remembers them.
pub(crate) struct Choices {
    source: Source,
    chosen: Vec<Chosen>,
    faults_left: u32,
    disorder_left: u32,
}

enum Source {
    Given(Schedule),
    Prefix(Vec<u16>),
    Random(SeededRandom, FaultRates),
}

impl Choices {
    pub(crate) fn given(schedule: Schedule) -> Self {
        Self::from(Source::Given(schedule), u32::MAX, u32::MAX)
    }

    /// The first choices as given, then calm.
    pub(crate) fn beginning(prefix: Vec<u16>, bounds: Bounds) -> Self {
        Self::from(Source::Prefix(prefix), bounds.faults, bounds.disorder)
    }

    pub(crate) fn random(seed: u64, weather: FaultRates) -> Self {
        let source = Source::Random(SeededRandom::new(seed), weather);
        Self::from(source, weather.faults_max, u32::MAX)
    }

    fn from(source: Source, faults_left: u32, disorder_left: u32) -> Self {
        Self {
            source,
            chosen: Vec::new(),
            faults_left,
            disorder_left,
        }
    }

    /// One of the ways `0..count` to go on.
    pub(crate) fn order(&mut self, count: usize) -> usize {
        let count = u16::try_from(count).unwrap_or(u16::MAX);
        usize::from(self.choose(About::Order, count, |place| place))
    }

    /// One of the faults that may happen here, or none.
    pub(crate) fn fault(&mut self, possible: &[Fault]) -> Option<Fault> {
        let count = u16::try_from(possible.len() + 1).unwrap_or(u16::MAX);
        let code_at = |place: u16| match usize::from(place).checked_sub(1) {
            None => 0,
            // Named by itself, not by its place: a search may leave some out, and its schedules mean the same elsewhere.
            Some(place) => possible[place].code(),
        };
        let code = self.choose(About::Fault, count, code_at);
        possible.iter().copied().find(|fault| fault.code() == code)
    }

    fn choose(&mut self, about: About, count: u16, alternative_at: impl Fn(u16) -> u16) -> u16 {
        if count < 2 {
            return 0;
        }
        let left = match about {
            About::Order => &mut self.disorder_left,
            About::Fault => &mut self.faults_left,
        };
        let open = if *left == 0 { 1 } else { count };
        let number = self.chosen.len();
        let place = match &self.source {
            _ if open == 1 => 0,
            Source::Given(schedule) => {
                let wanted = schedule.at(number);
                (0..count).find(|place| alternative_at(*place) == wanted).unwrap_or(0)
            }
            Source::Prefix(prefix) => prefix.get(number).copied().unwrap_or(0).min(count - 1),
            Source::Random(random, weather) => match about {
                About::Order => draw(random, 0, count - 1),
                About::Fault if random.up_to(999) < weather.faults_per_mille => draw(random, 1, count - 1),
                About::Fault => 0,
            },
        };
        let alternative = alternative_at(place);
        if alternative > 0 {
            *left -= 1;
        }
        self.chosen.push(Chosen {
            alternative,
            place,
            open,
        });
        alternative
    }

    /// From now on nothing departs from a calm world.
    pub(crate) fn calm_down(&mut self) {
        (self.faults_left, self.disorder_left) = (0, 0);
    }

    /// Whether nothing has departed from a calm world so far.
    pub(crate) fn are_calm(&self) -> bool {
        self.chosen.iter().all(|chosen| chosen.alternative == 0)
    }

    pub(crate) fn chosen(&self) -> &[Chosen] {
        &self.chosen
    }
}

fn draw(random: &SeededRandom, least: u16, most: u16) -> u16 {
    least + u16::try_from(random.up_to(u64::from(most - least))).unwrap_or(0)
}

/// The beginning of the next schedule of a depth-first search after one that chose like this; `None` after the last.
pub(crate) fn next_prefix(chosen: &[Chosen]) -> Option<Vec<u16>> {
    let last = chosen.iter().rposition(|chosen| chosen.place + 1 < chosen.open)?;
    let mut prefix: Vec<u16> = chosen[..=last].iter().map(|chosen| chosen.place).collect();
    prefix[last] += 1;
    Some(prefix)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schedule_is_read_as_it_is_written() {
        let schedule: Schedule = "2:1 40:3".parse().unwrap();
        assert_eq!(schedule.to_string(), "2:1 40:3");
        assert_eq!((schedule.at(2), schedule.at(3), schedule.at(40)), (1, 0, 3));
        assert_eq!(Schedule::calm().to_string().parse(), Ok(Schedule::calm()));
        let error = "2:1 x".parse::<Schedule>().unwrap_err().to_string();
        assert!(error.contains("\"x\""), "{error}");
    }

    #[test]
    fn a_search_tries_every_schedule_within_its_bounds_once() {
        let bounds = Bounds { faults: 1, disorder: 9 };
        let (mut seen, mut prefix) = (Vec::new(), Some(Vec::new()));
        while let Some(beginning) = prefix {
            let mut choices = Choices::beginning(beginning, bounds);
            let faults = [Fault::CrashBefore, Fault::Slow];
            let run = (choices.order(2), choices.fault(&faults), choices.fault(&faults));
            assert!(!seen.contains(&run));
            seen.push(run);
            prefix = next_prefix(choices.chosen());
        }
        // Two orders; no fault, or one of two at one of two places.
        assert_eq!(seen.len(), 2 * (1 + 2 * 2));
    }

    #[test]
    fn a_simpler_schedule_departs_less() {
        let schedule: Schedule = "1:2 5:1 9:1".parse().unwrap();
        let simpler = schedule.simpler();
        assert!(simpler.contains(&"1:2 5:1".parse().unwrap()));
        assert!(simpler.contains(&"1:1 5:1 9:1".parse().unwrap()));
        assert!(simpler.iter().all(|one| one.departures() < 3 || one.at(1) < 2));
    }
}
