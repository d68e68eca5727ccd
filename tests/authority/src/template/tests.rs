use super::*;
use crate::{Authority, Call, Caller, Exceptions, Stack};

const TEMPLATE: &str = r#"
Parameters:
  Stage: { Type: String, Default: local }
  Claims: { Type: String, Default: "off" }
  Queues: { Type: String, Default: "on" }
Conditions:
  IsLocal: !Equals [!Ref Stage, local]
  IsDeployed: !Not [!Condition IsLocal]
  HasQueues: !Equals [!Ref Queues, "on"]
  Both: !And [!Condition IsDeployed, !Equals [!Ref Claims, "on"]]
Resources:
  EventsTable: { Type: AWS::DynamoDB::Table }
  EventsTopic: { Type: AWS::SNS::Topic }
  Claimed: { Type: AWS::S3::Bucket }
  Bus:
    Type: AWS::Events::EventBus
    Properties:
      Name: !Sub "${AWS::StackName}-events"
      Policy: { Version: "2012-10-17", Statement: [] }
  Queue: { Type: AWS::SQS::Queue, Condition: HasQueues }
  DeadLetters: { Type: AWS::SQS::Queue }
  QueuePolicy:
    Type: AWS::SQS::QueuePolicy
    Condition: HasQueues
    Properties:
      Queues: [!Ref Queue, !Ref DeadLetters]
      PolicyDocument:
        Version: "2012-10-17"
        Statement:
          - Sid: TopicDelivers
            Effect: Allow
            Principal: { Service: sns.amazonaws.com }
            Action: sqs:SendMessage
            Resource: [!GetAtt Queue.Arn, !GetAtt DeadLetters.Arn]
            Condition:
              ArnEquals: { "aws:SourceArn": !Ref EventsTopic }
          - Sid: NobodyElseSends
            Effect: Deny
            Principal: "*"
            Action: sqs:SendMessage
            Resource: !GetAtt Queue.Arn
            Condition:
              ArnNotEquals: { "aws:SourceArn": !Ref EventsTopic }
  Subscription:
    Type: AWS::SNS::Subscription
    Condition: HasQueues
    Properties:
      TopicArn: !Ref EventsTopic
      Protocol: sqs
      Endpoint: !GetAtt Queue.Arn
      RedrivePolicy: { deadLetterTargetArn: !GetAtt DeadLetters.Arn }
  Function: { Type: AWS::Serverless::Function, Properties: { Role: !GetAtt Role.Arn } }
  Role:
    Type: AWS::IAM::Role
    Properties:
      Policies:
        - PolicyName: relay
          PolicyDocument:
            Version: "2012-10-17"
            Statement:
              - Sid: Read
                Effect: Allow
                Action: dynamodb:Query
                Resource: [!GetAtt EventsTable.Arn, !Sub "${EventsTable.Arn}/index/pending"]
              - Sid: Send
                Effect: Allow
                Action: sqs:SendMessage
                Resource: [!GetAtt Queue.Arn, !GetAtt DeadLetters.Arn]
              - Sid: Tell
                Effect: Allow
                Action: sns:Publish
                Resource: [!Ref EventsTopic, !If [IsLocal, !Ref AWS::NoValue, !Ref EventsTopic]]
              - !If
                - Both
                - Sid: Claim
                  Effect: Allow
                  Action: s3:GetObject
                  Resource: !Sub "${Claimed.Arn}/claims/*"
                - !Ref AWS::NoValue
"#;

fn stack(given: &[(&str, &str)]) -> Stack {
    Template::read(TEMPLATE, given).unwrap().stack().unwrap()
}

/// One that knows this stack; the function in it may have a role of its own.
fn knowing(stack: Stack) -> Authority {
    let authority = Authority::new();
    authority.learn(stack).unwrap();
    authority
}

fn allows(stack: &Stack, action: &str, resource: &str) -> bool {
    let caller = Caller {
        stack: stack.name.clone(),
        function: "Function".to_owned(),
    };
    let asked = [Call::new(action, resource)];
    knowing(stack.clone()).judge(&caller, &asked).is_ok()
}

const TABLE: &str = "arn:aws:dynamodb:eu-west-1:123456789012:table/EventsTable";
const TOPIC: &str = "arn:aws:sns:eu-west-1:123456789012:EventsTopic";
const QUEUE: &str = "arn:aws:sqs:eu-west-1:123456789012:Queue";
const DEAD_LETTERS: &str = "arn:aws:sqs:eu-west-1:123456789012:DeadLetters";

