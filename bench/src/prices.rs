//! List prices of AWS in us-east-1, in USD, without free tiers. Put in others, and `cost` writes the bill anew.

/// A price and where it is from.
pub(crate) struct Price {
    pub(crate) what: &'static str,
    pub(crate) per_million_usd: f64,
    pub(crate) source: &'static str,
}

const DYNAMODB: &str = "https://aws.amazon.com/dynamodb/pricing/on-demand/";
const LAMBDA: &str = "https://aws.amazon.com/lambda/pricing/";
const SQS: &str = "https://aws.amazon.com/sqs/pricing/";
const SNS: &str = "https://aws.amazon.com/sns/pricing/";
const EVENT_BRIDGE: &str = "https://aws.amazon.com/eventbridge/pricing/";
const STEP_FUNCTIONS: &str = "https://aws.amazon.com/step-functions/pricing/";

pub(crate) const WRITE_UNIT: Price = price("a write request unit of DynamoDB, on demand", 0.625, DYNAMODB);
pub(crate) const READ_UNIT: Price = price("a read request unit of DynamoDB, on demand", 0.125, DYNAMODB);
pub(crate) const SQS_REQUEST: Price = price("a request to a standard queue of SQS, of up to 64 KB", 0.40, SQS);
pub(crate) const SNS_PUBLISH: Price = price("a message published to SNS; its deliveries to SQS are free", 0.50, SNS);
pub(crate) const EVENT_BRIDGE_EVENT: Price = price("an event published to a bus of EventBridge", 1.00, EVENT_BRIDGE);
pub(crate) const INVOCATION: Price = price("an invocation of a Lambda function", 0.20, LAMBDA);
pub(crate) const GB_SECOND: Price = price("a GB-second of a Lambda function on arm64", 13.3334, LAMBDA);
pub(crate) const TRANSITION: Price = price("a state transition of a Standard workflow", 25.00, STEP_FUNCTIONS);
pub(crate) const DURABLE_OPERATION: Price = price("an operation of a durable Lambda function", 8.00, LAMBDA);

pub(crate) const ALL: [Price; 9] = [
    WRITE_UNIT,
    READ_UNIT,
    SQS_REQUEST,
    SNS_PUBLISH,
    EVENT_BRIDGE_EVENT,
    INVOCATION,
    GB_SECOND,
    TRANSITION,
    DURABLE_OPERATION,
];

const fn price(what: &'static str, per_million_usd: f64, source: &'static str) -> Price {
    Price {
        what,
        per_million_usd,
        source,
    }
}

/// USD for a million of what takes these units of DynamoDB each.
pub(crate) fn dynamodb_per_million(write_units: f64, read_units: f64) -> f64 {
    write_units * WRITE_UNIT.per_million_usd + read_units * READ_UNIT.per_million_usd
}
