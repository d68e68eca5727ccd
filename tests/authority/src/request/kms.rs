use super::json::{operation, text};
use super::{Names, Request, Unrecognised, unknown_operation};
use crate::call::Call;

const ACTIONS: [(&str, &str); 4] = [
    ("Decrypt", "kms:Decrypt"),
    ("Encrypt", "kms:Encrypt"),
    ("GenerateDataKey", "kms:GenerateDataKey"),
    ("GenerateDataKeyWithoutPlaintext", "kms:GenerateDataKeyWithoutPlaintext"),
];

pub(super) fn calls(names: &Names<'_>, request: &Request<'_>) -> Result<Vec<Call>, Unrecognised> {
    let (operation, body) = operation(request, "TrentService")?;
    let action = ACTIONS.iter().find(|(known, _)| *known == operation);
    let (_, action) = action.ok_or_else(|| unknown_operation("kms", operation))?;
    // KMS finds the key of a value by itself. A request that leaves it to KMS may be for any key.
    let key = text(&body, "KeyId")?;
    let is_alias = key.starts_with("alias/") || key.contains(":alias/");
    match key {
        _ if is_alias => Err(Unrecognised(format!(
            "`{key}` is an alias, and grants are for keys; name the key by its ARN"
        ))),
        arn if arn.starts_with("arn:") => Ok(vec![Call::new(*action, arn)]),
        id => Ok(vec![Call::new(*action, names.arn("kms", &format!("key/{id}")))]),
    }
}
