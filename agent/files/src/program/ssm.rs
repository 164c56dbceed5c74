//! Amazon SSM's `GetParameters`: ten names at a time, nothing decrypted.
//! See <https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParameters.html>.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use ureq::http::{Method, Uri};

use super::credentials::{Credentials, text};
use super::http::{Http, Request, Response};
use super::retry::{Clock, Failure, Patience};
use super::sigv4::Signer;
use super::{Environment, Problem, Result};

/// As many names as a call may have.
const BATCH: usize = 10;
/// As much of AWS's own words as a log line needs.
const LONGEST_MESSAGE: usize = 500;
const WAY: &str = "the task needs a way to SSM: the VPC endpoint `ssm`, a NAT gateway or a public address, and a security group \
                   that lets HTTPS out";

const NOT_AWS: &str = "what answers there is not SSM: look at AWS_ENDPOINT_URL_SSM and AWS_ENDPOINT_URL, and for a firewall that \
                       puts a certificate of its own in between";

/// What a call is made with.
pub struct Caller<'a> {
    pub http: &'a dyn Http,
    pub clock: &'a dyn Clock,
    pub patience: &'a Patience<'a>,
    pub region: &'a str,
    pub endpoint: Uri,
    pub credentials: Credentials,
}

#[derive(Deserialize)]
struct Answer {
    #[serde(rename = "Parameters", default)]
    parameters: Vec<Parameter>,
}

#[derive(Deserialize)]
struct Parameter {
    #[serde(rename = "Name")]
    name: String,
    #[serde(rename = "ARN")]
    arn: Option<String>,
    #[serde(rename = "Value")]
    value: String,
}

#[derive(Deserialize, Default)]
struct Fault {
    #[serde(rename = "__type", default)]
    kind: String,
    #[serde(alias = "Message", default)]
    message: String,
}

/// The task's region.
pub fn region(environment: Environment<'_>) -> Result<String> {
    let region = text(environment, "AWS_REGION").or_else(|| text(environment, "AWS_DEFAULT_REGION"));
    let region = region.ok_or_else(|| {
        Problem::new(
            "neither AWS_REGION nor AWS_DEFAULT_REGION is set; Amazon ECS sets them, elsewhere they must be given",
        )
    })?;
    if region.len() <= 64 && region.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
        return Ok(region);
    }
    Err(Problem::new("AWS_REGION is not a region, such as eu-west-1"))
}

/// Where SSM answers there.
pub fn endpoint(region: &str, environment: Environment<'_>) -> Result<Uri> {
    let given = text(environment, "AWS_ENDPOINT_URL_SSM").or_else(|| text(environment, "AWS_ENDPOINT_URL"));
    let url = given.unwrap_or_else(|| format!("https://ssm.{region}.{}/", suffix(region)));
    let uri = url.parse::<Uri>().ok().filter(|uri| {
        matches!(uri.scheme_str(), Some("http" | "https")) && uri.host().is_some() && uri.query().is_none()
    });
    uri.ok_or_else(|| {
        Problem::new("AWS_ENDPOINT_URL_SSM or AWS_ENDPOINT_URL is not an http or https URL without a query")
    })
}

/// The partition's domain, as botocore's `partitions.json` has it.
fn suffix(region: &str) -> &'static str {
    const SUFFIXES: [(&str, &str); 6] = [
        ("cn-", "amazonaws.com.cn"),
        ("us-iso-", "c2s.ic.gov"),
        ("us-isob-", "sc2s.sgov.gov"),
        ("us-isof-", "csp.hci.ic.gov"),
        ("eu-isoe-", "cloud.adc-e.uk"),
        ("eusc-", "amazonaws.eu"),
    ];
    SUFFIXES.iter().find(|(prefix, _)| region.starts_with(prefix)).map_or("amazonaws.com", |(_, suffix)| suffix)
}

