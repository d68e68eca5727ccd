use graphql_tools::static_graphql::query::{Definition, Document, Selection, SelectionSet};
use hive_router_query_planner::ast::selection_item::SelectionItem;
use hive_router_query_planner::ast::selection_set::SelectionSet as PlannedSet;

/// Whether a document asks for the schema itself, anywhere.
pub(super) fn asks_for_schema(document: &Document) -> bool {
    document.definitions.iter().any(|definition| match definition {
        Definition::Operation(operation) => set_asks(operation.selection_set()),
        Definition::Fragment(fragment) => set_asks(&fragment.selection_set),
    })
}

fn set_asks(set: &SelectionSet) -> bool {
    set.items.iter().any(|selection| match selection {
        Selection::Field(field) => is_meta(&field.name) || set_asks(&field.selection_set),
        Selection::InlineFragment(fragment) => set_asks(&fragment.selection_set),
        Selection::FragmentSpread(_) => false,
    })
}

/// Takes away what no subgraph is asked for: the schema, and the name of the root type.
pub(super) fn without_meta(set: &mut PlannedSet) {
    set.items.retain_mut(|item| match item {
        SelectionItem::Field(field) => !is_meta(&field.name) && field.name != "__typename",
        SelectionItem::InlineFragment(fragment) => {
            without_meta(&mut fragment.selections);
            !fragment.selections.is_empty()
        }
        SelectionItem::FragmentSpread(_) => true,
    });
}

fn is_meta(field: &str) -> bool {
    matches!(field, "__schema" | "__type")
}
