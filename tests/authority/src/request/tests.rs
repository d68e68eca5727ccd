use serde_json::{Value, json};

use super::*;
use crate::call::Key;

fn account() -> Account {
    let table = |key: &str, indexes: &[(&str, &str)]| Table {
        key: key.to_owned(),
        indexes: indexes
            .iter()
            .map(|(index, key)| ((*index).to_owned(), (*key).to_owned()))
            .collect(),
    };
    Account {
        id: "123456789012".to_owned(),
        tables: BTreeMap::from([
            ("ledger".to_owned(), table("pk", &[])),
            ("events".to_owned(), table("stream", &[("pending", "pending")])),
        ]),
    }
}

fn signed_for(service: &str) -> String {
    format!(
        "AWS4-HMAC-SHA256 Credential=AKIA/20261128/eu-west-1/{service}/aws4_request, SignedHeaders=host, Signature=0"
    )
}

fn post(service: &str, target: &str, body: &str) -> Result<Vec<Call>, Unrecognised> {
    let request = Request {
        method: "POST",
        path: "/",
        query: "",
        authorization: &signed_for(service),
        target,
        body: body.as_bytes(),
    };
    recognise(&account(), &request).map(|recognised| recognised.calls)
}

fn dynamodb(operation: &str, body: &Value) -> Result<Vec<Call>, Unrecognised> {
    post("dynamodb", &format!("DynamoDB_20120810.{operation}"), &body.to_string())
}

fn s3(method: &str, path: &str, query: &str) -> Result<Vec<Call>, Unrecognised> {
    let request = Request {
        method,
        path,
        query,
        authorization: &signed_for("s3"),
        target: "",
        body: b"",
    };
    recognise(&account(), &request).map(|recognised| recognised.calls)
}

fn table(name: &str) -> String {
    format!("arn:aws:dynamodb:eu-west-1:123456789012:table/{name}")
}

fn named(calls: &[Call]) -> Vec<(&str, &str)> {
    calls
        .iter()
        .map(|call| (call.action.as_str(), call.resource.as_str()))
        .collect()
}

fn values(call: &Call, key: Key) -> Vec<&str> {
    call.keys.get(&key).into_iter().flatten().map(String::as_str).collect()
}

#[test]
fn a_read_is_for_the_partition_of_its_key() {
    let body = json!({"TableName": "ledger", "Key": {"pk": {"S": "shop#1"}}, "ProjectionExpression": "#o, handledAt",
        "ExpressionAttributeNames": {"#o": "outcome"}});
    let calls = dynamodb("GetItem", &body).unwrap();
    assert_eq!(named(&calls), [("dynamodb:GetItem", table("ledger").as_str())]);
    assert_eq!(values(&calls[0], Key::LeadingKeys), ["shop#1"]);
    assert_eq!(values(&calls[0], Key::Attributes), ["handledAt", "outcome", "pk"]);
}

#[test]
fn a_write_names_the_attributes_of_its_item_and_of_its_expressions() {
    let put = json!({"TableName": "ledger", "Item": {"pk": {"S": "shop#1"}, "ttl": {"N": "1"}},
        "ConditionExpression": "attribute_not_exists(#k) OR size(seen.#n) < :s", "ReturnValues": "ALL_OLD",
        "ExpressionAttributeNames": {"#k": "pk", "#n": "inner"}});
    let calls = dynamodb("PutItem", &put).unwrap();
    assert_eq!(values(&calls[0], Key::Attributes), ["pk", "seen", "ttl"]);
    assert_eq!(values(&calls[0], Key::ReturnValues), ["ALL_OLD"]);
    let update = json!({"TableName": "events", "Key": {"stream": {"S": "Order#1"}, "version": {"N": "3"}},
        "UpdateExpression": "SET #s = if_not_exists(tries, :zero) + :one, list[0].name = :n REMOVE pending",
        "ExpressionAttributeNames": {"#s": "stuck"}});
    let calls = dynamodb("UpdateItem", &update).unwrap();
    assert_eq!(
        values(&calls[0], Key::Attributes),
        ["list", "pending", "stream", "stuck", "tries", "version"]
    );
    assert_eq!(values(&calls[0], Key::ReturnValues), ["NONE"]);
}

