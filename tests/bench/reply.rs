//! AWS's errors as each service sends them: the code and status of the service, in its protocol. Sources: the "Common errors"
//! page of each service's API reference, EC2's "Error codes", and the errors of the service models. No answers of success.

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_types::body::SdkBody;
use serde_json::json;

use super::fault::What;
use super::http::Request;
use super::name::{Name, Protocol};

/// A code and its HTTP status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceError {
    pub code: String,
    pub status: u16,
}

impl ServiceError {
    fn new(code: &str, status: u16) -> ServiceError {
        ServiceError { code: code.to_owned(), status }
    }
}

/// The error that a fault stands for at that service; `None` for the faults that are no answers.
pub fn error(what: &What, name: &Name) -> Option<ServiceError> {
    match what {
        What::Throttle => Some(throttled(name)),
        What::Internal500 => Some(internal(name)),
        What::AccessDenied => Some(denied(name)),
        What::ExpiredToken => Some(expired(name)),
        What::NotFound(code) => Some(ServiceError::new(code, not_found_status(name.protocol))),
        What::Conflict(code) => Some(ServiceError::new(code, conflict_status(name.protocol))),
        What::Error { code, status } => Some(ServiceError::new(code, *status)),
        What::CrashBefore
        | What::CrashAfter
        | What::CrashAnswered
        | What::LostAnswer
        | What::Timeout
        | What::Answer(_)
        | What::Delay(_) => None,
    }
}

fn throttled(name: &Name) -> ServiceError {
    let (code, status) = match (name.service.as_str(), name.protocol) {
        ("s3", _) => ("SlowDown", 503),
        ("apigateway" | "kafka" | "elasticfilesystem", _) => ("TooManyRequestsException", 429),
        ("servicediscovery", _) => ("RequestLimitExceeded", 400),
        ("tagging", _) => ("ThrottledException", 400),
        (_, Protocol::Ec2) => ("RequestLimitExceeded", 503),
        (_, Protocol::Query | Protocol::RestXml) => ("Throttling", 400),
        (_, Protocol::RestJson) => ("TooManyRequestsException", 429),
        (_, Protocol::Json(_) | Protocol::Cbor) => ("ThrottlingException", 400),
    };
    ServiceError::new(code, status)
}

fn internal(name: &Name) -> ServiceError {
    let code = match (name.service.as_str(), name.protocol) {
        ("ecs" | "ecr", _) => "ServerException",
        ("ssm" | "dynamodb" | "elasticfilesystem", _) => "InternalServerError",
        ("iam", _) => "ServiceFailure",
        ("secretsmanager", _) => "InternalServiceError",
        ("kms", _) => "KMSInternalException",
        ("application-autoscaling" | "tagging", _) => "InternalServiceException",
        ("kafka", _) => "InternalServerErrorException",
        ("wafv2", _) => "WAFInternalErrorException",
        ("monitoring", _) => "InternalServiceFault",
        (_, Protocol::Ec2) | ("s3", _) => "InternalError",
        _ => "InternalFailure",
    };
    ServiceError::new(code, 500)
}

fn denied(name: &Name) -> ServiceError {
    match name.protocol {
        Protocol::Ec2 => ServiceError::new("UnauthorizedOperation", 403),
        Protocol::Query | Protocol::RestXml => ServiceError::new("AccessDenied", 403),
        Protocol::Json(_) | Protocol::Cbor => ServiceError::new("AccessDeniedException", 400),
        Protocol::RestJson => ServiceError::new("AccessDeniedException", 403),
    }
}

fn expired(name: &Name) -> ServiceError {
    match (name.service.as_str(), name.protocol) {
        ("s3", _) => ServiceError::new("ExpiredToken", 400),
        (_, Protocol::Ec2) => ServiceError::new("RequestExpired", 400),
        (_, Protocol::Query | Protocol::RestXml) => ServiceError::new("ExpiredToken", 403),
        (_, Protocol::Json(_) | Protocol::Cbor) => ServiceError::new("ExpiredTokenException", 400),
        (_, Protocol::RestJson) => ServiceError::new("ExpiredTokenException", 403),
    }
}

