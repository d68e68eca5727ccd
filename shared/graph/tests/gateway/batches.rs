//! How often subgraphs are asked, and for what.

use serde_json::Value;

use crate::museum::{Asked, Museum};

/// The entities that a request asks for, whatever its variables are called.
fn representations(asked: &Asked) -> usize {
    let variables = asked.body["variables"].as_object();
    let values = variables
        .into_iter()
        .flatten()
        .filter_map(|(_, value)| value.as_array());
    values
        .flatten()
        .filter(|value| value.get("__typename").is_some())
        .count()
}

fn of<'a>(asked: &'a [Asked], subgraph: &str) -> Vec<&'a Asked> {
    asked.iter().filter(|asked| asked.subgraph == subgraph).collect()
}

#[tokio::test]
async fn many_entities_are_one_request() {
    let museum = Museum::new();
    museum.query("{ paintings { title loans { days } } }").await;
    let asked = museum.asked();
    assert_eq!(of(&asked, "works").len(), 1);
    let loans = of(&asked, "loans");
    assert_eq!(loans.len(), 1);
    assert_eq!(representations(loans[0]), 5);
}

#[tokio::test]
async fn the_same_entity_is_asked_for_once() {
    let museum = Museum::new();
    let answer = museum.query("{ paintings { artist { name } } }").await;
    let asked = museum.asked();
    let people = of(&asked, "people");
    assert_eq!(people.len(), 1);
    // Four paintings have an artist, two of them the same.
    assert_eq!(representations(people[0]), 3);
    let names: Vec<&Value> = answer["data"]["paintings"].as_array().unwrap().iter().collect();
    assert_eq!(names[0]["artist"]["name"], "Ada");
    assert_eq!(names[2]["artist"]["name"], "Ada");
}

#[tokio::test]
async fn entities_of_two_types_are_one_request() {
    let museum = Museum::new();
    museum
        .query("{ paintings { loans { id } artist { loans { id } } } }")
        .await;
    let asked = museum.asked();
    assert_eq!(of(&asked, "loans").len(), 1, "five paintings and three artists");
    assert_eq!(representations(of(&asked, "loans")[0]), 8);
}

#[tokio::test]
async fn a_subgraph_without_anything_to_do_is_not_asked() {
    let museum = Museum::new();
    museum
        .query("{ painting(id: \"none\") { loans { id } artist { name } } }")
        .await;
    let asked = museum.asked();
    assert_eq!((asked.len(), asked[0].subgraph), (1, "works"));
}

#[tokio::test]
async fn a_query_over_three_subgraphs_takes_three_rounds() {
    let museum = Museum::new();
    let query = "{ painting(id: \"w1\") { title loans { borrower { nickname } } } }";
    let plan = museum.gateway.plan(query, None).unwrap();
    assert_eq!(plan.matches("Fetch(service").count(), 3, "{plan}");
    museum.query(query).await;
    let order: Vec<&str> = museum.asked().iter().map(|asked| asked.subgraph).collect();
    assert_eq!(order, ["works", "loans", "ratings"]);
}

#[tokio::test]
async fn queries_carry_a_key_for_retries_and_mutations_none() {
    let museum = Museum::new();
    museum.query("{ motto }").await;
    museum.query("mutation { addPerson(person: {name: \"Bo\"}) }").await;
    let keys: Vec<bool> = museum
        .asked()
        .iter()
        .map(|asked| asked.headers.contains_key("idempotency-key"))
        .collect();
    assert_eq!(keys, [true, false]);
}

#[tokio::test]
async fn fields_have_the_order_of_the_query() {
    use onecommit_graph::{Caller, GraphAnswer, GraphRequest, Operations};

    let museum = Museum::new();
    let request = GraphRequest {
        query: Some("{ p: painting(id: \"w1\") { weight title id artist { name id } } motto }".to_owned()),
        ..GraphRequest::default()
    };
    let answer = museum
        .gateway
        .answer(request, Operations::All, &Caller::default())
        .await;
    let GraphAnswer::Answered { data, errors } = answer else {
        panic!("refused")
    };
    assert_eq!(errors, []);
    assert_eq!(
        data.get(),
        r#"{"p":{"weight":9000,"title":"The Night","id":"w1","artist":{"name":"Ada","id":"p1"}},"motto":"Look"}"#
    );
}

#[tokio::test]
async fn a_type_that_is_known_is_not_replaced_by_its_interface() {
    let museum = Museum::new();
    // Ratings knows exhibits by their interface alone, and is asked again after works said what they are.
    let answer = museum.query("{ best { ... on Sculpture { title } } }").await;
    assert_eq!(answer["data"]["best"][1]["title"], "The Horse", "{answer}");
}
