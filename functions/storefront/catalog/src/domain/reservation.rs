//! What becomes of a reservation, in one table.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::StockMove;

/// Where a reservation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum ReservationState {
    /// It holds stock, until it expires.
    Held,
    /// Its stock is the customer's, for good.
    Confirmed,
    /// It was given back; or it was given back before it was made, and never will be.
    Released,
    /// Its time was over before its order was confirmed.
    Expired,
    /// It was never made.
    Refused,
}

/// What is asked of a reservation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ask {
    /// Make it: `ReserveInventory`.
    Reserve,
    /// Give it back: `ReleaseInventory`.
    Release,
    /// Its order was confirmed: `OrderConfirmed`.
    Confirm,
    /// Its time is over.
    Expire,
}

/// What follows from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// What its stock does.
    pub moves: Option<StockMove>,
    /// Where it is now.
    pub to: ReservationState,
    /// What is said about it.
    pub says: Option<Said>,
}

/// What is said about a reservation, in events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said {
    /// `InventoryReserved`.
    Reserved,
    /// `InventoryRefused`, for the reason that was given the first time.
    Refused,
    /// `InventoryRefused`, because it was released.
    TooLate,
    /// `InventoryUnchanged`: nothing moved by this.
    Unchanged,
    /// `InventoryReleased`.
    Released,
    /// `InventoryReleased`, and nobody asked for it.
    Expired,
    /// `InventoryConfirmed`.
    Confirmed,
}

/// What cannot be: somebody went wrong before, and a person has to look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Impossible {
    /// The stock of a confirmed order is to be released.
    ReleaseOfConfirmed,
    /// An order was confirmed that holds no stock, nor did until it expired.
    NothingToConfirm,
}

/// What follows when `ask` meets a reservation in this state; `None` is an order that nothing was asked for yet.
///
/// Every command gets its answer, also when it was carried out before: whoever asks again, under another event id, waits
/// for it. What happened to the stock is told once; after that the answer is that nothing changed. An expired reservation whose order is confirmed after all takes its stock again, if there is enough.
///
/// # Errors
/// See [`Impossible`].
pub fn step(state: Option<ReservationState>, ask: Ask) -> Result<Step, Impossible> {
    use Ask::{Confirm, Expire, Release, Reserve};
    use ReservationState::{Confirmed, Expired, Held, Refused, Released};
    let moved = |moves, to, says| Step {
        moves: Some(moves),
        to,
        says: Some(says),
    };
    let stays = |to, says| Step { moves: None, to, says };
    Ok(match (state, ask) {
        (None, Reserve) => moved(StockMove::Hold, Held, Said::Reserved),
        (Some(made @ (Held | Confirmed)), Reserve) => stays(made, Some(Said::Unchanged)),
        (Some(Refused), Reserve) => stays(Refused, Some(Said::Refused)),
        (Some(gone @ (Released | Expired)), Reserve) => stays(gone, Some(Said::TooLate)),

        (Some(Held), Release) => moved(StockMove::Release, Released, Said::Released),
        // The command that would have made it may still be on its way.
        (None, Release) => stays(Released, Some(Said::Unchanged)),
        (Some(gone @ (Released | Expired | Refused)), Release) => stays(gone, Some(Said::Unchanged)),
        (Some(Confirmed), Release) => return Err(Impossible::ReleaseOfConfirmed),

        (Some(Held), Confirm) => moved(StockMove::Confirm, Confirmed, Said::Confirmed),
        (Some(Expired), Confirm) => moved(StockMove::Retake, Confirmed, Said::Confirmed),
        (Some(Confirmed), Confirm) => stays(Confirmed, None),
        (None | Some(Released | Refused), Confirm) => return Err(Impossible::NothingToConfirm),

        (Some(Held), Expire) => moved(StockMove::Release, Expired, Said::Expired),
        (state, Expire) => stays(state.unwrap_or(Released), None),
    })
}

impl fmt::Display for Impossible {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::ReleaseOfConfirmed => "the order is confirmed; its stock cannot be released",
            Self::NothingToConfirm => "the order was confirmed without a reservation",
        })
    }
}

impl std::error::Error for Impossible {}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::Stock;

    const ASKS: [Ask; 4] = [Ask::Reserve, Ask::Release, Ask::Confirm, Ask::Expire];

    fn plus(stock: Stock, change: Stock) -> Stock {
        Stock {
            start: stock.start + change.start,
            available: stock.available + change.available,
            held: stock.held + change.held,
            confirmed: stock.confirmed + change.confirmed,
        }
    }

    #[test]
    fn a_release_before_its_reservation_prevents_it() {
        let released = step(None, Ask::Release).unwrap();
        assert_eq!(released.moves, None);
        let reserved = step(Some(released.to), Ask::Reserve).unwrap();
        assert_eq!((reserved.moves, reserved.says), (None, Some(Said::TooLate)));
    }

    #[test]
    fn a_confirmed_reservation_stays_confirmed() {
        for ask in ASKS {
            match step(Some(ReservationState::Confirmed), ask) {
                Ok(step) => assert_eq!((step.moves, step.to), (None, ReservationState::Confirmed), "{ask:?}"),
                Err(error) => assert_eq!((error, ask), (Impossible::ReleaseOfConfirmed, Ask::Release)),
            }
        }
    }

    #[test]
    fn both_commands_are_answered_in_every_state_but_the_impossible() {
        use ReservationState::{Confirmed, Expired, Held, Refused, Released};
        for state in [
            None,
            Some(Held),
            Some(Confirmed),
            Some(Released),
            Some(Expired),
            Some(Refused),
        ] {
            for ask in [Ask::Reserve, Ask::Release] {
                match step(state, ask) {
                    Ok(step) => assert!(step.says.is_some(), "{state:?} {ask:?}"),
                    Err(_) => assert_eq!((state, ask), (Some(Confirmed), Ask::Release)),
                }
            }
        }
    }

    proptest! {
        #[test]
        fn reserved_stock_is_always_counted_once(asks in prop::collection::vec(0..4_usize, 0..40)) {
            let start = Stock { start: 5, available: 5, ..Stock::default() };
            let (mut stock, mut state) = (start, None);
            for ask in asks {
                let Ok(step) = step(state, ASKS[ask]) else { continue };
                if let Some(moves) = step.moves {
                    stock = plus(stock, moves.change(5));
                }
                if state.is_some() || step.says.is_some() {
                    state = Some(step.to);
                }
                prop_assert!(stock.is_sound(), "{stock:?}");
                prop_assert_eq!(stock.held > 0, state == Some(ReservationState::Held));
                prop_assert_eq!(stock.confirmed > 0, state == Some(ReservationState::Confirmed));
            }
        }
    }
}
