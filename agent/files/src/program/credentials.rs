//! Where the task's credentials come from: from Amazon ECS, which gives those of the task's role; or, outside a task, from the
//! environment. ECS is asked first: an image may have `AWS_ACCESS_KEY_ID` of its own, and is not to choose who reads.

use std::net::IpAddr;

use serde::Deserialize;
use ureq::http::{Method, Uri};

use super::http::{Http, Request};
use super::retry::{Failure, Patience};
use super::{Environment, Problem, Result};

/// Where ECS answers; see <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-iam-roles.html>.
const ECS: &str = "http://169.254.170.2";
/// Beside loopback, what may be asked without TLS: ECS's address and EKS's, as in AWS's own SDKs.
const PLAIN_HTTP: [&str; 3] = ["169.254.170.2", "169.254.170.23", "fd00:ec2::23"];
/// A token is a few hundred characters.
const LONGEST_TOKEN: u64 = 16 * 1024;

/// What requests are signed with.
#[derive(Deserialize)]
pub struct Credentials {
    #[serde(rename = "AccessKeyId")]
    pub key_id: String,
    #[serde(rename = "SecretAccessKey")]
    pub secret: String,
    #[serde(rename = "Token")]
    pub token: Option<String>,
}

/// Finds them.
pub fn find(environment: Environment<'_>, http: &dyn Http, patience: &Patience<'_>) -> Result<Credentials> {
    if let Some(path) = text(environment, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI") {
        return ask(&format!("{ECS}{path}"), None, http, patience);
    }
    if let Some(uri) = text(environment, "AWS_CONTAINER_CREDENTIALS_FULL_URI") {
        return ask(&uri, authorization(environment)?, http, patience);
    }
    match (text(environment, "AWS_ACCESS_KEY_ID"), text(environment, "AWS_SECRET_ACCESS_KEY")) {
        (Some(key_id), Some(secret)) => {
            Ok(Credentials { key_id, secret, token: text(environment, "AWS_SESSION_TOKEN") })
        }
        _ => Err(Problem::new(
            "there are no AWS credentials: the task definition needs a task role (`taskRoleArn`) that may read the parameters",
        )),
    }
}

/// An environment variable that is set to something.
pub fn text(environment: Environment<'_>, name: &str) -> Option<String> {
    environment(name)?.into_string().ok().filter(|value| !value.is_empty())
}

fn authorization(environment: Environment<'_>) -> Result<Option<String>> {
    use std::io::Read;
    let Some(file) = text(environment, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE") else {
        return Ok(text(environment, "AWS_CONTAINER_AUTHORIZATION_TOKEN"));
    };
    let mut token = String::new();
    std::fs::File::open(&file).and_then(|open| open.take(LONGEST_TOKEN).read_to_string(&mut token)).map_err(
        |cause| {
            Problem::new(format!(
                "{file}, which AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE names, cannot be read ({cause})"
            ))
        },
    )?;
    Ok(Some(token.trim_end().to_owned()))
}

/// The address may be a secret of its own, so no message names it.
fn ask(uri: &str, authorization: Option<String>, http: &dyn Http, patience: &Patience<'_>) -> Result<Credentials> {
    let uri: Uri = uri.parse().map_err(|_| Problem::new("the address for the task's credentials is not a URL"))?;
    let host = uri.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    let loopback = host == "localhost" || host.parse().is_ok_and(|address: IpAddr| address.is_loopback());
    if uri.scheme_str() != Some("https") && !loopback && !PLAIN_HTTP.contains(&host) {
        return Err(Problem::new(format!(
            "AWS_CONTAINER_CREDENTIALS_FULL_URI asks for credentials over plain HTTP from {host}; only loopback and AWS's own \
             addresses may be asked so"
        )));
    }
    let mut headers = vec![("accept".to_owned(), "application/json".to_owned())];
    headers.extend(authorization.map(|token| ("authorization".to_owned(), token)));
    let request = Request { method: Method::GET, uri, headers, body: Vec::new() };
    patience.retry(|| {
        let answer = http.send(&request)?;
        match answer.status {
            200 => serde_json::from_slice(&answer.body).map_err(|_| {
                Failure::Final(Problem::new("what Amazon ECS answers for the task's credentials is not credentials"))
            }),
            429 | 500.. => Err(Failure::Transient(refused(answer.status))),
            status => Err(Failure::Final(refused(status))),
        }
    })
}