#[test]
fn each_entry_of_a_transaction_is_a_call_of_its_own() {
    let key = json!({"pk": {"S": "shop#1"}});
    let body = json!({"TransactItems": [
        {"Put": {"TableName": "events", "Item": {"stream": {"S": "Order#1"}, "version": {"N": "1"}}}},
        {"Update": {"TableName": "ledger", "Key": key, "UpdateExpression": "SET a = :a"}},
        {"Delete": {"TableName": "ledger", "Key": key}},
        {"ConditionCheck": {"TableName": "ledger", "Key": key, "ConditionExpression": "attribute_exists(pk)"}},
    ]});
    let calls = dynamodb("TransactWriteItems", &body).unwrap();
    let actions: Vec<&str> = calls.iter().map(|call| call.action.as_str()).collect();
    assert_eq!(
        actions,
        [
            "dynamodb:PutItem",
            "dynamodb:UpdateItem",
            "dynamodb:DeleteItem",
            "dynamodb:ConditionCheckItem"
        ]
    );
    assert_eq!(values(&calls[0], Key::LeadingKeys), ["Order#1"]);
    assert_eq!(values(&calls[0], Key::EnclosingOperation), ["TransactWriteItems"]);
}

#[test]
fn a_query_is_for_the_partition_that_its_condition_names() {
    let query = |index: Option<&str>, condition: &str| {
        json!({"TableName": "events", "IndexName": index, "KeyConditionExpression": condition,
            "ExpressionAttributeNames": {"#p": "pending", "#s": "stream"},
            "ExpressionAttributeValues": {":v": {"S": "Order#1"}, ":n": {"N": "5"}}})
    };
    let calls = dynamodb("Query", &query(None, "#s = :v AND version > :n")).unwrap();
    assert_eq!(named(&calls), [("dynamodb:Query", table("events").as_str())]);
    assert_eq!(values(&calls[0], Key::LeadingKeys), ["Order#1"]);
    let calls = dynamodb("Query", &query(Some("pending"), "(version > :n) AND (#p = :v)")).unwrap();
    assert_eq!(
        named(&calls),
        [("dynamodb:Query", table("events/index/pending").as_str())]
    );
    assert_eq!(values(&calls[0], Key::LeadingKeys), ["Order#1"]);
    for refused in [
        query(Some("unknown"), "#p = :v"),
        query(None, "version = :v"),
        query(None, "#x = :v"),
    ] {
        assert!(dynamodb("Query", &refused).is_err(), "{refused}");
    }
}

#[test]
fn a_scan_is_for_no_partition() {
    let calls = dynamodb("Scan", &json!({"TableName": "ledger"})).unwrap();
    assert_eq!(named(&calls), [("dynamodb:Scan", table("ledger").as_str())]);
    assert!(!calls[0].keys.contains_key(&Key::LeadingKeys));
}

#[test]
fn a_batch_is_a_call_for_each_table_with_all_of_its_partitions() {
    let body = json!({"RequestItems": {
        "ledger": {"Keys": [{"pk": {"S": "a"}}, {"pk": {"S": "b"}}], "ProjectionExpression": "outcome"},
        "events": {"Keys": [{"stream": {"S": "c"}, "version": {"N": "1"}}]}}});
    let calls = dynamodb("BatchGetItem", &body).unwrap();
    assert_eq!(calls.len(), 2);
    let ledger = calls.iter().find(|call| call.resource == table("ledger")).unwrap();
    assert_eq!(values(ledger, Key::LeadingKeys), ["a", "b"]);
    assert_eq!(values(ledger, Key::Attributes), ["outcome", "pk"]);
    let body = json!({"RequestItems": {"ledger": [
        {"PutRequest": {"Item": {"pk": {"S": "a"}, "x": {"N": "1"}}}}, {"DeleteRequest": {"Key": {"pk": {"S": "b"}}}}]}});
    let calls = dynamodb("BatchWriteItem", &body).unwrap();
    assert_eq!(values(&calls[0], Key::LeadingKeys), ["a", "b"]);
    assert!(dynamodb("BatchWriteItem", &json!({"RequestItems": {"ledger": [{}]}})).is_err());
}

