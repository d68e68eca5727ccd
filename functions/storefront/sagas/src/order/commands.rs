//! What the saga says to the contexts.

use serde_json::{Map, Value};
use storefront_catalog::{ReleaseInventory, ReserveInventory, ReservedItem};
use storefront_notifications::NotifyCustomer;
use storefront_orders::{CancelOrder, ConfirmOrder, CreateOrder, Line};
use storefront_payments::{CapturePayment, RefundPayment};

use super::OrderSaga;

impl OrderSaga {
    pub(super) fn create(&self) -> CreateOrder {
        CreateOrder {
            order_id: self.order_id.clone(),
            customer_id: self.customer_id.clone(),
            items: self.items.clone(),
            total: self.total,
        }
    }

    pub(super) fn cancel(&self) -> CancelOrder {
        CancelOrder {
            order_id: self.order_id.clone(),
            reason: self.reason(),
        }
    }

    pub(super) fn reserve(&self) -> ReserveInventory {
        let wanted = |line: &Line| ReservedItem {
            sku: line.sku.clone(),
            quantity: line.quantity,
            unit_price_minor: line.unit_price_minor,
        };
        ReserveInventory {
            order_id: self.order_id.clone(),
            items: self.items.iter().map(wanted).collect(),
            currency: self.total.currency(),
        }
    }

    pub(super) fn release(&self) -> ReleaseInventory {
        ReleaseInventory {
            order_id: self.order_id.clone(),
        }
    }

    pub(super) fn capture(&self) -> CapturePayment {
        CapturePayment {
            order_id: self.order_id.clone(),
            customer_id: self.customer_id.clone(),
            amount: self.total,
            method: self.payment_method.clone(),
        }
    }

    pub(super) fn refund(&self) -> RefundPayment {
        RefundPayment {
            order_id: self.order_id.clone(),
            reason: self.reason(),
        }
    }

    pub(super) fn confirm(&self) -> ConfirmOrder {
        ConfirmOrder {
            order_id: self.order_id.clone(),
        }
    }

    pub(super) fn notify(&self) -> NotifyCustomer {
        let parameters = [("orderId", &self.order_id)];
        let parameters = parameters.map(|(name, text)| (name.to_owned(), Value::from(text.as_str())));
        NotifyCustomer {
            order_id: self.order_id.clone(),
            customer_id: self.customer_id.clone(),
            template: "orderConfirmed".to_owned(),
            parameters: Map::from_iter(parameters),
        }
    }

    /// Nobody said why when nobody answered, or when the customer does not want the order any more.
    fn reason(&self) -> String {
        let said = self.reason.clone();
        said.unwrap_or_else(|| "the order was withdrawn, or could not be completed in time".to_owned())
    }
}
