use aws_types::service_config::{LoadServiceConfig, ServiceConfigKey};
use onecommit_config::{Reader, Setting};

/// Where AWS is, and where single services are: in the variables that every AWS SDK reads
/// (<https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html>).
#[derive(Clone, Debug, Default)]
pub(crate) struct Endpoints {
    of_all: Option<String>,
    /// By the id of the service.
    of_services: Vec<(&'static str, String)>,
}

const ENDPOINT: Setting = Setting::optional("AWS_ENDPOINT_URL", "", "Endpoint of AWS, instead of the region's own");
/// One row for all of [`OF_SERVICES`].
const SERVICE_ENDPOINT: Setting = Setting::optional(
    "AWS_ENDPOINT_URL_<SERVICE>",
    "",
    "Endpoint of one service, instead of `AWS_ENDPOINT_URL`: `DYNAMODB`, `EVENTBRIDGE`, `KMS`, `S3`, `SES`, `SNS`, `SQS` or `STS`",
);
const IGNORED: Setting = Setting::optional(
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
    "false",
    "Whether the endpoints above are ignored: `true` or `false`",
);

/// A service's id, as its SDK asks for it, and its variable.
pub(crate) const OF_SERVICES: [(&str, &str); 8] = [
    ("DynamoDB", "AWS_ENDPOINT_URL_DYNAMODB"),
    ("EventBridge", "AWS_ENDPOINT_URL_EVENTBRIDGE"),
    ("KMS", "AWS_ENDPOINT_URL_KMS"),
    ("S3", "AWS_ENDPOINT_URL_S3"),
    ("SES", "AWS_ENDPOINT_URL_SES"),
    ("SNS", "AWS_ENDPOINT_URL_SNS"),
    ("SQS", "AWS_ENDPOINT_URL_SQS"),
    ("STS", "AWS_ENDPOINT_URL_STS"),
];

impl Endpoints {
    pub(crate) fn read(reader: &mut Reader<'_>) -> Self {
        if reader.parsed(&IGNORED, yes_or_no).unwrap_or(false) {
            return Self::default();
        }
        let of_services = OF_SERVICES.map(|(id, variable)| {
            let setting = Setting {
                name: variable,
                ..SERVICE_ENDPOINT
            };
            url(reader, &setting).map(|url| (id, url))
        });
        Self {
            of_all: url(reader, &ENDPOINT),
            of_services: of_services.into_iter().flatten().collect(),
        }
    }

    /// The one of every service that has none of its own.
    pub(crate) fn of_all(&self) -> Option<&str> {
        self.of_all.as_deref()
    }

    /// The one of a service; `None` is the region's.
    pub(crate) fn of(&self, service_id: &str) -> Option<&str> {
        let own = self.of_services.iter().find(|(id, _)| *id == service_id);
        own.map(|(_, url)| url.as_str()).or(self.of_all())
    }

    /// Whether no service is reached through TLS.
    pub(crate) fn are_plain(&self) -> bool {
        let is_plain = |url: &str| url.starts_with(PLAIN);
        self.of_all().is_some_and(is_plain) && self.of_services.iter().all(|(_, url)| is_plain(url))
    }
}

/// How a client asks for its service's own.
impl LoadServiceConfig for Endpoints {
    fn load_config(&self, key: ServiceConfigKey<'_>) -> Option<String> {
        let asked = (key.env() == ENDPOINT.name).then(|| key.service_id());
        asked.and_then(|id| self.of(id)).map(str::to_owned)
    }
}

const PLAIN: &str = "http://";
const TLS: &str = "https://";

fn url(reader: &mut Reader<'_>, setting: &Setting) -> Option<String> {
    reader.parsed(setting, |text| {
        let host = text.strip_prefix(PLAIN).or(text.strip_prefix(TLS));
        let is_host = |host: &str| !host.starts_with(['/', ':']) && !host.is_empty();
        match host.is_some_and(is_host) && !text.contains(char::is_whitespace) {
            true => Ok(text.to_owned()),
            false => Err("a URL that begins with http:// or https://"),
        }
    })
}

/// In capitals or not, as in every AWS SDK.
fn yes_or_no(text: &str) -> Result<bool, &'static str> {
    text.to_ascii_lowercase().parse().map_err(|_| "true or false")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read<const N: usize>(variables: [(&'static str, &'static str); N]) -> Result<Endpoints, String> {
        let mut reader = Reader::new(&variables);
        let endpoints = Endpoints::read(&mut reader);
        reader.finish().map(|()| endpoints).map_err(|error| error.to_string())
    }

