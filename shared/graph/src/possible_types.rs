use std::collections::{HashMap, HashSet};

use hive_router_query_planner::state::supergraph_state::{SupergraphDefinition, SupergraphState};

/// Which object types stand behind interfaces and unions, those that callers may not see among them.
#[derive(Debug, Default)]
pub(crate) struct PossibleTypes(HashMap<String, HashSet<String>>);

impl PossibleTypes {
    pub(crate) fn of(supergraph: &SupergraphState) -> Self {
        let mut types: HashMap<String, HashSet<String>> = HashMap::new();
        for (name, definition) in &supergraph.definitions {
            match definition {
                SupergraphDefinition::Union(union) => {
                    types
                        .entry(name.clone())
                        .or_default()
                        .extend(union.types.iter().cloned());
                }
                SupergraphDefinition::Interface(_) => {
                    let members = supergraph.interface_members(name).into_iter().flatten();
                    types.entry(name.clone()).or_default().extend(members.cloned());
                }
                _ => {}
            }
        }
        Self(types)
    }

    /// Whether an object of type `name` meets the condition `on condition`.
    pub(crate) fn meets(&self, name: &str, condition: &str) -> bool {
        name == condition || self.0.get(condition).is_some_and(|types| types.contains(name))
    }
}
