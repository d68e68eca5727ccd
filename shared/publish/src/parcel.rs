use onecommit_event::Event;
use onecommit_event::claim_check::StoreError;

use crate::destination::{Destination, FailureKind, Outgoing};
use crate::report::{Delivered, Published};

/// An event on its way to all destinations, and how far it is.
pub(crate) struct Parcel {
    pub(crate) outgoing: Outgoing,
    pub(crate) light: Light,
    /// What became of it at each destination, in their order.
    pub(crate) delivered: Vec<Delivered>,
}

/// An event's form for destinations that cannot take it whole.
pub(crate) enum Light {
    /// Not made yet.
    NotMade,
    /// With a claim check instead of its payload.
    Checked(Box<Outgoing>),
    /// Its payload could not be left in the store.
    NotLeft(FailureKind, String),
}

/// What came of sending an event to a destination.
pub(crate) enum Sent {
    /// With the id that the destination gave it.
    Taken(String),
    Refused {
        blame: FailureKind,
        message: String,
        /// Whether a request carried it.
        was_sent: bool,
    },
}

impl Parcel {
    /// `earlier` is what became of it before: it is sent to no destination that took it.
    pub(crate) fn new(event: Event, destinations: &[&'static str], earlier: Option<&Published>) -> Self {
        let delivered = destinations.iter().enumerate().map(|(place, name)| {
            let known = earlier.and_then(|report| report.destinations.get(place));
            match known {
                Some(taken) if taken.message_id.is_some() => taken.clone(),
                _ => Delivered {
                    destination: name,
                    attempts: 0,
                    message_id: None,
                    error: None,
                    blame: Some(FailureKind::Passing),
                },
            }
        });
        Self {
            delivered: delivered.collect(),
            outgoing: Outgoing::from(event),
            light: Light::NotMade,
        }
    }

    /// Whether the destination may still take it.
    pub(crate) fn is_open_at(&self, destination: usize) -> bool {
        self.delivered[destination].blame == Some(FailureKind::Passing)
    }

    pub(crate) fn is_open(&self) -> bool {
        self.delivered
            .iter()
            .any(|delivered| delivered.blame == Some(FailureKind::Passing))
    }

    /// The form that fits the destination, or why there is none.
    pub(crate) fn form_for(&self, destination: &dyn Destination) -> Result<&Outgoing, Sent> {
        let bytes = destination.bytes(&self.outgoing);
        let most = destination.limits().entry_bytes_max;
        if bytes <= most {
            return Ok(&self.outgoing);
        }
        let too_large = format!("the event takes {bytes} bytes there; the limit is {most}");
        let (blame, message) = match &self.light {
            Light::Checked(light) if fits(light, destination) => return Ok(light),
            Light::Checked(_) | Light::NotMade => (FailureKind::Event, too_large),
            // Too large only because the payload could not be left: that is not a fault of the event.
            Light::NotLeft(blame, why) => {
                let message = format!("{too_large}; its payload could not be stored for a claim check: {why}");
                (*blame, message)
            }
        };
        Err(Sent::Refused {
            blame,
            message,
            was_sent: false,
        })
    }

    pub(crate) fn note(&mut self, destination: usize, sent: Sent) {
        let delivered = &mut self.delivered[destination];
        match sent {
            Sent::Taken(id) => {
                delivered.attempts += 1;
                delivered.message_id = Some(id);
                delivered.error = None;
                delivered.blame = None;
            }
            Sent::Refused {
                blame,
                message,
                was_sent,
            } => {
                delivered.attempts += u32::from(was_sent);
                delivered.error = Some(message);
                delivered.blame = Some(blame);
            }
        }
    }

    pub(crate) fn into_report(self) -> Published {
        Published {
            event_id: self.outgoing.event.id(),
            destinations: self.delivered,
        }
    }
}

pub(crate) fn fits(outgoing: &Outgoing, destination: &dyn Destination) -> bool {
    destination.bytes(outgoing) <= destination.limits().entry_bytes_max
}

impl Light {
    pub(crate) fn of(left: Option<Result<Event, StoreError>>) -> Self {
        match left {
            Some(Ok(event)) => Self::Checked(Box::new(Outgoing::from(event))),
            Some(Err(error @ StoreError::Transient(_))) => Self::NotLeft(FailureKind::Passing, error.to_string()),
            Some(Err(error @ StoreError::Gone(_))) => Self::NotLeft(FailureKind::Destination, error.to_string()),
            None => Self::NotLeft(
                FailureKind::Passing,
                "the payload store did not answer in time".to_owned(),
            ),
        }
    }
}