    fn asked(endpoints: &Endpoints, service_id: &str) -> Option<String> {
        let key = ServiceConfigKey::builder()
            .service_id(service_id)
            .env("AWS_ENDPOINT_URL")
            .profile("endpoint_url");
        endpoints.load_config(key.build().unwrap())
    }

    #[test]
    fn a_services_own_endpoint_comes_first() {
        let endpoints = read([
            ("AWS_ENDPOINT_URL", "http://localhost:4566"),
            ("AWS_ENDPOINT_URL_DYNAMODB", "https://localhost:8000/path"),
            ("AWS_ENDPOINT_URL_SQS", ""),
        ])
        .unwrap();
        assert_eq!(asked(&endpoints, "DynamoDB").unwrap(), "https://localhost:8000/path");
        assert_eq!(asked(&endpoints, "SQS").unwrap(), "http://localhost:4566");
        assert_eq!(endpoints.of_all(), Some("http://localhost:4566"));
    }

    #[test]
    fn every_service_has_a_variable() {
        for (id, variable) in OF_SERVICES {
            assert_eq!(variable, format!("AWS_ENDPOINT_URL_{}", id.to_uppercase()));
            let variables = [(variable, "http://localhost:1")];
            let mut reader = Reader::new(&variables);
            let endpoints = Endpoints::read(&mut reader);
            assert_eq!(asked(&endpoints, id).as_deref(), Some("http://localhost:1"));
            assert_eq!(endpoints.of_all(), None);
            assert!(SERVICE_ENDPOINT.about.contains(&id.to_uppercase()), "{id}");
        }
    }

    #[test]
    fn ignored_endpoints_are_not_read() {
        let endpoints = read([
            ("AWS_ENDPOINT_URL", "http://localhost:4566"),
            ("AWS_ENDPOINT_URL_S3", "nonsense"),
            ("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "True"),
        ])
        .unwrap();
        assert_eq!((endpoints.of_all(), asked(&endpoints, "S3")), (None, None));
        let error = read([("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "yes")]).unwrap_err();
        assert!(error.contains("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS") && error.contains("true or false"));
    }

    #[test]
    fn an_endpoint_that_is_not_a_url_is_named() {
        for nonsense in [
            "localhost:4566",
            "ftp://localhost",
            "http://",
            "https:///path",
            "http://a b",
            "://",
        ] {
            let variables = [("AWS_ENDPOINT_URL_SNS", nonsense)];
            let mut reader = Reader::new(&variables);
            Endpoints::read(&mut reader);
            let error = reader.finish().unwrap_err().to_string();
            assert!(error.contains("AWS_ENDPOINT_URL_SNS"), "{error}");
        }
    }

    #[test]
    fn tls_is_left_out_only_if_no_endpoint_needs_it() {
        let local = ("AWS_ENDPOINT_URL", "http://localhost:4566");
        assert!(read([local]).unwrap().are_plain());
        assert!(
            read([local, ("AWS_ENDPOINT_URL_S3", "http://localhost:9000")])
                .unwrap()
                .are_plain()
        );
        assert!(
            !read([local, ("AWS_ENDPOINT_URL_S3", "https://minio.internal")])
                .unwrap()
                .are_plain()
        );
        assert!(
            !read([("AWS_ENDPOINT_URL_S3", "http://localhost:9000")])
                .unwrap()
                .are_plain()
        );
        assert!(!read([]).unwrap().are_plain());
    }
}
