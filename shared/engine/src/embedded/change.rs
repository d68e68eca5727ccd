use std::fmt;

use super::form::{Form, Marking};
use super::window;
use crate::value::Item;
use crate::write::{Row, Update, Write};

/// The name by which this project's tables know when a row may go.
const TTL: &str = "ttl";

/// What a handler changes in its row, and where else its event is recorded.
#[derive(Debug)]
pub(crate) struct Change {
    pub(crate) update: Update,
    /// The row by the key function.
    pub(crate) row: Row,
    /// The row by the key function of before.
    pub(crate) earlier: Option<Row>,
    pub(crate) is_in_ledger: bool,
}

/// A change that an embedded record does not allow. The same handler will return it again.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Of another row than the key function says.
    AnotherRow(String),
    /// The key function gave another row for the same event.
    RowMoves(String),
    /// Of an attribute that holds marks.
    Marks(String),
    /// The row would expire, and its marks with it.
    Expires,
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AnotherRow(table) => write!(
                formatter,
                "the handler changes a row of {table} that is not the one of the key function; return the update that it was \
                 given, or use an atomic handler"
            ),
            Self::RowMoves(table) => write!(
                formatter,
                "the key function gave two rows of {table} for one event; it has to depend on the event alone"
            ),
            Self::Marks(attribute) => write!(
                formatter,
                "the handler changes {attribute}, which records what the row has taken; use another name"
            ),
            Self::Expires => write!(
                formatter,
                "the handler sets {TTL}: a row that expires takes its record of handling with it; use an atomic handler"
            ),
        }
    }
}

impl Change {
    pub(crate) fn check(&self) -> Result<(), Fault> {
        if Write::from(self.update.clone()).target() != self.row.target() {
            return Err(Fault::AnotherRow(self.update.table.to_string()));
        }
        for change in self.update.changes() {
            match change.attribute() {
                TTL => return Err(Fault::Expires),
                attribute if window::is_reserved(attribute) => return Err(Fault::Marks(attribute.to_owned())),
                _ => {}
            }
        }
        Ok(())
    }

    /// The form that is tried first, when nothing is known of the row.
    pub(crate) fn first_form(&self) -> Form {
        if self.is_in_ledger { Form::Both } else { Form::Marked }
    }

    /// The form after one that a row spoke against. Of two rows only one is seen: what suits each is the ledger.
    pub(crate) fn form_after(&self, wanted: Form) -> Form {
        if self.earlier_row().is_some() {
            Form::Recorded
        } else {
            wanted
        }
    }

    /// The writes of the rows, without the ledger's.
    pub(crate) fn writes(&self, form: Form, marking: &Marking, seen: Option<&Item>) -> Vec<Write> {
        let own = marking.of(form, self.update.clone(), seen);
        let earlier = self
            .earlier_row()
            .map(|row| marking.of(form, row.clone().blank(), None));
        [Some(own), earlier].into_iter().flatten().map(Write::from).collect()
    }

    /// Only if it is another one.
    fn earlier_row(&self) -> Option<&Row> {
        self.earlier
            .as_ref()
            .filter(|earlier| earlier.target() != self.row.target())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::write::{Key, Table};

    fn row(pk: &str) -> Row {
        Table::new("rows").row(Key::new("pk", pk))
    }

    fn change(update: Update) -> Change {
        Change {
            update,
            row: row("a"),
            earlier: None,
            is_in_ledger: false,
        }
    }

    #[test]
    fn what_would_lose_marks_is_refused() {
        let own = || row("a").blank();
        assert_eq!(change(own().set("total", 1)).check(), Ok(()));
        assert_eq!(
            change(row("b").blank().set("total", 1)).check(),
            Err(Fault::AnotherRow("rows".into()))
        );
        assert_eq!(
            change(own().remove("_m2598")).check(),
            Err(Fault::Marks("_m2598".into()))
        );
        assert_eq!(change(own().set("_ms", 0)).check(), Err(Fault::Marks("_ms".into())));
        assert_eq!(change(own().set("ttl", 1)).check(), Err(Fault::Expires));
    }

    #[test]
    fn a_key_that_did_not_change_is_one_row() {
        let same = Change {
            earlier: Some(row("a")),
            ..change(row("a").blank())
        };
        assert_eq!(same.form_after(Form::Both), Form::Both);
        let moved = Change {
            earlier: Some(row("b")),
            ..change(row("a").blank())
        };
        assert_eq!(moved.form_after(Form::Both), Form::Recorded);
    }
}
