use percent_encoding::percent_decode_str;

use super::{Request, Unrecognised};
use crate::call::{Call, Key};

pub(super) fn calls(request: &Request<'_>) -> Result<Vec<Call>, Unrecognised> {
    let path = request.path.trim_start_matches('/');
    let (bucket, key) = path.split_once('/').unwrap_or((path, ""));
    let key = percent_decode_str(key)
        .decode_utf8()
        .map_err(|_| Unrecognised(format!("the key of `{path}` is not UTF-8")))?;
    let parameters: Vec<(String, String)> = form_urlencoded::parse(request.query.as_bytes()).into_owned().collect();
    // `x-id` repeats the operation for whoever reads logs. Other parameters make another operation of it.
    let odd = parameters
        .iter()
        .map(|(name, _)| name.as_str())
        .find(|name| *name != "x-id");
    let object = || format!("arn:aws:s3:::{bucket}/{key}");
    let call = match (request.method, key.is_empty(), odd) {
        ("GET" | "HEAD", false, None) => Call::new("s3:GetObject", object()),
        ("PUT", false, None) => Call::new("s3:PutObject", object()),
        ("DELETE", false, None) => Call::new("s3:DeleteObject", object()),
        ("GET", true, _) => {
            let call = Call::new("s3:ListBucket", bucket_arn(bucket));
            match parameters.into_iter().find(|(name, _)| name == "prefix") {
                Some((_, prefix)) => call.with(Key::Prefix, [prefix]),
                None => call,
            }
        }
        (method, ..) => {
            let problem = format!("{method} of `{path}?{}` is not evaluated here", request.query);
            return Err(Unrecognised(problem));
        }
    };
    Ok(vec![call])
}

/// S3 says that an object does not exist only to those who may list its bucket; to all others, that they may not read it.
pub(crate) fn may_know_of_absence(read: &Call) -> Option<Call> {
    let object = read.resource.strip_prefix("arn:aws:s3:::")?;
    let (bucket, _) = object.split_once('/')?;
    (read.action == "s3:GetObject").then(|| Call::new("s3:ListBucket", bucket_arn(bucket)))
}

fn bucket_arn(bucket: &str) -> String {
    format!("arn:aws:s3:::{bucket}")
}