#[test]
fn a_partiql_update_is_for_one_row_and_names_its_attributes() {
    let statements = |statement: &str| json!({"Statements": [{"Statement": statement, "Parameters": [{"S": "Order#1"}, {"N": "3"}]}]});
    let known = r#"UPDATE "events" REMOVE "pending" WHERE "stream" = ? AND "version" = ?"#;
    let calls = dynamodb("BatchExecuteStatement", &statements(known)).unwrap();
    assert_eq!(named(&calls), [("dynamodb:PartiQLUpdate", table("events").as_str())]);
    assert_eq!(values(&calls[0], Key::LeadingKeys), ["Order#1"]);
    assert_eq!(values(&calls[0], Key::Attributes), ["pending", "stream", "version"]);
    for unknown in [
        r#"DELETE FROM "events" WHERE "stream" = ? AND "version" = ?"#,
        r#"UPDATE "events" SET "payload" = ? WHERE "stream" = ? AND "version" = ?"#,
        r#"UPDATE "events" REMOVE "pending" WHERE "stream" = ? OR "version" = ?"#,
        r#"UPDATE "events" REMOVE "pending" WHERE "version" = ?"#,
        r#"UPDATE "events" REMOVE "pending" WHERE "stream" = 'Order#1'"#,
        r#"UPDATE events REMOVE pending WHERE stream = ?"#,
        r#"UPDATE "others" REMOVE "pending" WHERE "stream" = ?"#,
        "",
    ] {
        assert!(
            dynamodb("BatchExecuteStatement", &statements(unknown)).is_err(),
            "{unknown}"
        );
    }
}

#[test]
fn batches_of_messages_need_the_right_to_each() {
    let queue = "arn:aws:sqs:eu-west-1:123456789012:orders";
    let body = json!({"QueueUrl": "http://localhost:4566/123456789012/orders"}).to_string();
    for (operation, action) in [
        ("SendMessage", "sqs:SendMessage"),
        ("SendMessageBatch", "sqs:SendMessage"),
        ("ChangeMessageVisibilityBatch", "sqs:ChangeMessageVisibility"),
        ("DeleteMessageBatch", "sqs:DeleteMessage"),
    ] {
        let calls = post("sqs", &format!("AmazonSQS.{operation}"), &body).unwrap();
        assert_eq!(named(&calls), [(action, queue)]);
    }
    assert!(post("sqs", "AmazonSQS.PurgeQueue", &body).is_err());
    for url in ["http://localhost:4566/210987654321/orders", "orders"] {
        let body = json!({ "QueueUrl": url }).to_string();
        assert!(post("sqs", "AmazonSQS.SendMessage", &body).is_err(), "{url}");
    }
}

#[test]
fn a_message_to_sns_is_for_its_topic_its_app_or_any_phone() {
    let topic = "arn%3Aaws%3Asns%3Aeu-west-1%3A123456789012%3Aevents";
    for (form, resource) in [
        (
            format!("Action=Publish&TopicArn={topic}&Message=a"),
            "arn:aws:sns:eu-west-1:123456789012:events",
        ),
        (
            format!("Action=PublishBatch&TopicArn={topic}"),
            "arn:aws:sns:eu-west-1:123456789012:events",
        ),
        (
            "Action=Publish&TargetArn=arn%3Aaws%3Asns%3Ax".to_owned(),
            "arn:aws:sns:x",
        ),
        ("Action=Publish&PhoneNumber=%2B49170".to_owned(), "*"),
    ] {
        assert_eq!(named(&post("sns", "", &form).unwrap()), [("sns:Publish", resource)]);
    }
    for form in ["Action=Publish&Message=a", "Action=DeleteTopic", ""] {
        assert!(post("sns", "", form).is_err(), "{form}");
    }
}

#[test]
fn an_email_is_sent_as_the_identity_of_its_sender() {
    for from in ["shop%40example.com", "The+Shop+%3Cshop%40example.com%3E"] {
        let calls = post("ses", "", &format!("Action=SendEmail&Source={from}")).unwrap();
        assert_eq!(
            named(&calls),
            [(
                "ses:SendEmail",
                "arn:aws:ses:eu-west-1:123456789012:identity/shop@example.com"
            )]
        );
        assert_eq!(values(&calls[0], Key::FromAddress), ["shop@example.com"]);
    }
    assert!(post("ses", "", "Action=SendEmail").is_err());
    assert!(post("ses", "", "Action=SendRawEmail&Source=a").is_err());
}

