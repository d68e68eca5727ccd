use std::fmt;

use onecommit_config::{Reader, Setting};

/// Which traces are recorded.
pub const TRACE_RATIO: Setting = Setting::optional(
    "TRACE_RATIO",
    "off",
    "Share of the traces that begin here which is recorded, from `0` to `1`, or `off`: no traces",
);
/// Where the span of a message is.
pub const TRACE_PARENT: Setting = Setting::optional(
    "TRACE_PARENT",
    "cause",
    "What the span of a message is a child of: `cause`, what caused its event, or `link`, the invocation, with a link to the cause",
);
const OTEL_SERVICE_NAME: Setting = Setting::optional(
    "OTEL_SERVICE_NAME",
    "",
    "Name of the service in spans; without it, the function's name",
);
const AWS_LAMBDA_FUNCTION_NAME: Setting = Setting::optional(
    "AWS_LAMBDA_FUNCTION_NAME",
    "",
    "Name of the function in spans; Lambda sets it",
);

/// What the span of a message is a child of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MessageParent {
    /// What caused its event, so that an order is one trace; the invocation is linked.
    #[default]
    Cause,
    /// The invocation, as OpenTelemetry's conventions recommend for batches; what caused its event is linked. Each invocation
    /// is a trace then, and what its messages cause belongs to it.
    Invocation,
}

/// Which traces are recorded, and under which name.
#[derive(Clone, Debug, PartialEq)]
pub struct TraceSettings {
    /// The share of the traces that begin here which is recorded, from 0 to 1.
    pub ratio: f64,
    /// What the span of a message is a child of.
    pub message_parent: MessageParent,
    /// The name of the service.
    pub service: String,
    /// The name of the Lambda function, if the process is one.
    pub function: Option<String>,
}

/// A text that is not a share.
#[derive(Debug)]
struct NotARatio;

impl fmt::Display for NotARatio {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("it has to be a number from 0 to 1, as 0.1, or `off`")
    }
}

impl TraceSettings {
    /// Traces of a service of this name: this share of those that begin there.
    #[must_use]
    pub fn of(service: impl Into<String>, ratio: f64) -> Self {
        Self {
            ratio,
            message_parent: MessageParent::default(),
            service: service.into(),
            function: None,
        }
    }

    /// Reads [`TRACE_RATIO`], [`TRACE_PARENT`] and the names; nothing when traces are off.
    pub(crate) fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let service = reader.text_if_set(&OTEL_SERVICE_NAME);
        let function = reader.text_if_set(&AWS_LAMBDA_FUNCTION_NAME);
        let parents = [("cause", MessageParent::Cause), ("link", MessageParent::Invocation)];
        let message_parent = reader.choice(&TRACE_PARENT, &parents);
        let ratio = reader.parsed(&TRACE_RATIO, ratio).flatten()?;
        let service = service.or_else(|| function.clone());
        Some(Self {
            ratio,
            message_parent,
            service: service.unwrap_or_else(|| "onecommit".to_owned()),
            function,
        })
    }
}

fn ratio(text: &str) -> Result<Option<f64>, NotARatio> {
    if text == "off" {
        return Ok(None);
    }
    let ratio = text.parse().map_err(|_| NotARatio)?;
    if (0.0..=1.0).contains(&ratio) {
        Ok(Some(ratio))
    } else {
        Err(NotARatio)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(ratio: &str) -> Result<Option<TraceSettings>, String> {
        let variables = [("AWS_LAMBDA_FUNCTION_NAME", "orders"), ("TRACE_RATIO", ratio)];
        let mut reader = Reader::new(&variables);
        let settings = TraceSettings::read(&mut reader);
        reader.finish().map(|()| settings).map_err(|error| error.to_string())
    }

    #[test]
    fn traces_are_off_until_a_ratio_is_set() {
        assert_eq!((read(""), read("off")), (Ok(None), Ok(None)));
        let settings = read("0.25").unwrap().unwrap();
        assert_eq!((settings.ratio, &*settings.service), (0.25, "orders"));
    }

    #[test]
    fn what_is_not_a_share_is_reported() {
        for wrong in ["on", "-0.1", "1.5", "NaN", "inf", "50%"] {
            let error = read(wrong).unwrap_err();
            assert!(
                error.contains("TRACE_RATIO") && error.contains("from 0 to 1"),
                "{error}"
            );
        }
    }
}
