use serde_json::Value;

use super::expression::{attributes, partition};
use super::json::{list, operation, text};
use super::{Names, Request, Table, Unrecognised, partiql, unknown_operation};
use crate::call::{Call, Key};

/// From before there were expressions. Nothing here uses them, so what they name is not looked at.
const LEGACY: [&str; 8] = [
    "AttributeUpdates",
    "AttributesToGet",
    "ConditionalOperator",
    "Expected",
    "KeyConditions",
    "QueryFilter",
    "ScanFilter",
    "Select",
];

const EXPRESSIONS: [&str; 5] = [
    "ConditionExpression",
    "FilterExpression",
    "KeyConditionExpression",
    "ProjectionExpression",
    "UpdateExpression",
];

pub(super) fn calls(names: &Names<'_>, request: &Request<'_>) -> Result<Vec<Call>, Unrecognised> {
    let (operation, body) = operation(request, "DynamoDB_20120810")?;
    match operation {
        "GetItem" | "PutItem" | "UpdateItem" | "DeleteItem" => Ok(vec![row(names, operation, &body)?]),
        "Query" => Ok(vec![query(names, &body)?]),
        "Scan" => Ok(vec![of_table(names, "Scan", &body)?]),
        "DescribeTable" => Ok(vec![Call::new(
            "dynamodb:DescribeTable",
            table_arn(names, text(&body, "TableName")?),
        )]),
        // Transactions have no action of their own: IAM asks for what each of their entries does.
        "TransactWriteItems" | "TransactGetItems" => list(&body, "TransactItems")?
            .iter()
            .map(|entry| entry_of(names, operation, entry))
            .collect(),
        "BatchGetItem" => batch(names, operation, &body, |wanted| {
            Ok(list(wanted, "Keys")?.iter().collect())
        }),
        "BatchWriteItem" => batch(names, operation, &body, written),
        "BatchExecuteStatement" => list(&body, "Statements")?
            .iter()
            .map(|one| partiql::call(names, text(one, "Statement")?, &one["Parameters"]))
            .collect(),
        other => Err(unknown_operation("dynamodb", other)),
    }
}

fn entry_of(names: &Names<'_>, transaction: &str, entry: &Value) -> Result<Call, Unrecognised> {
    let kinds = [
        ("Put", "PutItem"),
        ("Update", "UpdateItem"),
        ("Delete", "DeleteItem"),
        ("ConditionCheck", "ConditionCheckItem"),
        ("Get", "GetItem"),
    ];
    let found = kinds.into_iter().find(|(kind, _)| !entry[*kind].is_null());
    let (kind, operation) =
        found.ok_or_else(|| Unrecognised(format!("an entry of {transaction} does nothing known")))?;
    Ok(row(names, operation, &entry[kind])?.with(Key::EnclosingOperation, [transaction]))
}

/// Of one row, which is named by its key or given as a whole.
fn row(names: &Names<'_>, operation: &str, body: &Value) -> Result<Call, Unrecognised> {
    let table = table(names, text(body, "TableName")?)?;
    let given = if operation == "PutItem" {
        &body["Item"]
    } else {
        &body["Key"]
    };
    let leading = leading_key(&given[&table.key])?;
    let call = of_table(names, operation, body)?.with(Key::LeadingKeys, [leading]);
    Ok(match operation {
        "PutItem" | "UpdateItem" | "DeleteItem" => {
            call.with(Key::ReturnValues, [body["ReturnValues"].as_str().unwrap_or("NONE")])
        }
        _ => call,
    })
}

fn query(names: &Names<'_>, body: &Value) -> Result<Call, Unrecognised> {
    let table = table(names, text(body, "TableName")?)?;
    let key = match body["IndexName"].as_str() {
        None => Some(&table.key),
        Some(index) => table.indexes.get(index),
    };
    let key = key.ok_or_else(|| Unrecognised(format!("the index {} of a query is not known", body["IndexName"])))?;
    let (condition, values) = (
        text(body, "KeyConditionExpression")?,
        &body["ExpressionAttributeValues"],
    );
    let wanted = partition(condition, key, &body["ExpressionAttributeNames"], values)?;
    Ok(of_table(names, "Query", body)?.with(Key::LeadingKeys, [leading_key(wanted)?]))
}

