//! The engine's database on DynamoDB.

use async_trait::async_trait;
use aws_sdk_dynamodb::operation::create_table::builders::CreateTableFluentBuilder;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType, Projection, ProjectionType,
    ScalarAttributeType, TableStatus,
};
use onecommit_aws::DynamoDb;
use onecommit_engine::{Item, PENDING, PENDING_INDEX, PendingMarks, Table, TableReader, TableWriter};
use onecommit_testing::conformance::{self, DatabaseUnderTest};

use crate::aws::Aws;
use crate::events::unique;
use crate::local_aws;
use crate::patience::eventually;

struct OnDynamoDb {
    aws: Aws,
    database: DynamoDb,
    tables: [Table; 2],
    streams: Table,
}

#[async_trait]
impl DatabaseUnderTest for OnDynamoDb {
    fn database(&self) -> &dyn TableWriter {
        &self.database
    }

    fn rows(&self) -> &dyn TableReader {
        &self.database
    }

    fn tables(&self) -> [Table; 2] {
        self.tables.clone()
    }

    fn streams(&self) -> Table {
        self.streams.clone()
    }

    fn marks(&self) -> &dyn PendingMarks {
        &self.database
    }

    async fn row(&self, table: &Table, pk: &str) -> Option<Item> {
        self.aws.row(table.name(), &[("pk", pk.to_owned())]).await
    }
}

impl OnDynamoDb {
    /// With tables of its own.
    async fn new() -> Self {
        let aws = Aws::connect();
        let tables = [
            create_table(&aws, &[PARTITION_KEY]).await,
            create_table(&aws, &[PARTITION_KEY]).await,
        ];
        let streams = create_events_table(&aws).await;
        let database = DynamoDb::new(&aws.session);
        Self {
            aws,
            database,
            tables,
            streams,
        }
    }
}

pub(super) async fn dynamodb_meets_the_contract_of_a_database() {
    conformance::database(&OnDynamoDb::new().await).await;
}

pub(super) async fn dynamodb_has_its_limits_but_those_known_to_be_missing() {
    let laxer = if local_aws::is_localstack() {
        DYNAMODB_LOCAL_TAKES
    } else {
        MINISTACK_TAKES
    };
    conformance::limits(&OnDynamoDb::new().await, laxer).await;
}

/// What DynamoDB Local takes, and AWS and the tables in memory refuse; `docs/local-aws.md` has the rules.
const DYNAMODB_LOCAL_TAKES: &[&str] = &[
    "an item twice by two texts of one number",
    "a value of more than 400 KB in a condition",
];
/// The same of MiniStack.
const MINISTACK_TAKES: &[&str] = &[
    "a key that lacks its sort key",
    "a key with another name",
    "an attribute without a name",
    "a change of an attribute without a name",
    "a sum that is too large",
    "a sum of too many digits",
    "an attribute set twice",
    "an attribute added to twice",
    "an attribute set and removed",
    "a key set",
    "a key set to what it is",
    "a key removed",
    "a sort key added to",
    "a condition on the order of null",
    "a condition on the order of a truth",
    "a value of more than 400 KB that would not be set",
    "a value of more than 400 KB in a condition",
    "an item twice by two texts of one number",
];

type KeyAttribute = (&'static str, ScalarAttributeType, KeyType);

/// The text `pk`.
pub(super) const PARTITION_KEY: KeyAttribute = ("pk", ScalarAttributeType::S, KeyType::Hash);

/// A new table with this key.
pub(super) async fn create_table(aws: &Aws, key: &[KeyAttribute]) -> Table {
    let mut request = aws.dynamodb.create_table();
    for (name, of_type, role) in key.iter().cloned() {
        request = request
            .attribute_definitions(attribute(name, of_type))
            .key_schema(element(name, role));
    }
    create(aws, request).await
}

/// A new table of events, with the index of those that may not have left.
pub(super) async fn create_events_table(aws: &Aws) -> Table {
    let projection = Projection::builder().projection_type(ProjectionType::KeysOnly);
    let index = GlobalSecondaryIndex::builder()
        .index_name(PENDING_INDEX)
        .key_schema(element(PENDING, KeyType::Hash))
        .key_schema(element("timestamp", KeyType::Range))
        .projection(projection.build());
    let request = aws
        .dynamodb
        .create_table()
        .attribute_definitions(attribute("stream", ScalarAttributeType::S))
        .attribute_definitions(attribute("version", ScalarAttributeType::N))
        .attribute_definitions(attribute(PENDING, ScalarAttributeType::S))
        .attribute_definitions(attribute("timestamp", ScalarAttributeType::S))
        .key_schema(element("stream", KeyType::Hash))
        .key_schema(element("version", KeyType::Range))
        .global_secondary_indexes(index.build().unwrap());
    create(aws, request).await
}

fn attribute(name: &str, of_type: ScalarAttributeType) -> AttributeDefinition {
    let attribute = AttributeDefinition::builder().attribute_name(name);
    attribute.attribute_type(of_type).build().unwrap()
}

fn element(name: &str, role: KeyType) -> KeySchemaElement {
    KeySchemaElement::builder()
        .attribute_name(name)
        .key_type(role)
        .build()
        .unwrap()
}

async fn create(aws: &Aws, request: CreateTableFluentBuilder) -> Table {
    let table = Table::new(unique("table"));
    let request = request
        .table_name(table.name())
        .billing_mode(BillingMode::PayPerRequest);
    request.send().await.unwrap();
    eventually(
        "an active table",
        async || status(aws, &table).await,
        |seen| *seen == Some(TableStatus::Active),
    )
    .await;
    table
}

async fn status(aws: &Aws, table: &Table) -> Option<TableStatus> {
    let request = aws.dynamodb.describe_table().table_name(table.name());
    request.send().await.unwrap().table.and_then(|table| table.table_status)
}
