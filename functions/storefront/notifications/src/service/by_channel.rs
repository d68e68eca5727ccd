use std::sync::Arc;

use async_trait::async_trait;

use crate::{Channel, Courier, DeliveryError, Parcel, Traced};

/// A courier that gives each delivery to the one for its channel.
#[derive(Clone)]
pub struct ByChannel {
    /// For e-mails.
    pub email: Arc<dyn Courier>,
    /// For text messages.
    pub sms: Arc<dyn Courier>,
    /// For push messages.
    pub push: Arc<dyn Courier>,
}

impl ByChannel {
    fn courier_of(&self, parcel: &Parcel) -> &dyn Courier {
        match parcel.channel {
            Channel::Email => &*self.email,
            Channel::Sms => &*self.sms,
            Channel::Push => &*self.push,
        }
    }
}

#[async_trait]
impl Courier for ByChannel {
    async fn hand_over(&self, parcel: &Parcel) -> Result<String, DeliveryError> {
        self.courier_of(parcel).hand_over(parcel).await
    }

    async fn trace(&self, parcel: &Parcel) -> Result<Traced, DeliveryError> {
        self.courier_of(parcel).trace(parcel).await
    }
}
