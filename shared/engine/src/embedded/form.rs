use onecommit_environment::Timestamp;

use super::mark::{HANDLED_BYTES, Mark};
use super::window::{self, SPILLED_UNTIL, Window};
use crate::condition::Condition;
use crate::value::{Item, Value};
use crate::write::Update;

/// Where a commit records that its event was handled. Each form makes sure that no other one has.
///
/// | form | ledger | row | write units, rows up to 1 KB |
/// |---|---|---|---|
/// | `Marked` | | mark | 1 |
/// | `Both` | record | mark | 4 |
/// | `Recorded` | record | notes that the ledger has to be asked | 4 |
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// The row alone: as long as nothing is in the ledger.
    Marked,
    /// Row and ledger: the row has room again, and events of before may still be in the ledger alone; it is on its own again when
    /// they are too old. Or there are processes that look into the ledger only.
    Both,
    /// The ledger, because the row is full.
    Recorded,
}

/// The most marks that a row takes in one period before it spills: beside 200 bytes of its own they make up 1 KB, which is one
/// write unit.
pub(crate) const MARKS_MAX: u64 = 40;
/// How many elements a mark has in its set.
const ELEMENTS: u64 = 2;

/// When and how marks are written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Marking {
    pub(crate) mark: Mark,
    pub(crate) window: Window,
    pub(crate) now: Timestamp,
}

/// What a row shows that did not take a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// It has taken the event before.
    Copy,
    /// It has taken another event of this id before.
    Contradiction,
    /// The ledger has to be asked, or is to record the event: the commit takes another form.
    Spilled(Form),
    /// Nothing that speaks against it: one of the handler's own conditions failed.
    Open,
}

impl Form {
    /// Whether the commit records the event in the ledger.
    pub(crate) fn is_in_ledger(self) -> bool {
        self != Self::Marked
    }
}

impl Marking {
    /// The changes of a row with the record of handling, in this form; `seen` is the row as it was shown, if it was.
    pub(crate) fn of(&self, form: Form, changes: Update, seen: Option<&Item>) -> Update {
        let Self { mark, window, now } = self;
        let current = window.current(*now);
        let mut parts: Vec<Condition> = window
            .live(*now)
            .map(|set| Condition::lacks(set, mark.handled()))
            .collect();
        if form != Form::Recorded {
            // Two elements more still fit.
            let room = Condition::fewer(&current, MARKS_MAX * ELEMENTS);
            parts.push(Condition::absent(&current).or(room));
        }
        if form == Form::Marked {
            let is_over = Condition::less(SPILLED_UNTIL, now.unix_seconds());
            parts.push(Condition::absent(SPILLED_UNTIL).or(is_over));
        }
        parts.extend(changes.condition.clone());
        let mut update = Update {
            condition: Some(Condition::All(parts)),
            ..changes
        };
        update = match form {
            Form::Recorded => update.set(SPILLED_UNTIL, window.spilled_until(*now)),
            Form::Marked => update.remove(SPILLED_UNTIL).add_to_set(current, mark.elements()),
            Form::Both => update.add_to_set(current, mark.elements()),
        };
        window.expired(*now, seen).fold(update, Update::remove)
    }

    /// What a row says whose condition failed for a commit in this form.
    pub(crate) fn judge(&self, form: Form, row: Option<&Item>) -> Found {
        let Some(row) = row else { return Found::Open };
        let has = |element: &[u8]| sets(row).any(|(_, set)| set.contains(element));
        if has(self.mark.handled()) {
            return if has(self.mark.content()) {
                Found::Copy
            } else {
                Found::Contradiction
            };
        }
        let is_full = self.is_full(row);
        match form {
            Form::Marked if self.is_spilled(row) || is_full => Found::Spilled(self.beside_the_ledger(row)),
            Form::Both if is_full => Found::Spilled(Form::Recorded),
            _ => Found::Open,
        }
    }

