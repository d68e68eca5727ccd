//! Subgraphs that do not work.

use serde_json::json;

use crate::museum::{Instead, Museum, errors};

const QUERY: &str = "{ paintings(first: 2) { title artist { name } loans { days } } }";

fn pairs(list: &[(&str, &str)]) -> Vec<(String, String)> {
    list.iter()
        .map(|(code, path)| ((*code).to_owned(), (*path).to_owned()))
        .collect()
}

#[tokio::test]
async fn a_subgraph_that_is_down_nulls_its_places_and_nothing_else() {
    let museum = Museum::new();
    museum.set("people", Instead::Status(500));
    let answer = museum.query(QUERY).await;
    assert_eq!(
        answer["data"]["paintings"],
        json!([
            {"title": "The Night", "artist": {"name": null}, "loans": [{"days": 30}, {"days": 7}]},
            {"title": "The Morning", "artist": {"name": null}, "loans": [{"days": 1}]},
        ])
    );
    let failed = [
        ("SUBREQUEST_FAILED", r#"["paintings",0,"artist","name"]"#),
        ("SUBREQUEST_FAILED", r#"["paintings",1,"artist","name"]"#),
    ];
    assert_eq!(errors(&answer), pairs(&failed));
    museum.heal();
    let answer = museum.query(QUERY).await;
    assert_eq!(errors(&answer), []);
    assert_eq!(answer["data"]["paintings"][0]["artist"]["name"], "Ada");
}

#[tokio::test]
async fn the_gateway_answers_from_the_others_when_one_was_down_from_the_start() {
    let museum = Museum::new();
    museum.set("works", Instead::Status(503));
    let answer = museum.query("{ people { id } painting(id: \"w1\") { id } }").await;
    assert_eq!(
        answer["data"],
        json!({"people": [{"id": "p1"}, {"id": "p2"}, {"id": "p3"}], "painting": null})
    );
    assert_eq!(errors(&answer), pairs(&[("SUBREQUEST_FAILED", r#"["painting"]"#)]));
}

#[tokio::test]
async fn a_forbidden_null_propagates_to_its_parent() {
    let museum = Museum::new();
    museum.set("loans", Instead::Status(500));
    // `isHere` is never null, so the painting is null, and what may be null around it.
    let answer = museum.query("{ motto painting(id: \"w1\") { title isHere } }").await;
    assert_eq!(answer["data"], json!({"motto": "Look", "painting": null}));
    assert_eq!(
        errors(&answer),
        pairs(&[("SUBREQUEST_FAILED", r#"["painting","isHere"]"#)])
    );
    let answer = museum.query("{ motto paintings(first: 1) { isHere } }").await;
    assert_eq!(answer["data"], json!(null));
    assert_eq!(
        errors(&answer),
        pairs(&[("SUBREQUEST_FAILED", r#"["paintings",0,"isHere"]"#)])
    );
}

#[tokio::test]
async fn html_and_nonsense_are_errors_by_name() {
    let museum = Museum::new();
    let nonsense = [
        "[]",
        "7",
        "{}",
        "{\"data\": 1}",
        "{\"data\": null}",
        "{\"errors\": 7}",
        "{\"data\": {\"person\": {\"id\": {}}}}",
    ];
    museum.set("people", Instead::Html);
    let answer = museum.query("{ person(id: \"p1\") { id } motto }").await;
    assert_eq!(errors(&answer)[0].0, "SUBREQUEST_INVALID");
    for body in nonsense {
        museum.set("people", Instead::Body(body.to_owned()));
        let answer = museum.query("{ person(id: \"p1\") { id } }").await;
        assert_eq!(answer["data"], json!({"person": null}), "{body}");
        assert_eq!(errors(&answer).len(), 1, "{body}: {answer}");
    }
    museum.set("people", Instead::Body("{\"data\": ".to_owned()));
    let answer = museum.query("{ person(id: \"p1\") { id } }").await;
    assert_eq!(errors(&answer), pairs(&[("SUBREQUEST_INVALID", r#"["person"]"#)]));
}

#[tokio::test]
async fn too_much_is_an_error_by_name() {
    let museum = Museum::new();
    let much = format!("{{\"data\": {{\"person\": {{\"id\": \"{}\"}}}}}}", "x".repeat(2 << 20));
    museum.set("people", Instead::Body(much));
    let answer = museum.query("{ person(id: \"p1\") { id } }").await;
    assert_eq!(errors(&answer), pairs(&[("SUBREQUEST_INVALID", r#"["person"]"#)]));
}

#[tokio::test]
async fn half_a_list_of_entities_is_not_taken_for_the_first_half() {
    let museum = Museum::new();
    let half = json!({"data": {"_entities": [{"name": "Somebody"}]}});
    museum.set("people", Instead::Body(half.to_string()));
    let answer = museum.query("{ paintings(first: 2) { artist { name } } }").await;
    assert_eq!(answer["data"]["paintings"][0]["artist"], json!({"name": null}));
    assert_eq!(errors(&answer).len(), 2);
    assert!(errors(&answer).iter().all(|(code, _)| code == "SUBREQUEST_INVALID"));
}

#[tokio::test]
async fn a_value_of_another_type_is_an_error_at_its_place() {
    let museum = Museum::new();
    let odd =
        json!({"data": {"painting": {"__typename": "Painting", "id": "w1", "title": {"a": 1}, "weight": "heavy"}}});
    museum.set("works", Instead::Body(odd.to_string()));
    let answer = museum.query("{ painting(id: \"w1\") { id weight } }").await;
    assert_eq!(answer["data"]["painting"], json!({"id": "w1", "weight": null}));
    assert_eq!(errors(&answer), pairs(&[("INVALID_VALUE", r#"["painting","weight"]"#)]));
}

#[tokio::test]
async fn an_enum_value_that_nobody_knows_is_an_error_at_its_place() {
    let museum = Museum::new();
    let odd = json!({"data": {"exhibits": [{"__typename": "Sculpture", "id": "w6", "material": "CHEESE"}]}});
    museum.set("works", Instead::Body(odd.to_string()));
    let answer = museum.query("{ exhibits { ... on Sculpture { id material } } }").await;
    assert_eq!(
        errors(&answer),
        pairs(&[("INVALID_VALUE", r#"["exhibits",0,"material"]"#)])
    );
}

#[tokio::test(start_paused = true)]
async fn a_subgraph_that_hangs_ends_at_the_limit() {
    let museum = Museum::new();
    museum.set("people", Instead::Hang);
    let answer = museum.query(QUERY).await;
    assert_eq!(
        answer["data"]["paintings"][0]["loans"],
        json!([{"days": 30}, {"days": 7}])
    );
    assert_eq!(
        errors(&answer)[0],
        pairs(&[("SUBREQUEST_TIMEOUT", r#"["paintings",0,"artist","name"]"#)])[0]
    );
}

#[tokio::test]
async fn an_entity_without_what_it_needs_is_not_asked_for() {
    let museum = Museum::new();
    museum.set("works", Instead::Status(500));
    let answer = museum.query("{ loans { painting { insurance } } }").await;
    assert_eq!(answer["data"]["loans"][0], json!({"painting": {"insurance": null}}));
    assert_eq!(
        errors(&answer)[0],
        pairs(&[("SUBREQUEST_FAILED", r#"["loans",0,"painting","insurance"]"#)])[0]
    );
    let loans = museum.asked().iter().filter(|asked| asked.subgraph == "loans").count();
    assert_eq!(loans, 1, "insurance is not asked for without the weight");
}

#[tokio::test]
async fn messages_without_a_code_are_not_passed_on() {
    let museum = Museum::new();
    let answer = museum.query("{ person(id: \"p1\") { mail } }").await;
    assert!(!answer.to_string().contains("10.0.0.7"), "{answer}");
    assert_eq!(answer["errors"][0]["message"], "the subgraph reported an error");
    let answer = museum.query("{ person(id: \"p3\") { name } }").await;
    assert_eq!(answer["errors"][0]["message"], "the name is kept back");
    assert_eq!(errors(&answer), pairs(&[("KEPT_BACK", r#"["person","name"]"#)]));
}