/// A call with its resource and the attributes it names.
fn of_table(names: &Names<'_>, operation: &str, body: &Value) -> Result<Call, Unrecognised> {
    if let Some(legacy) = LEGACY.iter().find(|name| !body[**name].is_null()) {
        return Err(Unrecognised(format!(
            "the parameter `{legacy}` of {operation} is not evaluated here"
        )));
    }
    let mut named: Vec<String> = [&body["Item"], &body["Key"]]
        .into_iter()
        .filter_map(Value::as_object)
        .flat_map(|item| item.keys().cloned())
        .collect();
    for expression in EXPRESSIONS.iter().filter_map(|name| body[*name].as_str()) {
        named.extend(attributes(expression, &body["ExpressionAttributeNames"])?);
    }
    named.sort();
    named.dedup();
    let arn = table_arn(names, text(body, "TableName")?);
    let arn = match body["IndexName"].as_str() {
        Some(index) => format!("{arn}/index/{index}"),
        None => arn,
    };
    Ok(Call::new(format!("dynamodb:{operation}"), arn).with(Key::Attributes, named))
}

/// Of rows of several tables: one call for each table.
fn batch<'a>(
    names: &Names<'_>,
    operation: &str,
    body: &'a Value,
    rows: impl Fn(&'a Value) -> Result<Vec<&'a Value>, Unrecognised>,
) -> Result<Vec<Call>, Unrecognised> {
    let tables = body["RequestItems"].as_object();
    let tables = tables.ok_or_else(|| Unrecognised(format!("{operation} names no tables")))?;
    let call = |(name, wanted): (&String, &'a Value)| {
        let key = &table(names, name)?.key;
        let (mut leading, mut named) = (Vec::new(), Vec::new());
        for row in rows(wanted)? {
            leading.push(leading_key(&row[key])?);
            named.extend(row.as_object().into_iter().flat_map(|row| row.keys().cloned()));
        }
        if let Some(projection) = wanted["ProjectionExpression"].as_str() {
            named.extend(attributes(projection, &wanted["ExpressionAttributeNames"])?);
        }
        named.sort();
        named.dedup();
        Ok(Call::new(format!("dynamodb:{operation}"), table_arn(names, name))
            .with(Key::LeadingKeys, leading)
            .with(Key::Attributes, named))
    };
    tables.iter().map(call).collect()
}

fn written(requests: &Value) -> Result<Vec<&Value>, Unrecognised> {
    let requests = requests.as_array().map(Vec::as_slice).unwrap_or_default();
    requests
        .iter()
        .map(
            |request| match (&request["PutRequest"]["Item"], &request["DeleteRequest"]["Key"]) {
                (item, _) if item.is_object() => Ok(item),
                (_, key) if key.is_object() => Ok(key),
                _ => Err(Unrecognised("an entry of BatchWriteItem does nothing known".to_owned())),
            },
        )
        .collect()
}

pub(super) fn table<'a>(names: &Names<'a>, name: &str) -> Result<&'a Table, Unrecognised> {
    let known = names.account.tables.get(name);
    known.ok_or_else(|| Unrecognised(format!("the table {name} is in no stack that was deployed")))
}

/// As text, which is how policies compare it.
pub(super) fn leading_key(value: &Value) -> Result<String, Unrecognised> {
    let text = ["S", "N", "B"].iter().find_map(|kind| value[*kind].as_str());
    text.map(str::to_owned)
        .ok_or_else(|| Unrecognised("a request names no partition key".to_owned()))
}

fn table_arn(names: &Names<'_>, name: &str) -> String {
    names.arn("dynamodb", &format!("table/{name}"))
}