    /// Room is made for marks only when there are few of all periods together: a row should not grow by one full set each.
    fn beside_the_ledger(&self, row: &Item) -> Form {
        let live = sets(row).filter(|(name, _)| self.window.is_live(self.now, name));
        let marks: usize = live.map(|(_, set)| marks_in(set)).sum();
        if (marks as u64) < MARKS_MAX && !self.is_full(row) {
            Form::Both
        } else {
            Form::Recorded
        }
    }

    fn is_full(&self, row: &Item) -> bool {
        let current = self.window.current(self.now);
        !Condition::fewer(&current, MARKS_MAX * ELEMENTS)
            .or(Condition::absent(&current))
            .holds(Some(row))
    }

    /// Something else than a number is nothing that the engine wrote: the ledger is asked, and a number put in its place.
    fn is_spilled(&self, row: &Item) -> bool {
        let until = row.get(SPILLED_UNTIL);
        until.is_some_and(|until| until.as_i64().is_none_or(|until| until >= self.now.unix_seconds()))
    }
}

fn sets(row: &Item) -> impl Iterator<Item = (&String, &std::collections::BTreeSet<Vec<u8>>)> {
    row.iter().filter_map(|(name, value)| match value {
        Value::ByteSet(set) if window::is_set(name) => Some((name, set)),
        _ => None,
    })
}

