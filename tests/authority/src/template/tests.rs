use super::*;
use crate::call::Call;
use crate::policy::{Asker, Opinion};

const TEMPLATE: &str = r#"
Parameters:
  Stage: { Type: String, Default: local }
  Claims: { Type: String, Default: "off" }
Conditions:
  IsLocal: !Equals [!Ref Stage, local]
  IsDeployed: !Not [!Condition IsLocal]
  Both: !And [!Condition IsDeployed, !Equals [!Ref Claims, "on"]]
Resources:
  EventsTable: { Type: AWS::DynamoDB::Table }
  EventsTopic: { Type: AWS::SNS::Topic }
  Claimed: { Type: AWS::S3::Bucket }
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
  Odd:
    Type: AWS::IAM::Role
    Properties:
      Policies:
        - PolicyName: odd
          PolicyDocument:
            Statement:
              - { Effect: Allow, Action: "*", Resource: !ImportValue elsewhere }
"#;

fn role(given: &[(&str, &str)]) -> TemplateRole {
    Template::read(TEMPLATE, given).unwrap().role("Role").unwrap()
}

fn allows(role: &TemplateRole, action: &str, resource: &str) -> bool {
    let policy = role.policy().unwrap();
    let asker = Asker::Role {
        arn: &role.arn,
        account: ACCOUNT,
    };
    matches!(policy.opinion(&asker, &Call::new(action, resource)), Opinion::Allows(_))
}

#[test]
fn names_and_conditions_of_a_role_are_resolved() {
    let table = "arn:aws:dynamodb:eu-west-1:123456789012:table/EventsTable";
    let topic = "arn:aws:sns:eu-west-1:123456789012:EventsTopic";
    let local = role(&[]);
    assert!(allows(&local, "dynamodb:Query", table));
    assert!(allows(&local, "dynamodb:Query", &format!("{table}/index/pending")));
    assert!(!allows(&local, "dynamodb:Query", &format!("{table}/index/other")));
    assert!(allows(&local, "sns:Publish", topic));
    assert_eq!(local.statements().collect::<Vec<_>>(), ["Read", "Tell"]);
    let deployed = role(&[("Stage", "prod"), ("Claims", "on")]);
    assert!(allows(&deployed, "s3:GetObject", "arn:aws:s3:::claimed/claims/x"));
    assert!(!allows(&deployed, "s3:GetObject", "arn:aws:s3:::claimed/other/x"));
    assert!(!allows(&deployed.without("Read"), "dynamodb:Query", table));
}

#[test]
fn what_is_not_resolved_is_an_error_by_name() {
    let template = Template::read(TEMPLATE, &[]).unwrap();
    let problem = |role: &str| template.role(role).unwrap_err().to_string();
    assert!(problem("Odd").contains("Fn::ImportValue"), "{}", problem("Odd"));
    assert!(problem("EventsTable").contains("no role `EventsTable`"));
    assert!(Template::read("- a list", &[]).is_err());
}

#[test]
fn every_role_of_the_template_is_understood() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../infra/template.yaml");
    let text = std::fs::read_to_string(path).unwrap();
    for stage in ["local", "prod"] {
        let template = Template::read(&text, &[("Stage", stage), ("ClaimCheck", "on"), ("Route", "all")]).unwrap();
        let roles: Vec<&String> = template
            .resources
            .iter()
            .filter_map(|(name, about)| (about["Type"] == "AWS::IAM::Role").then_some(name))
            .collect();
        assert!(roles.len() > 10, "{roles:?}");
        for role in roles {
            let role = template.role(role).and_then(|role| role.policy());
            assert!(role.is_ok(), "{:?}", role.err());
        }
    }
}
