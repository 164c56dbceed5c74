//! Which service and action a request is for, read from the request alone: the signing scope, and whatever the service's
//! protocol names the action by. Unknown requests get a name too (`GET /path`), so that none goes uncounted. It does not read
//! parameters; `tests/legal/parse.py` does.

use std::sync::LazyLock;

use super::http::Request;

/// The wire protocols of AWS's services.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// Form body, XML answer (ELB, IAM, STS, RDS, Auto Scaling, SNS).
    Query,
    /// EC2's dialect of it, with errors of another form.
    Ec2,
    /// `X-Amz-Target` and JSON; the text is the content type.
    Json(&'static str),
    /// REST with XML (CloudFront, Route 53, S3).
    RestXml,
    /// REST with JSON (API Gateway, MSK, EFS).
    RestJson,
    /// Smithy RPC v2 with CBOR (`CloudWatch`).
    Cbor,
}

/// Whether a call can change anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    Read,
    Mutating,
}

impl Kind {
    pub fn name(self) -> &'static str {
        match self {
            Kind::Read => "read",
            Kind::Mutating => "mutating",
        }
    }
}

/// What a request is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name {
    /// The signing name (`elasticloadbalancing`, `logs`), which IAM's actions begin with as well.
    pub service: String,
    /// The region of the signing scope; empty in an unsigned request.
    pub region: String,
    pub action: String,
    pub protocol: Protocol,
    pub kind: Kind,
}

const FORM: &str = "application/x-www-form-urlencoded";

/// Names a request.
pub fn of(request: &Request) -> Name {
    let (region, scope) = signing_scope(request.header("authorization").unwrap_or_default());
    let (action, protocol, service) = if request.header("smithy-protocol") == Some("rpc-v2-cbor") {
        (after_last(request.path(), '/').to_owned(), Protocol::Cbor, scope)
    } else if let Some(target) = request.header("x-amz-target") {
        let version = match request.header("content-type") {
            Some("application/x-amz-json-1.0") => "application/x-amz-json-1.0",
            _ => "application/x-amz-json-1.1",
        };
        (after_last(target, '.').to_owned(), Protocol::Json(version), scope)
    } else if request.header("content-type").is_some_and(|kind| kind.starts_with(FORM)) {
        let action = form_field(&request.body, "Action").unwrap_or_else(|| request.fallback_name());
        // The only unsigned calls of these protocols are STS's, with a web identity or SAML.
        let service = if scope.is_empty() { "sts" } else { scope };
        (action, if service == "ec2" { Protocol::Ec2 } else { Protocol::Query }, service)
    } else {
        match rest_operation(scope, request) {
            Some(found) => (found.action.to_owned(), found.protocol, scope),
            None => (request.fallback_name(), Protocol::RestJson, scope),
        }
    };
    let kind = kind(service, &action);
    Name { service: service.to_owned(), region: region.to_owned(), action, protocol, kind }
}

/// Region and service of `AWS4-HMAC-SHA256 Credential=KEY/20260101/REGION/SERVICE/aws4_request, …`; `SigV4a` has no region there.
fn signing_scope(authorization: &str) -> (&str, &str) {
    let credential = authorization.split_once("Credential=").map_or("", |(_, rest)| rest);
    let parts: Vec<&str> = credential.split(',').next().unwrap_or_default().trim().split('/').collect();
    match parts[..] {
        [_, _, region, service, "aws4_request"] => (region, service),
        [_, _, service, "aws4_request"] => ("", service),
        _ => ("", ""),
    }
}

fn after_last(text: &str, separator: char) -> &str {
    text.rsplit(separator).next().unwrap_or(text)
}

/// The value of a field of a form body whose value needs no decoding (actions are plain words).
fn form_field(body: &[u8], name: &str) -> Option<String> {
    let text = std::str::from_utf8(body).ok()?;
    text.split('&')
        .filter_map(|pair| pair.split_once('='))
        .find(|(key, _)| *key == name)
        .map(|(_, value)| value.to_owned())
}

/// Words that reading actions begin with.
const READS: &[&str] = &[
    "BatchGet", "Describe", "Discover", "Download", "Filter", "Get", "Head", "List", "Lookup", "Query", "Scan",
    "Search", "Select", "Simulate", "Test", "Validate", "Verify",
];

