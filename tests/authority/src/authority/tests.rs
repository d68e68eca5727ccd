use serde_json::{Value, json};

use super::*;

const QUEUE: &str = "arn:aws:sqs:eu-west-1:123456789012:orders";
const TOPIC: &str = "arn:aws:sns:eu-west-1:123456789012:events";
const ROLE: &str = "arn:aws:iam::123456789012:role/relay";

fn policy(statement: &Value) -> Value {
    json!({"Version": "2012-10-17", "Statement": [statement]})
}

fn stack(own: &Value, of_queue: &Value) -> Stack {
    let stack = json!({
        "name": "shop", "account": "123456789012", "tables": {}, "calls": [],
        "resources": {"Orders": "http://localhost:4566/123456789012/orders", "Events": TOPIC},
        "roles": [{"logicalId": "RelayRole", "arn": ROLE, "policies": {"relay": policy(own)}, "managed": []}],
        "functions": [{"logicalId": "RelayFunction", "role": ROLE}],
        "policies": [{"logicalId": "OrdersPolicy", "arn": QUEUE, "document": policy(of_queue)}],
    });
    serde_json::from_value(stack).unwrap()
}

fn sends() -> Value {
    json!({"Sid": "Send", "Effect": "Allow", "Action": ["sqs:SendMessage", "sqs:DeleteMessage"], "Resource": QUEUE})
}

fn delivers() -> Value {
    json!({"Sid": "Deliver", "Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage",
        "Resource": QUEUE, "Condition": {"ArnEquals": {"aws:SourceArn": TOPIC}}})
}

fn knowing(stack: Stack) -> Authority {
    let authority = Authority::new();
    authority.learn(stack).unwrap();
    authority
}

fn relay() -> Caller {
    Caller {
        stack: "shop".to_owned(),
        function: "RelayFunction".to_owned(),
    }
}

fn send() -> Call {
    Call::new("sqs:SendMessage", QUEUE)
}

fn delivery(source: &str) -> ServiceCall {
    let call = json!({"what": "Subscription", "service": "sns.amazonaws.com", "action": "sqs:SendMessage", "resource": QUEUE,
        "sourceArn": source});
    serde_json::from_value(call).unwrap()
}

#[test]
fn what_was_granted_and_not_used_is_listed() {
    let authority = knowing(stack(&sends(), &delivers()));
    authority.judge(&relay(), &[send(), send()]).unwrap();
    let report = authority.report(&Exceptions::default());
    assert_eq!(report.denied(), Vec::<String>::new());
    assert_eq!(
        report.unused(),
        [
            "OrdersPolicy/Deliver: sqs:SendMessage on Orders",
            "RelayRole/Send: sqs:DeleteMessage on Orders"
        ]
    );
    assert!(
        report.counts().contains("| RelayRole | 2 | 1 | 0 | 1 |"),
        "{}",
        report.counts()
    );
}

#[test]
fn what_is_missing_is_named() {
    let authority = knowing(stack(&sends(), &delivers()));
    let denial = authority
        .judge(&relay(), &[send(), Call::new("sns:Publish", TOPIC)])
        .unwrap_err();
    let expected = "RelayFunction as RelayRole: sns:Publish on Events: missing { Effect: Allow, Action: sns:Publish, \
                    Resource: Events }";
    assert_eq!(denial.to_string(), expected);
    assert_eq!(
        authority.report(&Exceptions::default()).denied(),
        [format!("{expected} (1 times)")]
    );
}

#[test]
fn the_conditions_that_keep_a_grant_from_a_call_are_named() {
    let mut own = sends();
    own["Condition"] = json!({"StringEquals": {"ses:FromAddress": "a@x"}});
    let authority = knowing(stack(&own, &delivers()));
    let denial = authority
        .judge(&relay(), &[send().with(Key::FromAddress, ["b@x"])])
        .unwrap_err();
    let because = &denial.because;
    assert!(
        because.contains("Send of RelayRole") && because.contains("b@x"),
        "{because}"
    );
}