fn not_found_status(protocol: Protocol) -> u16 {
    match protocol {
        Protocol::Ec2 | Protocol::Json(_) | Protocol::Cbor => 400,
        Protocol::Query | Protocol::RestXml | Protocol::RestJson => 404,
    }
}

fn conflict_status(protocol: Protocol) -> u16 {
    match protocol {
        Protocol::Ec2 | Protocol::Json(_) | Protocol::Cbor => 400,
        Protocol::Query | Protocol::RestXml | Protocol::RestJson => 409,
    }
}

const REQUEST_ID: &str = "00000000-0000-4000-8000-000000000000";
const MESSAGE: &str = "injected by the test";

/// The answer that carries an error.
pub fn response(error: &ServiceError, name: &Name, request: &Request) -> HttpResponse {
    let ServiceError { code, status } = error;
    let sender = if *status < 500 { "Sender" } else { "Receiver" };
    let mut headers = vec![("x-amzn-requestid", REQUEST_ID.to_owned())];
    let body = match name.protocol {
        Protocol::Ec2 => format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Response><Errors><Error><Code>{code}</Code><Message>{MESSAGE}</Message>\
             </Error></Errors><RequestID>{REQUEST_ID}</RequestID></Response>"
        ),
        Protocol::RestXml if name.service == "s3" => format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code><Message>{MESSAGE}</Message>\
             <RequestId>{REQUEST_ID}</RequestId></Error>"
        ),
        Protocol::Query | Protocol::RestXml => format!(
            "<ErrorResponse><Error><Type>{sender}</Type><Code>{code}</Code><Message>{MESSAGE}</Message></Error>\
             <RequestId>{REQUEST_ID}</RequestId></ErrorResponse>"
        ),
        Protocol::Json(_) => json!({ "__type": code, "message": MESSAGE }).to_string(),
        Protocol::RestJson => {
            headers.push(("x-amzn-errortype", code.clone()));
            json!({ "message": MESSAGE }).to_string()
        }
        Protocol::Cbor => {
            headers.push(("smithy-protocol", "rpc-v2-cbor".to_owned()));
            if request.header("x-amzn-query-mode") == Some("true") {
                headers.push(("x-amzn-query-error", format!("{code};{sender}")));
            }
            return build(*status, "application/cbor", &headers, cbor_error(code));
        }
    };
    let content = match name.protocol {
        Protocol::Json(content) => content,
        Protocol::RestJson => "application/json",
        Protocol::Ec2 => "text/xml;charset=UTF-8",
        Protocol::Query | Protocol::RestXml | Protocol::Cbor => "text/xml",
    };
    build(*status, content, &headers, body.into_bytes())
}

fn build(status: u16, content: &'static str, headers: &[(&'static str, String)], body: Vec<u8>) -> HttpResponse {
    let status = StatusCode::try_from(status).expect("a fault has an HTTP status");
    let mut response = HttpResponse::new(status, SdkBody::from(body));
    response.headers_mut().insert("content-type", content);
    for (name, value) in headers {
        response.headers_mut().insert(*name, value.clone());
    }
    response
}

/// `{"__type": "com.amazonaws#CODE", "message": …}` in CBOR (RFC 8949): a map of two pairs of texts.
fn cbor_error(code: &str) -> Vec<u8> {
    let mut bytes = vec![0xa2];
    for text in ["__type", &format!("com.amazonaws#{code}"), "message", MESSAGE] {
        let length = u8::try_from(text.len()).expect("error codes are short");
        // Major type 3, with a one-byte length (or in the first byte below 24).
        if length < 24 {
            bytes.push(0x60 | length);
        } else {
            bytes.extend([0x78, length]);
        }
        bytes.extend(text.as_bytes());
    }
    bytes
}