impl Caller<'_> {
    /// The values of those of the names that exist.
    pub fn get(&self, names: &BTreeSet<String>) -> Result<BTreeMap<String, String>> {
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let mut values = BTreeMap::new();
        for batch in names.chunks(BATCH) {
            for parameter in self.patience.retry(|| self.call(batch))?.parameters {
                // Who asks by ARN (another account's parameter) is answered with the name and the ARN.
                if let Some(arn) = parameter.arn.filter(|arn| batch.contains(&arn.as_str())) {
                    values.insert(arn, parameter.value);
                } else {
                    values.insert(parameter.name, parameter.value);
                }
            }
        }
        Ok(values)
    }

    fn call(&self, names: &[&str]) -> std::result::Result<Answer, Failure> {
        let body = serde_json::json!({ "Names": names, "WithDecryption": false }).to_string().into_bytes();
        let host = self.endpoint.authority().map(|authority| authority.as_str().to_owned()).unwrap_or_default();
        let mut headers = vec![
            ("host".to_owned(), host),
            ("content-type".to_owned(), "application/x-amz-json-1.1".to_owned()),
            ("x-amz-target".to_owned(), "AmazonSSM.GetParameters".to_owned()),
        ];
        let signer =
            Signer { credentials: &self.credentials, region: self.region, service: "ssm", time: self.clock.now() };
        signer.sign("POST", self.endpoint.path(), &mut headers, &body);
        let request = Request { method: Method::POST, uri: self.endpoint.clone(), headers, body };
        let answer = self.http.send(&request).map_err(|failure| match failure {
            Failure::Transient(problem) => Failure::Transient(Problem::new(format!("{problem}; {WAY}"))),
            Failure::Final(problem) => Failure::Final(Problem::new(format!("{problem}; {NOT_AWS}"))),
            denied @ Failure::Denied(_) => denied,
        })?;
        if answer.status != 200 {
            return Err(self.refused(&answer, names));
        }
        serde_json::from_slice(&answer.body)
            .map_err(|_| Failure::Transient(Problem::new("SSM's answer to GetParameters is not what the API says")))
    }

    fn refused(&self, answer: &Response, names: &[&str]) -> Failure {
        let fault: Fault = serde_json::from_slice(&answer.body).unwrap_or_default();
        // `com.amazonaws.ssm#ThrottlingException` and `ThrottlingException:http://…` are the same error.
        let kind = fault.kind.rsplit('#').next().and_then(|kind| kind.split(':').next()).unwrap_or_default();
        let message: String =
            fault.message.chars().filter(|letter| !letter.is_control()).take(LONGEST_MESSAGE).collect();
        let said = format!("SSM GetParameters in {} answers {} {kind} ({message})", self.region, answer.status);
        match kind {
            "AccessDeniedException" | "AccessDenied" | "UnrecognizedClientException" | "InvalidClientTokenId" => {
                Failure::Denied(Problem::new(format!(
                    "{said}; the task role must allow `ssm:GetParameters` on {}",
                    names.first().copied().unwrap_or_default()
                )))
            }
            "InvalidSignatureException" | "SignatureDoesNotMatch" | "ExpiredTokenException" | "RequestExpired" => {
                Failure::Final(Problem::new(format!("{said}; look at the clock of the machine and at the credentials")))
            }
            "ThrottlingException"
            | "Throttling"
            | "ThrottledException"
            | "TooManyRequestsException"
            | "RequestLimitExceeded" => Failure::Transient(Problem::new(format!(
                "{said}; raise SSM's limit (higher throughput) or start fewer tasks"
            ))),
            _ if answer.status >= 500 || answer.status == 429 => Failure::Transient(Problem::new(said)),
            _ => Failure::Final(Problem::new(said)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::time::Duration;

    use super::super::retry::tests::FakeClock;
    use super::*;

    /// Answers from a list, the last one for ever.
    struct Fake {
        answers: Vec<(u16, &'static str)>,
        calls: RefCell<Vec<String>>,
    }

    impl Http for Fake {
        fn send(&self, request: &Request) -> std::result::Result<Response, Failure> {
            let mut calls = self.calls.borrow_mut();
            calls.push(String::from_utf8(request.body.clone()).expect("text"));
            let (status, body) = self.answers.get(calls.len() - 1).or(self.answers.last()).copied().expect("an answer");
            match status {
                0 => return Err(Failure::Transient(Problem::new("ssm.example cannot be reached"))),
                1 => return Err(Failure::Final(Problem::new("ssm.example has a wrong certificate"))),
                _ => {}
            }
            Ok(Response { status, body: body.into() })
        }
    }

    const FOUND: (u16, &str) =
        (200, r#"{"Parameters":[{"Name":"/a","Value":"1","ARN":"arn:a"}],"InvalidParameters":[]}"#);
    const THROTTLED: (u16, &str) = (400, r#"{"__type":"ThrottlingException","message":"Rate exceeded"}"#);
    const DENIED: (u16, &str) =
        (400, r#"{"__type":"com.amazonaws.ssm#AccessDeniedException","Message":"User: x is not"}"#);

    fn get(
        names: &[&str],
        answers: &[(u16, &'static str)],
    ) -> (Result<BTreeMap<String, String>>, Vec<String>, Duration) {
        let clock = FakeClock::start();
        let patience = Patience::new(&clock);
        let http = Fake { answers: answers.to_vec(), calls: RefCell::default() };
        let credentials = Credentials { key_id: "AK".into(), secret: "hidden".into(), token: None };
        let endpoint = Uri::from_static("https://ssm.example/");
        let region = "eu-west-1";
        let caller = Caller { http: &http, clock: &clock, patience: &patience, region, endpoint, credentials };
        let got = caller.get(&names.iter().map(|name| (*name).to_owned()).collect());
        drop(caller);
        (got, http.calls.into_inner(), clock.elapsed())
    }

    #[test]
    fn throttling_faults_of_aws_and_lost_connections_are_tried_again() {
        let answers =
            [THROTTLED, (0, ""), (503, "<html>"), (500, r#"{"__type":"InternalServerError"}"#), (200, "half"), FOUND];
        let (got, calls, _) = get(&["/a"], &answers);
        assert_eq!(got.expect("in the end")["/a"], "1");
        assert_eq!(calls.len(), answers.len());
        let (got, _, waited) = get(&["/a"], &[(0, "")]);
        let said = got.expect_err("given up").to_string();
        assert!(said.contains("VPC endpoint") && said.contains("tried") && waited < Duration::from_secs(100), "{said}");
    }

    #[test]
    fn a_role_that_is_not_allowed_yet_is_waited_for_half_a_minute() {
        let (got, calls, _) = get(&["/a"], &[DENIED, DENIED, FOUND]);
        assert!(got.is_ok() && calls.len() == 3);
        let (got, _, waited) = get(&["/a"], &[DENIED]);
        let said = got.expect_err("given up").to_string();
        assert!(said.contains("ssm:GetParameters` on /a") && said.contains("User: x is not"), "{said}");
        assert!(waited >= Duration::from_secs(30) && waited < Duration::from_secs(36), "{waited:?}");
    }

    #[test]
    fn what_is_wrong_for_good_is_said_at_once() {
        for kind in ["ValidationException", "ExpiredTokenException", "InvalidSignatureException"] {
            let body: &'static str = Box::leak(format!(r#"{{"__type":"{kind}","message":"m"}}"#).into_boxed_str());
            let (got, calls, _) = get(&["/a"], &[(400, body)]);
            assert!(got.expect_err(kind).to_string().contains(kind));
            assert_eq!(calls.len(), 1);
        }
    }

    #[test]
    fn what_is_not_aws_is_not_asked_again() {
        let (got, calls, _) = get(&["/a"], &[(1, "")]);
        let said = got.expect_err("given up").to_string();
        assert!(said.contains("wrong certificate; what answers there is not SSM") && calls.len() == 1, "{said}");
    }

    #[test]
    fn names_go_ten_at_a_time_and_nothing_is_decrypted() {
        let names: Vec<String> = (0..23).map(|number| format!("/p/{number:02}")).collect();
        let (got, calls, _) = get(&names.iter().map(String::as_str).collect::<Vec<_>>(), &[FOUND]);
        assert!(got.is_ok());
        let sizes: Vec<_> = calls.iter().map(|call| call.matches("/p/").count()).collect();
        assert_eq!(sizes, [10, 10, 3]);
        assert!(calls.iter().all(|call| call.contains(r#""WithDecryption":false"#)));
    }

    #[test]
    fn who_asks_by_arn_is_answered_by_arn() {
        assert_eq!(get(&["arn:a"], &[FOUND]).0.expect("found")["arn:a"], "1");
    }

    #[test]
    fn the_endpoint_is_the_regions_in_its_partition_or_the_one_that_is_given() {
        let none = |_: &str| None;
        for (region, host) in [
            ("eu-west-1", "ssm.eu-west-1.amazonaws.com"),
            ("us-gov-west-1", "ssm.us-gov-west-1.amazonaws.com"),
            ("cn-north-1", "ssm.cn-north-1.amazonaws.com.cn"),
            ("eusc-de-east-1", "ssm.eusc-de-east-1.amazonaws.eu"),
            ("us-isob-east-1", "ssm.us-isob-east-1.sc2s.sgov.gov"),
        ] {
            assert_eq!(endpoint(region, &none).expect("a URL"), format!("https://{host}/").as_str());
        }
        let given = |name: &str| (name == "AWS_ENDPOINT_URL").then(|| "http://127.0.0.1:4566".into());
        assert_eq!(endpoint("eu-west-1", &given).expect("a URL"), "http://127.0.0.1:4566/");
        for wrong in ["ftp://x/", "nothing", "http://x/?a=b"] {
            assert!(endpoint("eu-west-1", &|_| Some(wrong.into())).is_err(), "{wrong}");
        }
        assert!(region(&none).is_err() && region(&|_| Some("a/b".into())).is_err());
    }
}
