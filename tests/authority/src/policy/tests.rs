use serde_json::json;

use super::*;
use crate::call::Key;

const ROLE: &str = "arn:aws:iam::123456789012:role/shop";
const TABLE: &str = "arn:aws:dynamodb:eu-west-1:123456789012:table/ledger";
const ASKER: Asker<'static> = Asker::Role {
    arn: ROLE,
    account: "123456789012",
};

fn of(kind: Kind, statements: &Value) -> Result<Policy, PolicyError> {
    Policy::read("shop", kind, &json!({"Version": "2012-10-17", "Statement": statements}))
}

fn allow(condition: Value) -> Value {
    json!([{"Sid": "S", "Effect": "Allow", "Action": "dynamodb:PutItem", "Resource": TABLE, "Condition": condition}])
}

fn put() -> Call {
    Call::new("dynamodb:PutItem", TABLE)
}

fn allows(policy: &Policy, call: &Call) -> bool {
    matches!(policy.opinion(&ASKER, call), Opinion::Allows(_))
}

/// Whether a grant under a condition is one for the call.
fn holds(condition: Value, call: &Call) -> bool {
    allows(&of(Kind::Identity, &allow(condition)).unwrap(), call)
}

fn refused(kind: Kind, statements: Value) -> String {
    of(kind, &statements).unwrap_err().to_string()
}

#[test]
fn what_no_statement_grants_is_not_allowed() {
    let policy = of(Kind::Identity, &allow(json!({}))).unwrap();
    assert!(allows(&policy, &put()));
    for other in [
        Call::new("dynamodb:DeleteItem", TABLE),
        Call::new("dynamodb:PutItem", format!("{TABLE}2")),
        Call::new("dynamodb:PutItem", format!("{TABLE}/index/due")),
    ] {
        assert_eq!(policy.opinion(&ASKER, &other), Opinion::Silent);
    }
}

#[test]
fn a_denial_counts_more_than_any_grant_wherever_it_stands() {
    let grant = json!({"Effect": "Allow", "Action": "*", "Resource": "*"});
    let denial = json!({"Sid": "No", "Effect": "Deny", "Action": "dynamodb:*", "Resource": TABLE});
    for statements in [json!([grant, denial]), json!([denial, grant])] {
        let policy = of(Kind::Identity, &statements).unwrap();
        let opinion = policy.opinion(&ASKER, &put());
        assert!(matches!(opinion, Opinion::Denies(statement) if statement.id == "No"));
        assert!(allows(&policy, &Call::new("sqs:SendMessage", "*")));
    }
}

#[test]
fn the_cells_that_grant_are_named() {
    let statements = json!({"Effect": "Allow", "Action": ["dynamodb:GetItem", "dynamodb:Put*"],
        "Resource": ["arn:aws:dynamodb:eu-west-1:123456789012:table/other", TABLE]});
    let policy = of(Kind::Identity, &statements).unwrap();
    let Opinion::Allows(cells) = policy.opinion(&ASKER, &put()) else {
        panic!("it is granted");
    };
    let [(statement, cell)] = cells[..] else {
        panic!("by one cell");
    };
    assert_eq!(
        (statement.action(cell), statement.resource(cell)),
        ("dynamodb:Put*".to_owned(), TABLE.to_owned())
    );
    assert_eq!((statement.cells().len(), statement.id.as_str()), (4, "statement 1"));
}

#[test]
fn what_is_excepted_is_not_granted() {
    let statements = json!({"Effect": "Allow", "Action": "sns:Publish", "NotResource": "arn:aws:sns:*:*:*"});
    let policy = of(Kind::Identity, &statements).unwrap();
    assert!(allows(&policy, &Call::new("sns:Publish", "*")));
    assert!(!allows(
        &policy,
        &Call::new("sns:Publish", "arn:aws:sns:eu-west-1:1:events")
    ));
    let statements = json!({"Effect": "Allow", "NotAction": ["sns:*"], "Resource": "*"});
    let policy = of(Kind::Identity, &statements).unwrap();
    assert!(allows(&policy, &put()));
    assert!(!allows(&policy, &Call::new("sns:Publish", "*")));
}

#[test]
fn texts_are_compared_as_a_whole_or_by_wildcards() {
    let from = |address: &str| put().with(Key::FromAddress, [address]);
    let key = |operator: &str, wanted: Value| json!({operator: {"ses:FromAddress": wanted}});
    assert!(holds(key("StringEquals", json!(["a@x", "b@x"])), &from("b@x")));
    assert!(!holds(key("StringEquals", json!("b@x")), &from("B@x")));
    assert!(!holds(key("StringEquals", json!("*@x")), &from("b@x")));
    assert!(holds(key("StringEqualsIgnoreCase", json!("b@x")), &from("B@x")));
    assert!(holds(key("StringLike", json!("*@x")), &from("b@x")));
    assert!(!holds(key("StringLike", json!("*@x")), &from("b@y")));
    assert!(!holds(key("StringNotEquals", json!(["a@x", "b@x"])), &from("b@x")));
    assert!(holds(key("StringNotLike", json!("*@x")), &from("b@y")));
}

