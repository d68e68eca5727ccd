use hive_router_query_planner::ast::selection_item::SelectionItem;
use hive_router_query_planner::ast::selection_set::SelectionSet;
use hive_router_query_planner::planner::plan_nodes::{FetchNodePathSegment, FetchRewrite};

/// The names under which a fetch puts values into the place it fetches for.
pub(super) fn keys(set: &SelectionSet, rewrites: &[FetchRewrite]) -> Vec<String> {
    let mut found = Vec::new();
    collect(set, &mut found);
    for rewrite in rewrites {
        let FetchRewrite::KeyRenamer(renamer) = rewrite else {
            continue;
        };
        if let Some(FetchNodePathSegment::Key(key)) = renamer.path.last()
            && let Some(known) = found.iter_mut().find(|known| *known == key)
        {
            known.clone_from(&renamer.rename_key_to);
        }
    }
    found
}

/// The fields that are selected of the entities under `alias`.
pub(super) fn of_entities<'a>(operation: &'a SelectionSet, alias: &str) -> Option<&'a SelectionSet> {
    operation.items.iter().find_map(|item| match item {
        SelectionItem::Field(field) if field.selection_identifier() == alias => Some(&field.selections),
        _ => None,
    })
}

fn collect(set: &SelectionSet, found: &mut Vec<String>) {
    for item in &set.items {
        match item {
            SelectionItem::Field(field) => {
                let key = field.selection_identifier();
                if key != "__typename" && !found.iter().any(|known| known == key) {
                    found.push(key.to_owned());
                }
            }
            SelectionItem::InlineFragment(fragment) => collect(&fragment.selections, found),
            SelectionItem::FragmentSpread(_) => {}
        }
    }
}
