//! Records of handling that live in the row that handling changes: an embedded inbox.
//!
//! The ledger's record costs a row of its own and makes the commit a transaction: four write units where the change alone
//! costs one. So the row itself notes, in sets of marks, which events it has taken, and one conditional update does both:
//!
//! ```text
//! UPDATE row  the handler's changes, and ADD the event's mark to the set of this period
//! ONLY IF     no set that may hold it contains the mark, the set has room, the row does not spill
//!             and the handler's own conditions hold
//! ```
//!
//! Three things follow from there being no record elsewhere, and each has its module.
//!
//! - [`mark`]: what the row notes of an event; the same for every copy, another for each consumer, and with enough of the
//!   content to tell that two events share an id.
//! - [`window`]: a set holds the marks of one period of eight days, and is removed when no copy of them is accepted any more.
//!   Periods are counted from 1970 and each has a set of its own name, so that a clock that is ahead or behind adds to another set
//!   and never removes one that is needed.
//! - [`form`]: a row with too many marks *spills*: events are recorded in the ledger, in the same commit, and the row notes until
//!   when the ledger has to be asked. What the row looked like when its condition failed decides the form of the next try.
//!
//! A set is removed by the writes of the eight periods after its last; a row that rests for longer keeps the marks it has until
//! it is seen for another reason. They cost some bytes and nothing else: a mark never says anything that is not so.

pub(crate) mod change;
pub(crate) mod form;
pub(crate) mod mark;
pub(crate) mod spilled;
pub(crate) mod window;
