//! The engine's database on DynamoDB.

use async_trait::async_trait;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType, TableStatus,
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
    let database = DynamoDb::new(&aws.session);
    conformance::database(&OnDynamoDb {
        aws,
        database,
        tables,
        streams,
    })
    .await;
}

type KeyAttribute = (&'static str, ScalarAttributeType, KeyType);

/// The text `pk`.
pub(super) const PARTITION_KEY: KeyAttribute = ("pk", ScalarAttributeType::S, KeyType::Hash);

/// A new table with this key.
pub(super) async fn create_table(aws: &Aws, key: &[KeyAttribute]) -> Table {
    let table = Table::new(unique("table"));
    let mut request = aws.dynamodb.create_table().table_name(table.name());
    for (name, of_type, role) in key.iter().cloned() {
        let attribute = AttributeDefinition::builder()
            .attribute_name(name)
            .attribute_type(of_type);
        let element = KeySchemaElement::builder().attribute_name(name).key_type(role);
        request = request
            .attribute_definitions(attribute.build().unwrap())
            .key_schema(element.build().unwrap());
    }
    let request = request.billing_mode(BillingMode::PayPerRequest);
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