#[test]
fn names_and_conditions_of_a_role_are_resolved() {
    let local = stack(&[]);
    assert!(allows(&local, "dynamodb:Query", TABLE));
    assert!(allows(&local, "dynamodb:Query", &format!("{TABLE}/index/pending")));
    assert!(!allows(&local, "dynamodb:Query", &format!("{TABLE}/index/other")));
    assert!(allows(&local, "sns:Publish", TOPIC));
    let mut deployed = stack(&[("Stage", "prod"), ("Claims", "on")]);
    assert!(allows(&deployed, "s3:GetObject", "arn:aws:s3:::claimed/claims/x"));
    assert!(!allows(&deployed, "s3:GetObject", "arn:aws:s3:::claimed/other/x"));
    assert!(deployed.take_away("Role", "Read"));
    assert!(!allows(&deployed, "dynamodb:Query", TABLE));
}

#[test]
fn a_resources_policy_is_that_of_each_resource_it_names() {
    let stack = stack(&[]);
    assert!(allows(&stack, "sqs:SendMessage", DEAD_LETTERS));
    assert!(!allows(&stack, "sqs:SendMessage", QUEUE), "its policy denies it");
    let owners: Vec<&str> = stack.policies.iter().map(|policy| policy.logical_id.as_str()).collect();
    assert_eq!(owners, ["Bus", "Queue", "DeadLetters"]);
}

#[test]
fn a_bus_has_the_name_that_roles_spell_out() {
    let bus = stack(&[]).policies[0].arn.clone();
    assert_eq!(bus, "arn:aws:events:eu-west-1:123456789012:event-bus/stack-events");
}

#[test]
fn a_subscription_delivers_to_its_queue_and_to_its_dead_letter_queue() {
    let stack = stack(&[]);
    let ways: Vec<(&str, &str)> = stack
        .calls
        .iter()
        .map(|call| (call.source_arn.as_deref().unwrap(), call.resource.as_str()))
        .collect();
    assert_eq!(ways, [(TOPIC, QUEUE), (TOPIC, DEAD_LETTERS)]);
    assert_eq!(denied(stack.clone()), Vec::<String>::new());
    let mut refusing = stack;
    assert!(refusing.take_away("DeadLetters", "TopicDelivers"));
    let denied = denied(refusing);
    assert!(
        denied.len() == 1 && denied[0].contains("what Subscription could not deliver as sns.amazonaws.com"),
        "{denied:?}"
    );
}

#[test]
fn what_a_condition_leaves_out_is_not_there() {
    assert!(stack(&[]).resources.contains_key("Queue"));
    let without = stack(&[("Queues", "off")]);
    assert!(!without.resources.contains_key("Queue") && without.calls.is_empty());
}

fn denied(stack: Stack) -> Vec<String> {
    knowing(stack).report(&Exceptions::default()).denied()
}

#[test]
fn what_is_not_resolved_is_an_error_by_name() {
    let problem = |resource: &str| {
        let template = format!("{TEMPLATE}\n{resource}");
        let stack = Template::read(&template, &[]).and_then(|template| template.stack());
        stack.unwrap_err().to_string()
    };
    let imported = "  Odd: { Type: AWS::SNS::TopicPolicy, Properties: { Topics: [!Ref EventsTopic], \
                    PolicyDocument: !ImportValue elsewhere } }";
    assert!(problem(imported).contains("Odd: the function `Fn::ImportValue`"));
    let managed = "  Odd: { Type: AWS::IAM::Role, Properties: { ManagedPolicyArns: [x] } }";
    assert!(problem(managed).contains("Odd: managed policies"));
    let of_nothing = "  Odd: { Type: AWS::SQS::QueuePolicy, Properties: { Queues: [a-url], PolicyDocument: {} } }";
    assert!(problem(of_nothing).contains("Odd: `Queues` has to name resources"));
    let calling = "  Odd: { Type: AWS::SNS::Subscription, Properties: { Protocol: https } }";
    assert!(problem(calling).contains("Odd: subscriptions of queues only"));
    assert!(Template::read("- a list", &[]).is_err());
}

/// And what SNS and EventBridge deliver there is granted.
#[test]
fn every_policy_of_the_template_is_understood() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../infra/template.yaml");
    let text = std::fs::read_to_string(path).unwrap();
    for stage in ["local", "prod"] {
        let given = [("Stage", stage), ("ClaimCheck", "on"), ("Route", "all")];
        let stack = Template::read(&text, &given).unwrap().stack().unwrap();
        let counts = [
            stack.roles.len(),
            stack.functions.len(),
            stack.policies.len(),
            stack.calls.len(),
        ];
        assert!(counts.iter().all(|count| *count > 12), "{counts:?}");
        assert_eq!(denied(stack), Vec::<String>::new());
    }
}
