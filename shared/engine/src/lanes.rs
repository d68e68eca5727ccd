//! Which messages of a batch wait for which.

use std::collections::{HashMap, HashSet};

use onecommit_event::{Event, EventId};

use crate::delivery::Delivery;

/// Places in the batch, to be worked on one after the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Lane {
    pub(crate) places: Vec<usize>,
    pub(crate) order: Order,
}

/// What a message that was not handled means for those behind it in its lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// Of one FIFO group: they wait until it has left the queue, be it handled or parked.
    Group,
    /// Of one aggregate whose view is kept by sequence: they wait while it is to be redelivered.
    Aggregate,
    /// Under one event id: each is judged by itself, but by what became of those before it.
    Copies,
}

/// An event and where it stands in its aggregate, if its view had better see it in order.
pub(crate) struct Place<'a> {
    pub(crate) event: &'a Event,
    pub(crate) by_sequence: bool,
}

/// One lane per FIFO message group, in the order of the batch; one lane per aggregate whose view is kept by sequence, in
/// that order; one for each event id else.
pub(crate) fn of<'a>(deliveries: &[Delivery], place_of: impl Fn(usize) -> Option<Place<'a>>) -> Vec<Lane> {
    let mut lanes: Vec<Lane> = Vec::with_capacity(deliveries.len());
    let mut lane_of: HashMap<Name<'_>, usize> = HashMap::with_capacity(deliveries.len());
    let mut unordered: HashSet<usize> = HashSet::new();
    let mut sequences: HashMap<usize, u64> = HashMap::new();
    for (number, delivery) in deliveries.iter().enumerate() {
        let new = |order| Lane {
            places: Vec::new(),
            order,
        };
        let name = match (&delivery.group, place_of(number)) {
            (Some(group), _) => Name::Group(group),
            (None, None) => {
                lanes.push(Lane {
                    places: vec![number],
                    ..new(Order::Copies)
                });
                continue;
            }
            (None, Some(Place { event, by_sequence })) => match event.metadata().sequence.filter(|_| by_sequence) {
                Some(sequence) => {
                    sequences.insert(number, sequence);
                    Name::Aggregate(event.aggregate().to_string())
                }
                None => Name::Event(event.id()),
            },
        };
        let order = name.order();
        let lane = *lane_of.entry(name).or_insert_with(|| {
            lanes.push(new(order));
            lanes.len() - 1
        });
        if order == Order::Aggregate {
            unordered.insert(lane);
        }
        lanes[lane].places.push(number);
    }
    for lane in unordered {
        lanes[lane].places.sort_by_key(|place| sequences.get(place).copied());
    }
    lanes
}

#[derive(PartialEq, Eq, Hash)]
enum Name<'a> {
    Group(&'a str),
    Aggregate(String),
    Event(EventId),
}

impl Name<'_> {
    fn order(&self) -> Order {
        match self {
            Self::Group(_) => Order::Group,
            Self::Aggregate(_) => Order::Aggregate,
            Self::Event(_) => Order::Copies,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(id: u32, sequence: Option<u64>) -> Event {
        let sequence = sequence.map_or(String::new(), |sequence| format!(r#","sequence":{sequence}"#));
        let json = format!(
            r#"{{"eventId":"0192f0c1-0000-7000-8000-{id:012}","eventType":"A","aggregateId":"1",
            "aggregateType":"Order","timestamp":"2026-11-22T07:00:00Z","payload":{{}},
            "metadata":{{"correlationId":"c","causationId":"c"{sequence}}}}}"#
        );
        Event::from_json(&json).unwrap()
    }

    fn places(lanes: &[Lane]) -> Vec<&[usize]> {
        lanes.iter().map(|lane| &lane.places[..]).collect()
    }

    #[test]
    fn a_group_is_one_lane_in_order_and_messages_without_a_group_have_their_own() {
        let deliveries: Vec<Delivery> = [Some("a"), None, Some("b"), Some("a"), None]
            .map(|group| Delivery {
                group: group.map(str::to_owned),
                ..Delivery::default()
            })
            .into();
        assert_eq!(places(&of(&deliveries, |_| None)), [&[0, 3][..], &[1], &[2], &[4]]);
    }

    #[test]
    fn the_tenant_of_a_fair_queue_is_not_an_order() {
        let delivery = Delivery {
            tenant: Some("t".to_owned()),
            ..Delivery::default()
        };
        assert_eq!(of(&[delivery.clone(), delivery], |_| None).len(), 2);
    }

    #[test]
    fn an_aggregate_with_a_view_is_one_lane_in_the_order_of_its_sequence() {
        let deliveries = vec![Delivery::default(); 4];
        let events: Vec<Event> = (0..4).map(|id| event(id, Some(9 - u64::from(id)))).collect();
        let place_of = |place: usize| {
            let event = &events[place];
            Some(Place {
                event,
                by_sequence: place != 1,
            })
        };
        assert_eq!(places(&of(&deliveries, place_of)), [&[3, 2, 0][..], &[1]]);
    }

    #[test]
    fn copies_are_one_lane_and_other_events_have_their_own() {
        let deliveries = vec![Delivery::default(); 3];
        let events = [event(1, None), event(2, None), event(1, None)];
        let place_of = |place: usize| {
            let event = &events[place];
            Some(Place {
                event,
                by_sequence: false,
            })
        };
        assert_eq!(places(&of(&deliveries, place_of)), [&[0, 2][..], &[1]]);
    }
}
