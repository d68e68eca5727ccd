use onecommit_engine::{Atomic, Commit, Failure, FirstTries};
use onecommit_event::Event;

use super::impossible;
use crate::Catalog;
use crate::service::reservation::{Content, Reservation, check_order};
use crate::{Ask, Lines, RefusalReason, ReservationState, ReserveInventory, Said, Step, step};

/// Holds stock for an order, all of it or none.
pub(crate) struct Reserve {
    catalog: Catalog,
    tried: FirstTries,
}

impl Reserve {
    pub(crate) fn new(catalog: Catalog) -> Self {
        Self {
            catalog,
            tried: FirstTries::default(),
        }
    }

    /// A reservation that was never asked for before.
    fn fresh(&self, event: &Event<ReserveInventory>, content: Option<Content>) -> Reservation {
        let now = self.catalog.environment.clock().now();
        let expires_at = content.is_some().then(|| now.plus(self.catalog.hold_for).to_string());
        Reservation {
            order_id: event.payload().order_id.clone(),
            state: ReservationState::Held,
            content,
            expires_at,
            refusal: None,
            version: 0,
            correlation_id: event.metadata().correlation_id.clone(),
        }
    }

    fn hold(&self, event: &Event<ReserveInventory>, content: Content) -> Result<Commit, Failure> {
        let order_id = &event.payload().order_id;
        let step = step(None, Ask::Reserve).map_err(|why| impossible(order_id, why))?;
        self.catalog.commit(self.fresh(event, Some(content)), step, None)
    }

    fn refuse(
        &self,
        event: &Event<ReserveInventory>,
        content: Option<Content>,
        refusal: (RefusalReason, Option<String>),
    ) -> Result<Commit, Failure> {
        let refused = Reservation {
            expires_at: None,
            refusal: Some(refusal),
            ..self.fresh(event, content)
        };
        let step = Step {
            moves: None,
            to: ReservationState::Refused,
            says: Some(Said::Refused),
        };
        self.catalog.commit(refused, step, None)
    }

    /// For an order that was asked for before: it is answered as it was.
    fn again(&self, found: Reservation, content: Option<&Content>) -> Result<Commit, Failure> {
        if found.content.is_some() && found.content.as_ref() != content {
            return Err(Failure::reject(format!(
                "order {} requests other items than before; an order has one reservation",
                found.order_id
            )));
        }
        let step = step(Some(found.state), Ask::Reserve).map_err(|why| impossible(&found.order_id, why))?;
        let before = Some(found.version);
        self.catalog.commit(found, step, before)
    }

    /// Why the products there are cannot be held; because of the first of them that is not as the order wants it.
    async fn missing(&self, content: &Content) -> Result<Option<(RefusalReason, Option<String>)>, Failure> {
        let products = self.catalog.products(content.lines.iter()).await?;
        let mut refusals = content.lines.iter().zip(products).filter_map(|(line, product)| {
            let reason = match product {
                None => RefusalReason::UnknownProduct,
                Some(product) => product.refusal(line, content.currency)?,
            };
            Some((reason, Some(line.sku.to_string())))
        });
        Ok(refusals.next())
    }
}

impl Atomic<ReserveInventory> for Reserve {
    async fn handle(&self, event: Event<ReserveInventory>) -> Result<Commit, Failure> {
        let command = event.payload();
        check_order(&command.order_id).map_err(Failure::Invalid)?;
        let content = Lines::of(&command.items).map(|lines| Content {
            lines,
            currency: command.currency,
        });
        if let Ok(content) = &content
            && self.tried.is_first(event.id())
        {
            return self.hold(&event, content.clone());
        }
        let found = self.catalog.reservation(&command.order_id).await?;
        match (found, content) {
            (Some(found), content) => self.again(found, content.ok().as_ref()),
            (None, Err(refusal)) => self.refuse(&event, None, refusal),
            (None, Ok(content)) => match self.missing(&content).await? {
                None => self.hold(&event, content),
                Some(refusal) => self.refuse(&event, Some(content), refusal),
            },
        }
    }
}