/// Actions that only look as if they changed something.
const READS_DESPITE_NAME: &[(&str, &str)] = &[
    ("ecr", "BatchCheckLayerAvailability"),
    ("kms", "Decrypt"),
    ("kms", "Encrypt"),
    ("kms", "GenerateDataKey"),
    ("kms", "GenerateDataKeyWithoutPlaintext"),
    ("kms", "GenerateRandom"),
    ("kms", "ReEncrypt"),
    ("logs", "StartQuery"),
    ("sts", "AssumeRole"),
    ("sts", "AssumeRoleWithSAML"),
    ("sts", "AssumeRoleWithWebIdentity"),
    ("sts", "DecodeAuthorizationMessage"),
    ("wafv2", "CheckCapacity"),
];

/// Actions that change something although they begin like reads: they run the integration behind the method.
const MUTATES_DESPITE_NAME: &[(&str, &str)] =
    &[("apigateway", "TestInvokeAuthorizer"), ("apigateway", "TestInvokeMethod")];

/// Whether an action changes anything.
pub fn kind(service: &str, action: &str) -> Kind {
    if MUTATES_DESPITE_NAME.contains(&(service, action)) {
        return Kind::Mutating;
    }
    let reads = READS.iter().any(|prefix| starts_with_word(action, prefix))
        || READS_DESPITE_NAME.contains(&(service, action))
        || action.starts_with("GET ")
        || action.starts_with("HEAD ");
    if reads { Kind::Read } else { Kind::Mutating }
}

/// `GetRole` begins with the word `Get`, `Getaway` does not.
fn starts_with_word(action: &str, word: &str) -> bool {
    action.strip_prefix(word).is_some_and(|rest| !rest.starts_with(|next: char| next.is_ascii_lowercase()))
}

struct RestOperation {
    service: &'static str,
    protocol: Protocol,
    method: &'static str,
    path: Vec<&'static str>,
    query: Vec<&'static str>,
    action: &'static str,
}

/// The REST operations of AWS's models, as `tests/legal/check.py --routes` prints them (a test compares).
pub const REST_TABLE: &str = include_str!("rest_operations.txt");

static REST: LazyLock<Vec<RestOperation>> = LazyLock::new(|| REST_TABLE.lines().filter_map(rest_line).collect());

fn rest_line(line: &'static str) -> Option<RestOperation> {
    let fields: Vec<&str> = line.split(' ').collect();
    let [service, protocol, method, uri, action] = fields[..] else { return None };
    let (path, query) = uri.split_once('?').unwrap_or((uri, ""));
    Some(RestOperation {
        service,
        protocol: if protocol == "rest-xml" { Protocol::RestXml } else { Protocol::RestJson },
        method,
        path: path.trim_matches('/').split('/').collect(),
        query: query.split('&').filter(|part| !part.is_empty()).collect(),
        action,
    })
}

/// The operation whose template matches with the most fixed parts: `/2020-05-31/distribution/{Id}/config` before
/// `/2020-05-31/distribution/{Id}`, `?tagging` before none.
fn rest_operation(service: &str, request: &Request) -> Option<&'static RestOperation> {
    let path: Vec<&str> = request.path().trim_matches('/').split('/').collect();
    let query: Vec<&str> = request.query().split('&').collect();
    let copies = request.header("x-amz-copy-source").is_some();
    REST.iter()
        .filter(|operation| operation.service == service && operation.method == request.method)
        // S3 tells a copy from an upload by a header alone.
        .filter(|operation| service != "s3" || operation.action.contains("Copy") == copies)
        .filter_map(|operation| {
            Some((fixed_parts(&operation.path, &path)? + fixed_query(&operation.query, &query)?, operation))
        })
        .max_by_key(|(fixed, _)| *fixed)
        .map(|(_, operation)| operation)
}

fn fixed_parts(template: &[&str], path: &[&str]) -> Option<usize> {
    let greedy = template.last().is_some_and(|last| last.ends_with("+}"));
    if template.len() != path.len() && !(greedy && path.len() > template.len()) {
        return None;
    }
    let mut fixed = 0;
    for (wanted, given) in template.iter().zip(path) {
        match wanted.starts_with('{') {
            true if given.is_empty() => return None,
            true => {}
            false if wanted == given => fixed += 1,
            false => return None,
        }
    }
    Some(fixed)
}

fn fixed_query(template: &[&str], query: &[&str]) -> Option<usize> {
    let given = |wanted: &&str| match wanted.strip_suffix("{}") {
        Some(any_value) => query.iter().any(|part| part.starts_with(any_value)),
        None => query.iter().any(|part| part == wanted || part.strip_suffix('=') == Some(wanted)),
    };
    template.iter().all(given).then_some(template.len())
}
