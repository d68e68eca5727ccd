use onecommit_engine::{Item, Key, Table, Value};
use serde_json::Value as Json;

use super::MemoryDatabase;

impl MemoryDatabase {
    /// Fills a table with rows in DynamoDB's JSON, such as `{"pk": {"S": "a"}}`: rows that an earlier version of a service
    /// wrote, kept as a file, show that today's code still reads them. `aws dynamodb scan` prints them as `Items`.
    ///
    /// # Errors
    /// Says which row lacks an attribute of the key, or which value is of no known type.
    pub fn load(&self, table: &Table, key: &[&str], rows: &[Json]) -> Result<(), String> {
        for (number, row) in rows.iter().enumerate() {
            let item = item(row).map_err(|problem| format!("row {number} of {}: {problem}", table.name()))?;
            let attribute = |name: &&str| {
                let missing = || format!("row {number} of {} has no {name}", table.name());
                item.get(*name)
                    .cloned()
                    .map(|value| ((*name).to_owned(), value))
                    .ok_or_else(missing)
            };
            let attributes = key.iter().map(attribute).collect::<Result<Vec<_>, _>>()?;
            let mut attributes = attributes.into_iter();
            let (name, value) = attributes.next().ok_or("a key has an attribute")?;
            let key = attributes.fold(Key::new(name, value), |key, (name, value)| key.and(name, value));
            let put = table.put(key, item);
            self.write_now(&put.into())
                .map_err(|error| format!("row {number} of {}: {error}", table.name()))?;
        }
        Ok(())
    }
}

fn item(row: &Json) -> Result<Item, String> {
    let members = row.as_object().ok_or("it is not an object")?;
    let member = |(name, member): (&String, &Json)| {
        let value = value(member).ok_or_else(|| format!("the type of {name} is not known"))?;
        Ok((name.clone(), value))
    };
    members.iter().map(member).collect()
}

fn value(typed: &Json) -> Option<Value> {
    let (kind, content) = typed.as_object().filter(|members| members.len() == 1)?.iter().next()?;
    Some(match (kind.as_str(), content) {
        ("NULL", Json::Bool(true)) => Value::Null,
        ("BOOL", Json::Bool(content)) => Value::Bool(*content),
        ("N", Json::String(content)) => Value::Number(content.clone()),
        ("S", Json::String(content)) => Value::String(content.clone()),
        ("L", Json::Array(items)) => Value::List(items.iter().map(value).collect::<Option<_>>()?),
        ("M", content) => Value::Map(item(content).ok()?),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn rows_are_loaded_as_dynamodb_prints_them() {
        let tables = MemoryDatabase::default();
        let row = json!({"pk": {"S": "a"}, "sk": {"S": "b"}, "seq": {"N": "7"}, "it": {"M": {"is": {"L": [{"BOOL": true}, {"NULL": true}]}}}});
        tables.load(&Table::new("t"), &["pk", "sk"], &[row]).unwrap();
        let loaded = tables.row("t", &["a", "b"]).unwrap();
        assert_eq!(loaded["seq"], Value::Number("7".to_owned()));
        let list = Value::List(vec![Value::Bool(true), Value::Null]);
        assert_eq!(loaded["it"], Value::Map(Item::from([("is".to_owned(), list)])));
    }

    #[test]
    fn a_row_that_is_not_of_the_table_is_named() {
        let tables = MemoryDatabase::default();
        let load = |row| tables.load(&Table::new("t"), &["pk"], &[row]).unwrap_err();
        assert_eq!(load(json!({"sk": {"S": "a"}})), "row 0 of t has no pk");
        assert_eq!(
            load(json!({"pk": {"X": "a"}})),
            "row 0 of t: the type of pk is not known"
        );
        assert_eq!(load(json!([])), "row 0 of t: it is not an object");
    }
}
