//! What a request of a simulated world does, and what can go wrong with it.

use std::time::Duration;

use super::backend::Backend;
use super::fault::Fault;
use super::outage::Target;

/// A request that leaves a process. The simulation decides when it is carried out, whether it is, and whether its sender
/// learns of it.
pub(crate) trait Operation: Send + 'static {
    /// What its sender gets.
    type Answer: Send + 'static;

    /// For people.
    fn describe(&self) -> String;

    /// All of it, to tell one run from another.
    fn content(&self) -> String {
        self.describe()
    }

    /// In how many ways it can be carried out now; 0 when it has to wait.
    fn ways(&self, backend: &Backend, now: Duration) -> usize {
        let _ = (backend, now);
        1
    }

    /// What can go wrong.
    fn faults(&self) -> &'static [Fault];

    /// Whether it needs this to be carried out.
    fn needs(&self, target: &Target) -> bool {
        let _ = target;
        false
    }

    /// What it is, where an outage and a count of requests make a difference.
    fn nature(&self) -> Nature {
        Nature::Request
    }

    /// Carries it out, with a fault if it is one that the other side knows of.
    fn carry_out(&mut self, backend: &mut Backend, now: Duration, way: usize, fault: Option<Fault>) -> Self::Answer;

    /// What its sender gets when it was not carried out, or the answer was lost.
    fn no_answer(&self, fault: Fault) -> Self::Answer;
}

/// What an operation is to an outage, and to whoever counts requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Nature {
    /// A request of ours, with a time limit of its own.
    Request,
    /// A call of a system that is not ours, with the time limit that its caller has set, if any.
    Call(Option<Duration>),
    /// What a platform does to bring work: it goes on asking by itself, and is no request of ours.
    Poll,
    /// What a platform does with an answer of ours.
    Settling,
}

/// An operation, whatever its answer.
pub(crate) trait AnyOperation: Send {
    fn describe(&self) -> String;
    fn content(&self) -> String;
    fn ways(&self, backend: &Backend, now: Duration) -> usize;
    fn faults(&self) -> &'static [Fault];
    fn needs(&self, target: &Target) -> bool;
    fn nature(&self) -> Nature;
    /// Whether it is on its way as soon as it is sent, and does not wait to be served.
    fn is_sent_at_once(&self) -> bool;
    /// Carries it out and answers.
    fn carry_out(&mut self, backend: &mut Backend, now: Duration, way: usize, fault: Option<Fault>);
    /// Carries it out; nobody is answered.
    fn land(&mut self, backend: &mut Backend, now: Duration);
    /// Answers without carrying it out.
    fn fail(&mut self, fault: Fault);
}