fn marks_in(set: &std::collections::BTreeSet<Vec<u8>>) -> usize {
    set.iter().filter(|element| element.len() == HANDLED_BYTES).count()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::mark::tests::mark;
    use super::*;
    use crate::ledger::Ledger;
    use crate::write::{Key, Table};

    const NOW: i64 = 1_800_000_000_000;

    fn marking(id: u64) -> Marking {
        marking_at(id, NOW)
    }

    fn marking_at(id: u64, now_ms: i64) -> Marking {
        Marking {
            mark: mark("c", id, "x"),
            window: Window::of(&Ledger::new(Table::new("ledger")), Duration::from_secs(900)),
            now: Timestamp::from_unix_ms(now_ms),
        }
    }

    fn row() -> Update {
        Table::new("rows").update(Key::new("pk", "r"))
    }

    /// The row after a write, if its condition holds; what an update does is decided by the tables, and this is what it is to
    /// come to.
    fn taken(row: &Item, marking: &Marking, form: Form) -> Option<Item> {
        let update = marking.of(form, self::row(), None);
        if !update
            .condition
            .as_ref()
            .is_none_or(|condition| condition.holds(Some(row)))
        {
            return None;
        }
        let mut row = row.clone();
        for change in update.changes() {
            match change {
                crate::write::Change::Add(name, Value::ByteSet(more)) => match row.get_mut(name) {
                    Some(Value::ByteSet(set)) => set.extend(more.iter().cloned()),
                    _ => drop(row.insert(name.clone(), Value::ByteSet(more.clone()))),
                },
                crate::write::Change::Set(name, value) => drop(row.insert(name.clone(), value.clone())),
                crate::write::Change::Remove(name) => drop(row.remove(name)),
                other => panic!("{other:?} is no part of a record"),
            }
        }
        Some(row)
    }

    fn marked(mut row: Item, ids: std::ops::Range<u64>) -> Item {
        for id in ids {
            row = taken(&row, &marking(id), Form::Marked).unwrap();
        }
        row
    }

    #[test]
    fn a_copy_is_not_taken_by_any_form() {
        let row = marked(Item::new(), 0..3);
        for form in [Form::Marked, Form::Both, Form::Recorded] {
            assert_eq!(taken(&row, &marking(1), form), None, "{form:?}");
            assert_eq!(marking(1).judge(form, Some(&row)), Found::Copy);
            assert!(taken(&row, &marking(3), form).is_some());
        }
    }

    #[test]
    fn another_event_of_the_same_id_is_a_contradiction() {
        let row = marked(Item::new(), 0..3);
        let other = Marking {
            mark: mark("c", 1, "y"),
            ..marking(1)
        };
        assert_eq!(taken(&row, &other, Form::Marked), None);
        assert_eq!(other.judge(Form::Marked, Some(&row)), Found::Contradiction);
    }

    #[test]
    fn two_consumers_do_not_see_each_others_marks() {
        let row = marked(Item::new(), 0..3);
        let other = Marking {
            mark: mark("d", 1, "x"),
            ..marking(1)
        };
        let row = taken(&row, &other, Form::Marked).unwrap();
        assert_eq!(other.judge(Form::Marked, Some(&row)), Found::Copy);
        assert_eq!(marking(1).judge(Form::Marked, Some(&row)), Found::Copy);
    }

    #[test]
    fn a_full_row_spills_and_says_so_until_the_window_is_over() {
        let full = marked(Item::new(), 0..MARKS_MAX);
        let next = marking(100);
        assert_eq!(taken(&full, &next, Form::Marked), None);
        assert_eq!(next.judge(Form::Marked, Some(&full)), Found::Spilled(Form::Recorded));
        let spilled = taken(&full, &next, Form::Recorded).unwrap();
        assert_eq!(
            next.judge(Form::Recorded, Some(&spilled)),
            Found::Open,
            "its copy is the ledger's to find"
        );
        // As long as the ledger remembers, and a moment longer; then it stands on its own again.
        let days = |days: i64| marking_at(101, NOW + days * 24 * 3600 * 1000);
        let cool = Item::from([(SPILLED_UNTIL.to_owned(), spilled[SPILLED_UNTIL].clone())]);
        for day in [0, 1, 29, 30, 31] {
            assert_eq!(taken(&cool, &days(day), Form::Marked), None, "after {day} days");
            assert_eq!(days(day).judge(Form::Marked, Some(&cool)), Found::Spilled(Form::Both));
        }
        let alone = taken(&cool, &days(33), Form::Marked).unwrap();
        assert!(!alone.contains_key(SPILLED_UNTIL));
    }

    #[test]
    fn a_row_that_has_cooled_down_takes_marks_beside_the_ledger_and_does_not_prolong_it() {
        let until = Value::from(NOW / 1000 + 3600);
        let cool = Item::from([(SPILLED_UNTIL.to_owned(), until.clone())]);
        let row = taken(&cool, &marking(1), Form::Both).unwrap();
        assert_eq!(row[SPILLED_UNTIL], until);
        assert_eq!(marking(1).judge(Form::Both, Some(&row)), Found::Copy);
    }

    #[test]
    fn a_row_with_marks_of_many_periods_records_in_the_ledger() {
        let period_ms = 8 * 24 * 3600 * 1000;
        let mut row = marked(Item::new(), 0..MARKS_MAX);
        row.insert(SPILLED_UNTIL.to_owned(), (NOW / 1000 + 1_000_000_000).into());
        let later = marking_at(100, NOW + period_ms);
        assert_eq!(later.judge(Form::Marked, Some(&row)), Found::Spilled(Form::Recorded));
        let last = marking_at(100, NOW + 5 * period_ms);
        assert_eq!(last.judge(Form::Marked, Some(&row)), Found::Spilled(Form::Both));
    }

    #[test]
    fn an_own_condition_is_told_from_the_rest() {
        let row = marked(Item::new(), 0..3);
        assert_eq!(marking(9).judge(Form::Marked, Some(&row)), Found::Open);
        assert_eq!(marking(9).judge(Form::Marked, None), Found::Open);
    }

    #[test]
    fn what_the_engine_did_not_write_has_the_ledger_asked() {
        let foreign = Item::from([(SPILLED_UNTIL.to_owned(), Value::from("soon"))]);
        assert_eq!(taken(&foreign, &marking(1), Form::Marked), None);
        assert_eq!(
            marking(1).judge(Form::Marked, Some(&foreign)),
            Found::Spilled(Form::Both)
        );
    }
}
