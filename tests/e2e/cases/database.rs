//! The engine's database on DynamoDB.

use async_trait::async_trait;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType, Projection, ProjectionType,
    ScalarAttributeType, TableStatus,
};
use onecommit_aws_dynamodb::DynamoDb;
use onecommit_commit::{Database, Item, Rows, Table};
use onecommit_testing::conformance::{self, DatabaseUnderTest};

use crate::aws::Aws;
use crate::events::unique;
use crate::patience::eventually;

struct OnDynamoDb {
    aws: Aws,
    database: DynamoDb,
    tables: [Table; 2],
    streams: Table,
    indexed: Table,
}

#[async_trait]
impl DatabaseUnderTest for OnDynamoDb {
    fn database(&self) -> &dyn Database {
        &self.database
    }

    fn rows(&self) -> &dyn Rows {
        &self.database
    }

    fn tables(&self) -> [Table; 2] {
        self.tables.clone()
    }

    fn streams(&self) -> Table {
        self.streams.clone()
    }

    fn indexed(&self) -> Table {
        self.indexed.clone()
    }

    async fn row(&self, table: &Table, pk: &str) -> Option<Item> {
        self.aws.row(table.name(), &[("pk", pk.to_owned())]).await
    }
}

pub(super) async fn dynamodb_meets_the_contract_of_a_database() {
    let aws = Aws::connect();
    let tables = [
        create_table(&aws, &[PARTITION_KEY]).await,
        create_table(&aws, &[PARTITION_KEY]).await,
    ];
    let streams = create_table(
        &aws,
        &[
            ("stream", ScalarAttributeType::S, KeyType::Hash),
            ("version", ScalarAttributeType::N, KeyType::Range),
        ],
    )
    .await;
    let indexed = create_indexed_table(&aws).await;
    let database = DynamoDb::new(&aws.session);
    conformance::database(&OnDynamoDb {
        aws,
        database,
        tables,
        streams,
        indexed,
    })
    .await;
}

type KeyAttribute = (&'static str, ScalarAttributeType, KeyType);

/// The text `pk`.
pub(super) const PARTITION_KEY: KeyAttribute = ("pk", ScalarAttributeType::S, KeyType::Hash);

/// A new table with this key.
pub(super) async fn create_table(aws: &Aws, key: &[KeyAttribute]) -> Table {
    create(aws, key, None).await
}

/// A new table with the key `pk` and the index that the conformance suite asks for.
async fn create_indexed_table(aws: &Aws) -> Table {
    let index_key = [
        ("state", ScalarAttributeType::S, KeyType::Hash),
        ("due", ScalarAttributeType::S, KeyType::Range),
    ];
    create(aws, &[PARTITION_KEY], Some(("by-due", &index_key))).await
}

async fn create(aws: &Aws, key: &[KeyAttribute], index: Option<(&str, &[KeyAttribute])>) -> Table {
    let table = Table::new(unique("table"));
    let attributes = key.iter().chain(index.iter().flat_map(|(_, key)| key.iter()));
    let mut request = aws
        .dynamodb
        .create_table()
        .table_name(table.name())
        .billing_mode(BillingMode::PayPerRequest)
        .set_key_schema(Some(key_schema(key)))
        .set_attribute_definitions(Some(attributes.map(definition).collect()));
    if let Some((name, key)) = index {
        let projection = Projection::builder().projection_type(ProjectionType::All).build();
        let index = GlobalSecondaryIndex::builder()
            .index_name(name)
            .set_key_schema(Some(key_schema(key)))
            .projection(projection);
        request = request.global_secondary_indexes(index.build().unwrap());
    }
    request.send().await.unwrap();
    eventually(
        "an active table",
        async || status(aws, &table).await,
        |seen| *seen == Some(TableStatus::Active),
    )
    .await;
    table
}

fn key_schema(key: &[KeyAttribute]) -> Vec<KeySchemaElement> {
    let element = |(name, _, role): &KeyAttribute| {
        let element = KeySchemaElement::builder().attribute_name(*name).key_type(role.clone());
        element.build().unwrap()
    };
    key.iter().map(element).collect()
}

fn definition((name, of_type, _): &KeyAttribute) -> AttributeDefinition {
    let attribute = AttributeDefinition::builder()
        .attribute_name(*name)
        .attribute_type(of_type.clone());
    attribute.build().unwrap()
}

async fn status(aws: &Aws, table: &Table) -> Option<TableStatus> {
    let request = aws.dynamodb.describe_table().table_name(table.name());
    request.send().await.unwrap().table.and_then(|table| table.table_status)
}
