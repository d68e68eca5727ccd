#[cfg(not(any(test, feature = "switch")))]
mod off {
    use crate::mutant::Mutant;

    /// Whether this bug is on: never, because the feature `switch` is off.
    #[inline(always)]
    #[must_use]
    pub const fn is_on(_: Mutant) -> bool {
        false
    }
}

#[cfg(any(test, feature = "switch"))]
mod on {
    use std::cell::Cell;

    use crate::mutant::Mutant;

    thread_local! {
        static ON: Cell<Option<Mutant>> = const { Cell::new(None) };
    }

    /// Whether this bug is on for this thread.
    #[inline]
    #[must_use]
    pub fn is_on(mutant: Mutant) -> bool {
        ON.get() == Some(mutant)
    }

    /// Runs with this bug on, in place of any other, and only on this thread. Afterwards it is as before, also when `run`
    /// panics.
    ///
    /// ```
    /// use onecommit_mutants::{Mutant, is_on, with};
    ///
    /// assert!(with(Mutant::LaneGoesOn, || is_on(Mutant::LaneGoesOn)));
    /// assert!(!is_on(Mutant::LaneGoesOn));
    /// ```
    pub fn with<T>(mutant: Mutant, run: impl FnOnce() -> T) -> T {
        let _as_before = AsBefore(ON.replace(Some(mutant)));
        run()
    }

    struct AsBefore(Option<Mutant>);

    impl Drop for AsBefore {
        fn drop(&mut self) {
            ON.set(self.0);
        }
    }
}

#[cfg(not(any(test, feature = "switch")))]
pub use off::is_on;
#[cfg(any(test, feature = "switch"))]
pub use on::{is_on, with};

#[cfg(test)]
#[allow(clippy::panic, clippy::unwrap_used, reason = "these are tests")]
mod tests {
    use super::{is_on, with};
    use crate::mutant::Mutant;

    fn those_on() -> Vec<Mutant> {
        Mutant::ALL.iter().copied().filter(|mutant| is_on(*mutant)).collect()
    }

    #[test]
    fn no_bug_is_on_unless_somebody_switched_it_on() {
        assert_eq!(those_on(), []);
    }

    #[test]
    fn exactly_the_one_that_was_switched_on_is_on_while_it_runs() {
        for mutant in Mutant::ALL {
            assert_eq!(with(*mutant, those_on), [*mutant]);
            assert_eq!(those_on(), []);
        }
    }

    #[test]
    fn inside_another_the_inner_one_is_on_and_then_the_outer_one_again() {
        let [outer, inner] = [Mutant::ALL[0], Mutant::ALL[1]];
        let seen = with(outer, || (with(inner, those_on), those_on()));
        assert_eq!(seen, (vec![inner], vec![outer]));
    }

    #[test]
    fn another_thread_does_not_see_it() {
        let elsewhere = with(Mutant::ALL[0], || std::thread::spawn(those_on).join().unwrap());
        assert_eq!(elsewhere, []);
    }

    #[test]
    fn a_panic_switches_it_off() {
        let panicked = std::panic::catch_unwind(|| with(Mutant::ALL[0], || panic!("as intended")));
        assert!(panicked.is_err());
        assert_eq!(those_on(), []);
    }
}