#[test]
fn a_key_that_a_request_lacks_fails_what_compares_it() {
    let key = |operator: &str| json!({operator: {"ses:FromAddress": "a@x"}});
    assert!(!holds(key("StringEquals"), &put()));
    assert!(!holds(key("StringLike"), &put()));
    assert!(holds(key("StringNotEquals"), &put()));
    assert!(holds(key("StringEqualsIfExists"), &put()));
    assert!(!holds(
        key("StringEqualsIfExists"),
        &put().with(Key::FromAddress, ["b@x"])
    ));
    assert!(!holds(json!({"ArnEquals": {"aws:SourceArn": TABLE}}), &put()));
    assert!(!holds(json!({"Bool": {"aws:SecureTransport": "true"}}), &put()));
}

#[test]
fn every_one_of_many_values_must_be_granted() {
    let keys = |values: &[&str]| put().with(Key::LeadingKeys, values.iter().copied());
    let condition = |operator: &str| json!({operator: {"dynamodb:LeadingKeys": ["shop#*", "shop"]}, "Null": {"dynamodb:LeadingKeys": "false"}});
    let like = || condition("ForAllValues:StringLike");
    assert!(holds(like(), &keys(&["shop#1", "shop#2", "shop"])));
    assert!(!holds(like(), &keys(&["shop#1", "other#2"])));
    assert!(!holds(like(), &put()), "a scan is for no partition");
    assert!(!holds(like(), &keys(&[])));
    assert!(!holds(condition("ForAllValues:StringEquals"), &keys(&["shop#1"])));
    assert!(holds(condition("ForAllValues:StringEquals"), &keys(&["shop"])));
    let any = || json!({"ForAnyValue:StringLike": {"dynamodb:LeadingKeys": "shop#*"}});
    assert!(holds(any(), &keys(&["other", "shop#1"])));
    assert!(!holds(any(), &keys(&["other"])));
    assert!(!holds(any(), &put()));
}

#[test]
fn arns_are_compared_part_by_part() {
    let from = |arn: &str| put().with(Key::SourceArn, [arn]);
    for operator in ["ArnEquals", "ArnLike"] {
        let condition = |wanted: &str| json!({operator: {"aws:SourceArn": wanted}});
        assert!(holds(condition(TABLE), &from(TABLE)));
        assert!(holds(
            condition("arn:aws:dynamodb:*:123456789012:table/*"),
            &from(TABLE)
        ));
        assert!(!holds(condition("arn:aws:*:table/ledger"), &from(TABLE)));
    }
    assert!(!holds(json!({"ArnNotLike": {"aws:SourceArn": TABLE}}), &from(TABLE)));
}

#[test]
fn truth_and_absence_are_compared() {
    let over_tls = |truth: &str| put().with(Key::SecureTransport, [truth]);
    let tls = || json!({"Bool": {"aws:SecureTransport": false}});
    assert!(holds(tls(), &over_tls("false")));
    assert!(!holds(tls(), &over_tls("true")));
    let absent = || json!({"Null": {"dynamodb:Attributes": true}});
    assert!(holds(absent(), &put()));
    assert!(!holds(absent(), &put().with(Key::Attributes, ["pk"])));
}

#[test]
fn all_conditions_of_a_statement_must_hold() {
    let both = || json!({"StringEquals": {"ses:FromAddress": "a@x", "aws:PrincipalArn": ROLE}});
    let sent = put().with(Key::FromAddress, ["a@x"]);
    assert!(!holds(both(), &sent));
    assert!(holds(both(), &sent.with(Key::PrincipalArn, [ROLE])));
}

#[test]
fn a_resource_grants_to_the_principals_it_names() {
    let queue = "arn:aws:sqs:eu-west-1:123456789012:orders";
    let topic = "arn:aws:sns:eu-west-1:123456789012:events";
    let policy = |principal: Value| {
        let statement = json!([{"Effect": "Allow", "Principal": principal, "Action": "sqs:SendMessage",
            "Resource": queue, "Condition": {"ArnEquals": {"aws:SourceArn": topic}}}]);
        of(Kind::Resource, &statement).unwrap()
    };
    let delivery = |source: &str| Call::new("sqs:SendMessage", queue).with(Key::SourceArn, [source]);
    let is_granted = |principal: Value, asker: &Asker<'_>, call: &Call| {
        matches!(policy(principal).opinion(asker, call), Opinion::Allows(_))
    };
    let sns = Asker::Service("sns.amazonaws.com");
    assert!(is_granted(
        json!({"Service": "sns.amazonaws.com"}),
        &sns,
        &delivery(topic)
    ));
    assert!(!is_granted(
        json!({"Service": "sns.amazonaws.com"}),
        &sns,
        &delivery("arn:aws:sns:eu-west-1:1:others")
    ));
    assert!(!is_granted(
        json!({"Service": "events.amazonaws.com"}),
        &sns,
        &delivery(topic)
    ));
    assert!(!is_granted(
        json!({"Service": "sns.amazonaws.com"}),
        &ASKER,
        &delivery(topic)
    ));
    assert!(is_granted(json!({"AWS": ROLE}), &ASKER, &delivery(topic)));
    assert!(is_granted(json!("*"), &ASKER, &delivery(topic)));
    assert!(
        !is_granted(json!({"AWS": "123456789012"}), &ASKER, &delivery(topic)),
        "its roles' policies have to"
    );
}