fn refused(status: u16) -> Problem {
    Problem::new(format!(
        "Amazon ECS gives no credentials (status {status}); look whether the task role exists and ECS may assume it"
    ))
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::super::http::Response;
    use super::super::retry::tests::FakeClock;
    use super::*;

    struct Fake {
        statuses: RefCell<Vec<u16>>,
        asked: RefCell<Vec<String>>,
    }

    impl Http for Fake {
        fn send(&self, request: &Request) -> std::result::Result<Response, Failure> {
            self.asked.borrow_mut().push(format!("{} {:?}", request.uri, request.headers.get(1)));
            let status = self.statuses.borrow_mut().pop().unwrap_or(200);
            let body = br#"{"AccessKeyId":"AK","SecretAccessKey":"hidden","Token":"T","RoleArn":"r"}"#.to_vec();
            Ok(Response { status, body })
        }
    }

    fn found(variables: &[(&str, &str)], statuses: &[u16]) -> (Result<Credentials>, Vec<String>) {
        let clock = FakeClock::start();
        let http = Fake { statuses: RefCell::new(statuses.to_vec()), asked: RefCell::default() };
        let environment = |name: &str| {
            variables.iter().find(|(variable, _)| *variable == name).map(|(_, value)| std::ffi::OsString::from(value))
        };
        let credentials = find(&environment, &http, &Patience::new(&clock));
        (credentials, http.asked.into_inner())
    }

    const KEYS: [(&str, &str); 2] = [("AWS_ACCESS_KEY_ID", "image"), ("AWS_SECRET_ACCESS_KEY", "image")];
    const FULL: &str = "AWS_CONTAINER_CREDENTIALS_FULL_URI";

    #[test]
    fn the_tasks_role_goes_before_keys_that_the_image_has() {
        let task = ("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/v2/x");
        let (credentials, asked) = found(&[KEYS[0], KEYS[1], task], &[]);
        assert_eq!(credentials.map(|it| it.key_id).expect("found"), "AK");
        assert_eq!(asked, ["http://169.254.170.2/v2/x None"]);
        let (credentials, asked) = found(&KEYS, &[]);
        assert!(credentials.is_ok_and(|it| it.key_id == "image") && asked.is_empty());
        assert!(found(&[], &[]).0.is_err_and(|problem| problem.to_string().contains("taskRoleArn")));
    }

    #[test]
    fn the_token_is_sent_and_plain_http_goes_to_aws_own_addresses_only() {
        let token = ("AWS_CONTAINER_AUTHORIZATION_TOKEN", "abc");
        for host in ["127.0.0.1:80", "localhost", "[::1]", "169.254.170.23", "[fd00:ec2::23]"] {
            let (credentials, asked) = found(&[(FULL, &format!("http://{host}/get")), token], &[]);
            assert!(credentials.is_ok(), "{host}");
            assert!(asked[0].contains(r#"("authorization", "abc")"#), "{asked:?}");
        }
        assert!(found(&[(FULL, "https://example.org/get")], &[]).0.is_ok());
        for uri in ["http://example.org/secret", "http://10.0.0.1/secret", "http://127.0.0.1.example.org/secret"] {
            let (credentials, asked) = found(&[(FULL, uri), token], &[]);
            let said = credentials.err().expect("refused").to_string();
            assert!(asked.is_empty() && said.contains("plain HTTP") && !said.contains("secret"), "{said}");
        }
    }

    #[test]
    fn an_ecs_that_is_busy_is_asked_again_and_one_that_refuses_is_not() {
        let task = ("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/v2/x");
        let (credentials, asked) = found(&[task], &[500, 429]);
        assert!(credentials.is_ok() && asked.len() == 3);
        let (credentials, asked) = found(&[task], &[404]);
        assert!(credentials.is_err_and(|problem| problem.to_string().contains("404")) && asked.len() == 1);
    }
}
