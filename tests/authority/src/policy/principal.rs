use serde_json::Value;

use super::PolicyError;
use super::statement::{Effect, texts};

/// Who makes a call.
#[derive(Clone, Copy, Debug)]
pub enum Asker<'a> {
    /// A role of an account.
    Role {
        /// The role's ARN.
        arn: &'a str,
        /// The account.
        account: &'a str,
    },
    /// An account as a whole, which may pass on to its roles what it is granted.
    Account(&'a str),
    /// An AWS service, such as `sns.amazonaws.com`.
    Service(&'a str),
}

/// The principals that a resource's statement is for.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Principals {
    everybody: bool,
    roles_and_accounts: Vec<String>,
    services: Vec<String>,
}

impl Principals {
    pub(super) fn read(place: &str, principal: &Value) -> Result<Self, PolicyError> {
        let mut read = Self::default();
        let listed = match principal {
            Value::String(everybody) if everybody == "*" => {
                return Ok(Self {
                    everybody: true,
                    ..read
                });
            }
            Value::Object(listed) => listed,
            _ => return Err(PolicyError::new(place, "`Principal` must be \"*\" or an object")),
        };
        for (kind, named) in listed {
            let named = texts(place, "Principal", named)?;
            match kind.as_str() {
                "AWS" => read.roles_and_accounts.extend(named),
                "Service" => read.services.extend(named),
                _ => {
                    let problem = format!("principals of the kind `{kind}` are not evaluated here");
                    return Err(PolicyError::new(place, problem));
                }
            }
        }
        // A wildcard within an ARN is not one in AWS either.
        if let Some(odd) = read
            .roles_and_accounts
            .iter()
            .find(|name| name.contains('*') && *name != "*")
        {
            return Err(PolicyError::new(
                place,
                format!("a principal must not have a wildcard in it: `{odd}`"),
            ));
        }
        read.everybody = read.roles_and_accounts.iter().any(|name| name == "*");
        Ok(read)
    }

    /// Whether an asker is among them. Naming an account grants nothing by itself: its roles' own policies have to.
    pub(super) fn are(&self, asker: &Asker<'_>, effect: Effect) -> bool {
        let names_account = |account: &str| {
            let root = format!("arn:aws:iam::{account}:root");
            let mut named = self.roles_and_accounts.iter();
            named.any(|name| *name == account || *name == root)
        };
        self.everybody
            || match asker {
                Asker::Role { arn, account } => {
                    let is_denied = effect == Effect::Deny && names_account(account);
                    self.roles_and_accounts.iter().any(|name| name == arn) || is_denied
                }
                Asker::Account(account) => names_account(account),
                Asker::Service(name) => self.services.iter().any(|service| service == name),
            }
    }
}
