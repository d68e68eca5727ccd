//! Which messages of a batch wait for which.

use std::collections::HashMap;

use crate::delivery::Delivery;

/// Places in the batch, to be worked on one after the other.
pub(crate) type Lane = Vec<usize>;

/// One lane per FIFO message group, in the order of the batch; one lane for each message without a group.
pub(crate) fn of(deliveries: &[Delivery]) -> Vec<Lane> {
    let mut lanes: Vec<Lane> = Vec::with_capacity(deliveries.len());
    let mut lane_of_group: HashMap<&str, usize> = HashMap::new();
    for (place, delivery) in deliveries.iter().enumerate() {
        match &delivery.group {
            None => lanes.push(vec![place]),
            Some(group) => {
                let lane = *lane_of_group.entry(group).or_insert_with(|| {
                    lanes.push(Vec::new());
                    lanes.len() - 1
                });
                lanes[lane].push(place);
            }
        }
    }
    lanes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_is_one_lane_in_order_and_messages_without_a_group_have_their_own() {
        let deliveries: Vec<Delivery> = [Some("a"), None, Some("b"), Some("a"), None]
            .map(|group| Delivery { group: group.map(str::to_owned), ..Delivery::default() })
            .into();
        assert_eq!(of(&deliveries), vec![vec![0, 3], vec![1], vec![2], vec![4]]);
    }
}
