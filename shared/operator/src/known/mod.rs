//! What a service has said of itself: its aggregates and its views.

mod aggregates;
mod views;

pub(crate) use self::aggregates::{KnownAggregates, Moment};
pub(crate) use self::views::{KnownViews, ViewFactory};
