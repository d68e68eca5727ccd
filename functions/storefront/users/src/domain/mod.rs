//! Users: who they are, and how they want to be reached. What they tell of themselves stands in events only sealed, under a
//! key of their own: `operator subjects forget User#...` makes it unreadable everywhere.

mod user;

pub use user::{Channel, Contact, Personal, Preferences, Profile, User, UserChange, UserError, UserFact, UserId};