#[test]
fn a_resources_policy_may_grant_to_a_role_or_deny_it() {
    let mut grant = delivers();
    grant["Principal"] = json!({"AWS": ROLE});
    grant["Condition"] = json!({});
    let nothing = json!({"Effect": "Allow", "Action": "sqs:ReceiveMessage", "Resource": QUEUE});
    let authority = knowing(stack(&nothing, &grant));
    assert_eq!(authority.judge(&relay(), &[send()]), Ok(()));
    grant["Effect"] = json!("Deny");
    let authority = knowing(stack(&sends(), &grant));
    let denial = authority.judge(&relay(), &[send()]).unwrap_err();
    assert_eq!(denial.because, "Deliver of OrdersPolicy denies it");
}

#[test]
fn what_aws_itself_does_in_a_stack_is_decided_when_it_is_learned() {
    let mut shop = stack(&sends(), &delivers());
    shop.calls = vec![delivery(TOPIC)];
    let report = knowing(shop.clone()).report(&Exceptions::default());
    assert_eq!(report.denied(), Vec::<String>::new());
    shop.calls = vec![delivery("arn:aws:sns:eu-west-1:123456789012:others")];
    let denied = knowing(shop.clone()).report(&Exceptions::default()).denied();
    assert!(denied[0].contains("Subscription as sns.amazonaws.com"), "{denied:?}");
    // Without a policy nothing is delivered at all.
    shop.calls = vec![delivery(TOPIC)];
    shop.policies.clear();
    assert_eq!(knowing(shop).report(&Exceptions::default()).denied().len(), 1);
}

#[test]
fn lambda_needs_in_a_roles_name_what_the_role_is_granted() {
    let mut shop = stack(&sends(), &delivers());
    let mut polling = delivery(TOPIC);
    polling.role = Some(ROLE.to_owned());
    polling.action = "sqs:ReceiveMessage".to_owned();
    shop.calls = vec![polling];
    let denied = knowing(shop).report(&Exceptions::default()).denied();
    assert!(
        denied[0].contains("RelayRole: sqs:ReceiveMessage on Orders"),
        "{denied:?}"
    );
}

#[test]
fn nobody_known_is_granted_nothing() {
    let authority = knowing(stack(&sends(), &delivers()));
    for (stack, function) in [
        ("", "RelayFunction"),
        ("other", "RelayFunction"),
        ("shop", "OtherFunction"),
    ] {
        let caller = Caller {
            stack: stack.to_owned(),
            function: function.to_owned(),
        };
        assert!(authority.judge(&caller, &[send()]).is_err());
    }
    assert_eq!(authority.report(&Exceptions::default()).denied().len(), 3);
}

#[test]
fn a_stack_with_a_policy_that_is_not_understood_is_not_learned() {
    let mut odd = sends();
    odd["Condition"] = json!({"DateLessThan": {"aws:CurrentTime": "2026-01-01"}});
    let mut shop = stack(&odd, &json!({"Effect": "Perhaps"}));
    shop.roles[0].managed.push("AdministratorAccess".to_owned());
    let errors = Authority::new().learn(shop).unwrap_err();
    let errors: Vec<String> = errors.iter().map(ToString::to_string).collect();
    assert_eq!(errors.len(), 3, "{errors:?}");
    assert!(
        errors[0].contains("RelayRole/relay/Send") && errors[0].contains("DateLessThan"),
        "{errors:?}"
    );
    assert!(
        errors[1].contains("OrdersPolicy") && errors[2].contains("AdministratorAccess"),
        "{errors:?}"
    );
}

