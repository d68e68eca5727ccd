//! Which messages of a batch wait for which.

use std::collections::HashMap;

use crate::delivery::Delivery;

/// Places in the batch, to be worked on one after the other.
pub(crate) type Lane = Vec<usize>;

/// One lane per FIFO message group, in the order of the batch; one lane per aggregate whose view is kept by sequence,
/// in that order; one lane for each message else.
pub(crate) fn of(deliveries: &[Delivery], aggregate_of: impl Fn(usize) -> Option<(String, u64)>) -> Vec<Lane> {
    let mut lanes: Vec<Lane> = Vec::with_capacity(deliveries.len());
    let mut lane_of: HashMap<String, usize> = HashMap::new();
    let mut sequences: HashMap<usize, u64> = HashMap::new();
    for (place, delivery) in deliveries.iter().enumerate() {
        let name = match &delivery.group {
            Some(group) => Some(format!("group {group}")),
            None => aggregate_of(place).map(|(aggregate, sequence)| {
                sequences.insert(place, sequence);
                format!("aggregate {aggregate}")
            }),
        };
        match name {
            None => lanes.push(vec![place]),
            Some(name) => {
                let lane = *lane_of.entry(name).or_insert_with(|| {
                    lanes.push(Vec::new());
                    lanes.len() - 1
                });
                lanes[lane].push(place);
            }
        }
    }
    for lane in lanes.iter_mut().filter(|lane| lane.len() > 1) {
        lane.sort_by_key(|place| sequences.get(place).copied());
    }
    lanes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_is_one_lane_in_order_and_messages_without_a_group_have_their_own() {
        let deliveries: Vec<Delivery> = [Some("a"), None, Some("b"), Some("a"), None]
            .map(|group| Delivery {
                group: group.map(str::to_owned),
                ..Delivery::default()
            })
            .into();
        assert_eq!(of(&deliveries, |_| None), vec![vec![0, 3], vec![1], vec![2], vec![4]]);
    }

    #[test]
    fn an_aggregate_with_a_view_is_one_lane_in_the_order_of_its_sequence() {
        let deliveries = vec![Delivery::default(); 4];
        let aggregate_of = |place: usize| (place != 1).then(|| ("Order#1".to_owned(), 9 - place as u64));
        assert_eq!(of(&deliveries, aggregate_of), vec![vec![3, 2, 0], vec![1]]);
    }
}