#[test]
fn events_are_for_each_bus_they_are_put_on_and_tell_their_source() {
    let entries = json!({"Entries": [{"EventBusName": "shop", "Source": "shop.orders", "DetailType": "OrderCreated"},
        {"EventBusName": "shop", "Source": "shop.orders", "DetailType": "OrderCreated"},
        {"EventBusName": "arn:aws:events:eu-west-1:123456789012:event-bus/other"}, {}]});
    let calls = post("events", "AWSEvents.PutEvents", &entries.to_string()).unwrap();
    let bus = |name: &str| format!("arn:aws:events:eu-west-1:123456789012:event-bus/{name}");
    let resources: Vec<&str> = calls.iter().map(|call| call.resource.as_str()).collect();
    assert_eq!(resources, [bus("default"), bus("other"), bus("shop")]);
    assert_eq!(values(&calls[2], Key::EventSource), ["shop.orders"]);
    assert_eq!(values(&calls[2], Key::DetailType), ["OrderCreated"]);
    assert!(post("events", "AWSEvents.PutRule", "{}").is_err());
    assert!(
        post("events", "AWSEvents.PutEvents", r#"{"Entries": []}"#).is_err(),
        "it does nothing"
    );
}

#[test]
fn an_object_is_read_and_written_by_its_key_and_a_bucket_is_listed() {
    let object = "arn:aws:s3:::shop/claims/a b";
    assert_eq!(
        named(&s3("GET", "/shop/claims/a%20b", "x-id=GetObject").unwrap()),
        [("s3:GetObject", object)]
    );
    assert_eq!(
        named(&s3("PUT", "/shop/claims/a%20b", "").unwrap()),
        [("s3:PutObject", object)]
    );
    let listing = s3("GET", "/shop/", "list-type=2&prefix=claims%2F").unwrap();
    assert_eq!(named(&listing), [("s3:ListBucket", "arn:aws:s3:::shop")]);
    assert_eq!(values(&listing[0], Key::Prefix), ["claims/"]);
    let read = &s3("GET", "/shop/claims/1", "").unwrap()[0];
    assert_eq!(
        may_know_of_absence(read).unwrap(),
        Call::new("s3:ListBucket", "arn:aws:s3:::shop")
    );
    for (method, path, query) in [
        ("GET", "/shop/key", "acl"),
        ("POST", "/shop/key", "uploads"),
        ("PUT", "/shop", ""),
    ] {
        assert!(s3(method, path, query).is_err(), "{method} {path}?{query}");
    }
}

#[test]
fn what_is_not_understood_is_refused() {
    for (operation, body, named) in [
        ("DeleteTable", json!({}), "DeleteTable"),
        ("ExecuteStatement", json!({}), "ExecuteStatement"),
        ("GetItem", json!({}), "TableName"),
        ("GetItem", json!({"TableName": "others", "Key": {}}), "others"),
        ("GetItem", json!({"TableName": "ledger", "Key": {}}), "partition key"),
        (
            "PutItem",
            json!({"TableName": "ledger", "Item": {"pk": {"S": "a"}}, "Expected": {}}),
            "Expected",
        ),
        (
            "TransactWriteItems",
            json!({"TransactItems": [{"Move": {}}]}),
            "TransactWriteItems",
        ),
        ("TransactWriteItems", json!({"TransactItems": []}), "nothing"),
        ("TransactWriteItems", json!({}), "TransactItems"),
    ] {
        let error = dynamodb(operation, &body).unwrap_err().to_string();
        assert!(error.contains(named), "{named}: {error}");
    }
    assert!(post("dynamodb", "DynamoDB_20120810.GetItem", "{").is_err());
    assert!(post("dynamodb", "AmazonSQS.GetItem", "{}").is_err());
    let error = post("kinesis", "Kinesis_20131202.PutRecord", "{}")
        .unwrap_err()
        .to_string();
    assert!(error.contains("kinesis"), "{error}");
}

#[test]
fn a_request_without_a_signature_is_refused() {
    for authorization in [
        "",
        "Basic abc",
        "AWS4-HMAC-SHA256 Credential=AKIA/20261128/eu-west-1",
        "Credential=a/b/c/d/e",
    ] {
        assert!(Scope::of(authorization).is_err(), "{authorization}");
    }
}

#[test]
fn requests_to_kms_are_for_the_key_they_name() {
    let key = "arn:aws:kms:eu-west-1:123456789012:key/1";
    for operation in ["Decrypt", "Encrypt", "GenerateDataKey"] {
        for named in [key, "1"] {
            let calls = post(
                "kms",
                &format!("TrentService.{operation}"),
                &json!({"KeyId": named}).to_string(),
            );
            assert_eq!(calls, Ok(vec![Call::new(format!("kms:{operation}"), key)]));
        }
    }
}

#[test]
fn a_request_to_kms_that_leaves_the_key_open_is_not_recognised() {
    for (operation, body) in [
        ("Decrypt", json!({})),
        ("Encrypt", json!({"KeyId": "alias/shop"})),
        ("ScheduleKeyDeletion", json!({"KeyId": "1"})),
    ] {
        assert!(
            post("kms", &format!("TrentService.{operation}"), &body.to_string()).is_err(),
            "{operation}"
        );
    }
}

#[test]
fn a_request_to_sts_is_refused_by_name() {
    let refused = post("sts", "", "Action=AssumeRole").unwrap_err();
    assert_eq!(refused.to_string(), "a function asks STS, and none has a reason to");
}