#[test]
fn plain_http_is_denied_to_everybody() {
    let denial = json!([{"Sid": "RefusePlainHttp", "Effect": "Deny", "Principal": "*", "Action": "sqs:*", "Resource": "*",
        "Condition": {"Bool": {"aws:SecureTransport": "false"}}}]);
    let policy = of(Kind::Resource, &denial).unwrap();
    let send = |tls: &str| Call::new("sqs:SendMessage", "*").with(Key::SecureTransport, [tls]);
    assert!(matches!(policy.opinion(&ASKER, &send("false")), Opinion::Denies(_)));
    assert_eq!(policy.opinion(&ASKER, &send("true")), Opinion::Silent);
}

#[test]
fn a_grant_for_all_values_must_refuse_requests_without_any() {
    let statements = allow(json!({"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["shop#*"]}}));
    let error = refused(Kind::Identity, statements);
    assert!(
        error.contains("shop/S") && error.contains("Null") && error.contains("dynamodb:LeadingKeys"),
        "{error}"
    );
    // Of a denial the same is the safe side.
    let mut denial = allow(json!({"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["shop#*"]}}));
    denial[0]["Effect"] = json!("Deny");
    assert!(of(Kind::Identity, &denial).is_ok());
}

#[test]
fn whatever_is_not_evaluated_is_refused_by_name() {
    let one = |name: &str, value: Value| {
        let mut statement = json!({"Sid": "S", "Effect": "Allow", "Action": "sqs:SendMessage", "Resource": "*"});
        statement[name] = value;
        json!([statement])
    };
    for (statements, named) in [
        (one("NotPrincipal", json!("*")), "NotPrincipal"),
        (one("Effect", json!("Maybe")), "Effect"),
        (one("Principal", json!("*")), "Principal"),
        (one("Action", json!([])), "Action"),
        (one("Action", json!(7)), "Action"),
        (one("Action", json!("SendMessage")), "SendMessage"),
        (one("NotAction", json!("sqs:*")), "NotAction"),
        (one("Resource", json!("orders")), "orders"),
        (
            one("Resource", json!("arn:aws:s3:::${aws:username}")),
            "${aws:username}",
        ),
        (one("Condition", json!("none")), "Condition"),
        (
            one("Condition", json!({"DateLessThan": {"aws:SourceArn": "x"}})),
            "DateLessThan",
        ),
        (
            one("Condition", json!({"ForSomeValues:StringLike": {"aws:SourceArn": "x"}})),
            "ForSomeValues",
        ),
        (
            one("Condition", json!({"NullIfExists": {"aws:SourceArn": "true"}})),
            "NullIfExists",
        ),
        (
            one("Condition", json!({"Null": {"aws:SourceArn": "perhaps"}})),
            "aws:SourceArn",
        ),
        (
            one("Condition", json!({"StringEquals": {"aws:CurrentTime": "x"}})),
            "aws:CurrentTime",
        ),
        (
            one("Condition", json!({"StringEquals": {"aws:SourceArn": []}})),
            "nothing",
        ),
        (
            one("Condition", json!({"StringLike": {"dynamodb:LeadingKeys": "x"}})),
            "ForAllValues",
        ),
        (
            one(
                "Condition",
                json!({"ForAllValues:StringLike": {"ses:FromAddress": "x"}}),
            ),
            "one value",
        ),
        (json!([{"Effect": "Allow", "Action": "sqs:SendMessage"}]), "Resource"),
        (json!(["text"]), "Effect"),
        (json!("text"), "statements"),
    ] {
        let error = refused(Kind::Identity, statements);
        assert!(error.contains(named) && error.starts_with("shop"), "{named}: {error}");
    }
}

#[test]
fn a_resource_must_name_principals_that_are_understood() {
    let one = |principal: Value| json!([{"Sid": "S", "Effect": "Allow", "Principal": principal, "Action": "sqs:SendMessage", "Resource": "*"}]);
    for (principal, named) in [
        (json!("somebody"), "Principal"),
        (json!({"Federated": "x"}), "Federated"),
        (json!({"AWS": "arn:aws:iam::1:role/*"}), "wildcard"),
        (json!({"Service": 1}), "Principal"),
    ] {
        let error = refused(Kind::Resource, one(principal));
        assert!(error.contains(named), "{named}: {error}");
    }
    let nobody = json!([{"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": "*"}]);
    assert!(refused(Kind::Resource, nobody).contains("Principal"));
}

#[test]
fn a_document_that_is_not_a_policy_is_refused() {
    for document in [
        json!("text"),
        json!({"Version": "2008-10-17", "Statement": []}),
        json!({"Statement": []}),
        json!({"Version": "2012-10-17"}),
        json!({"Version": "2012-10-17", "Statement": [], "Rules": []}),
    ] {
        assert!(Policy::read("shop", Kind::Identity, &document).is_err(), "{document}");
    }
}