#[test]
fn an_argued_exception_is_not_listed_and_one_for_nothing_is() {
    let authority = knowing(stack(&sends(), &delivers()));
    let exceptions = Exceptions::read(
        r#"[{"of": "*Role", "statement": "Send", "action": "sqs:DeleteMessage", "because": "only in an outage"},
            {"of": "RelayRole", "statement": "Gone", "action": "*", "because": "only in an outage"}]"#,
    );
    let report = authority.report(&exceptions.unwrap());
    assert!(
        !report.unused().iter().any(|one| one.contains("DeleteMessage")),
        "{:?}",
        report.unused()
    );
    assert_eq!(report.stale(), ["RelayRole/Gone: *: nobody is granted this"]);
    assert!(Exceptions::read(r#"[{"of": "a", "statement": "b", "action": "c", "because": " "}]"#).is_err());
    assert!(Exceptions::read(r#"[{"of": "a"}]"#).is_err());
}

#[test]
fn an_exception_for_what_is_used_is_stale_unless_that_depends_on_the_run() {
    let authority = knowing(stack(&sends(), &delivers()));
    authority.judge(&relay(), &[send()]).unwrap();
    let argued = |sometimes: bool| {
        let json = json!([{"of": "RelayRole", "statement": "Send", "action": "sqs:SendMessage", "because": "an outage",
            "sometimes": sometimes}]);
        authority
            .report(&Exceptions::read(&json.to_string()).unwrap())
            .stale()
            .to_vec()
    };
    assert_eq!(argued(false), ["RelayRole/Send: sqs:SendMessage: all of this was used"]);
    assert!(argued(true).is_empty());
}

#[test]
fn the_tables_name_every_grant_and_no_count() {
    let authority = knowing(stack(&sends(), &delivers()));
    let exceptions =
        r#"[{"of": "*Role", "statement": "Send", "action": "sqs:DeleteMessage", "because": "only in an outage"}]"#;
    let exceptions = Exceptions::read(exceptions).unwrap();
    let before = authority.report(&exceptions).tables().clone();
    authority.judge(&relay(), &[send()]).unwrap();
    assert_eq!(*authority.report(&exceptions).tables(), before);
    let expected = "### RelayRole (RelayFunction)\n\n\
                    | statement | on | actions | not used by the tests, because |\n|---|---|---|---|\n\
                    | Send | `Orders` | `sqs:SendMessage` |  |\n\
                    | Send | `Orders` | `sqs:DeleteMessage` | only in an outage |\n";
    assert_eq!(before["RelayRole"], expected);
    assert!(before["OrdersPolicy"].contains("| Deliver | `Orders` | `sqs:SendMessage` |  |"));
}

const KEY: &str = "arn:aws:kms:eu-west-1:123456789012:key/1";

/// A stack whose role may decrypt with a key, which has this policy, if any.
fn with_key(of_key: Option<Value>) -> Authority {
    let own = json!({"Sid": "Unwrap", "Effect": "Allow", "Action": "kms:Decrypt", "Resource": KEY});
    let mut stack = stack(&own, &delivers());
    stack
        .policies
        .extend(of_key.map(|statement| crate::stack::ResourcePolicy {
            logical_id: "Key".to_owned(),
            arn: KEY.to_owned(),
            document: policy(&statement),
        }));
    knowing(stack)
}

fn key_statement(principal: &str) -> Value {
    json!({"Sid": "Use", "Effect": "Allow", "Principal": {"AWS": principal}, "Action": "kms:*", "Resource": "*"})
}

#[test]
fn a_grant_on_a_key_counts_where_the_keys_policy_names_the_account() {
    let decrypt = [Call::new("kms:Decrypt", KEY)];
    let authority = with_key(Some(key_statement("arn:aws:iam::123456789012:root")));
    assert_eq!(authority.judge(&relay(), &decrypt), Ok(()));
    assert!(
        !authority
            .report(&Exceptions::default())
            .unused()
            .iter()
            .any(|one| one.contains("kms"))
    );
    let encrypt = authority.judge(&relay(), &[Call::new("kms:Encrypt", KEY)]);
    assert!(
        encrypt
            .unwrap_err()
            .because
            .contains("missing { Effect: Allow, Action: kms:Encrypt")
    );
    for of_key in [None, Some(key_statement("arn:aws:iam::210987654321:root"))] {
        let denial = with_key(of_key).judge(&relay(), &decrypt).unwrap_err();
        assert!(denial.because.contains("the key's own policy"), "{denial}");
    }
}

#[test]
fn a_keys_policy_may_grant_to_a_role_itself() {
    let authority = with_key(Some(key_statement(ROLE)));
    assert_eq!(authority.judge(&relay(), &[Call::new("kms:Encrypt", KEY)]), Ok(()));
}
