use hive_router_query_planner::ast::selection_item::SelectionItem;
use serde_json::{Map, Value};

use crate::possible_types::PossibleTypes;

const TYPENAME: &str = "__typename";

/// What a subgraph has to know of an object to find it and to work with it; nothing when too little is known.
pub(super) struct Representation {
    pub(super) value: Value,
    /// Whether a field is missing that is asked for.
    pub(super) is_partial: bool,
}

pub(super) fn representation(types: &PossibleTypes, items: &[SelectionItem], entity: &Value) -> Option<Representation> {
    let mut is_partial = false;
    let value = required(types, items, entity, &mut is_partial)?;
    Some(Representation { value, is_partial })
}

fn required(types: &PossibleTypes, items: &[SelectionItem], value: &Value, is_partial: &mut bool) -> Option<Value> {
    match value {
        Value::Null => None,
        Value::Array(entries) => {
            // Entries keep their positions.
            let entries = entries
                .iter()
                .map(|entry| required(types, items, entry, is_partial).unwrap_or(Value::Null));
            Some(Value::Array(entries.collect()))
        }
        // A scalar that is an object.
        Value::Object(_) if items.is_empty() => Some(value.clone()),
        Value::Object(members) => {
            let mut found = Map::new();
            fields(types, items, members, &mut found, is_partial);
            let name = members.get(TYPENAME);
            let wants_name_alone = items.len() == 1 && items.iter().all(is_typename);
            if found.is_empty() && !(wants_name_alone && name.is_some()) {
                return None;
            }
            if let Some(name) = name {
                found.insert(TYPENAME.to_owned(), name.clone());
            }
            Some(Value::Object(found))
        }
        scalar => Some(scalar.clone()),
    }
}

fn is_typename(item: &SelectionItem) -> bool {
    match item {
        SelectionItem::Field(field) => field.selection_identifier() == TYPENAME,
        SelectionItem::InlineFragment(fragment) => {
            fragment.selections.items.len() == 1 && fragment.selections.items.iter().all(is_typename)
        }
        SelectionItem::FragmentSpread(_) => false,
    }
}

fn fields(
    types: &PossibleTypes,
    items: &[SelectionItem],
    members: &Map<String, Value>,
    found: &mut Map<String, Value>,
    is_partial: &mut bool,
) {
    for item in items {
        match item {
            SelectionItem::Field(field) => {
                let key = field.selection_identifier();
                if key == TYPENAME {
                    continue;
                }
                match members.get(&field.name).or_else(|| members.get(key)) {
                    None => *is_partial = true,
                    // Known to be null, which is another thing than not known.
                    Some(Value::Null) => {
                        found.insert(key.to_owned(), Value::Null);
                    }
                    Some(value) => {
                        if let Some(value) = required(types, &field.selections.items, value, is_partial) {
                            found.insert(key.to_owned(), value);
                        }
                    }
                }
            }
            SelectionItem::InlineFragment(fragment) => {
                let condition = &fragment.type_condition;
                let name = members.get(TYPENAME).and_then(Value::as_str).unwrap_or(condition);
                if types.meets(name, condition) || types.meets(condition, name) {
                    fields(types, &fragment.selections.items, members, found, is_partial);
                }
            }
            SelectionItem::FragmentSpread(_) => {}
        }
    }
}
