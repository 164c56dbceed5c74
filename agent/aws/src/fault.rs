//! From the errors of the SDKs to the engine's classes of fault. The one place that knows AWS's error codes.

use std::error::Error;

use agent_core::fault::{Class, Fault};
use aws_credential_types::provider::error::CredentialsError;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_runtime_api::http::Headers;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

/// Turns an SDK error into a fault: `.map_err(fault("ssm:PutParameter"))`.
pub fn fault<E>(action: &'static str) -> impl Fn(SdkError<E, HttpResponse>) -> Fault
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    move |error| fault_of(action, &error)
}

/// The fault that an SDK error is.
pub(crate) fn fault_of<E>(action: &'static str, error: &SdkError<E, HttpResponse>) -> Fault
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    // No role, no credentials: the call was not made, and what was refused is another one.
    if let Some(role) = causes(error).find_map(<dyn Error>::downcast_ref::<Fault>) {
        return role.clone();
    }
    let (code, message, status) = match error {
        SdkError::ServiceError(service) => {
            let meta = service.err().meta();
            let status = service.raw().status().as_u16();
            (meta.code().map(str::to_owned), meta.message().map(str::to_owned), Some(status))
        }
        other => (None, Some(chain(other)), None),
    };
    let message = message.unwrap_or_default();
    let class = match (&code, status) {
        (Some(code), status) => class_of(code, &message, status.unwrap_or_default()),
        (None, Some(status)) if status >= 500 => Class::Unavailable,
        (None, Some(404)) => Class::NotFound,
        (None, Some(429)) => Class::Throttled,
        (None, Some(_)) => Class::Invalid,
        (None, None) => unanswered(error),
    };
    Fault {
        class,
        action: action.into(),
        code: code.unwrap_or_else(|| match status {
            Some(status) => format!("HTTP {status}"),
            None if class == Class::Credentials => "NoCredentials".into(),
            None => "NoAnswer".into(),
        }),
        message,
        request_id: request_id(error),
    }
}

/// An error and what caused it.
pub(crate) fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |at: &&'a (dyn Error + 'static)| (*at).source())
}

/// An answer without a field that AWS's model calls required, or that we asked for.
pub fn lacks(action: &'static str, field: &str) -> Fault {
    Fault::new(Class::Unavailable, action, "IncompleteAnswer", format!("the answer has no `{field}`"))
}

/// Not there, as an answer like any other.
pub(crate) fn unless_gone<T>(answer: Result<T, Fault>) -> Result<Option<T>, Fault> {
    match answer {
        Ok(found) => Ok(Some(found)),
        Err(fault) if fault.class == Class::NotFound => Ok(None),
        Err(fault) => Err(fault),
    }
}

/// A text of a spec whose references the executor has resolved: it sends no step before.
pub fn plain(action: &'static str, text: &agent_core::reference::Text) -> Result<String, Fault> {
    text.plain().ok_or_else(|| Fault::new(Class::Invalid, action, "OpenReference", "a reference is not resolved"))
}

fn request_id<E>(error: &SdkError<E, HttpResponse>) -> Option<String> {
    request_id_of(error.raw_response()?.headers()).map(str::to_owned)
}

/// The id that AWS gave a request; services differ in how they call it.
pub(crate) fn request_id_of(headers: &Headers) -> Option<&str> {
    ["x-amzn-requestid", "x-amz-request-id"].iter().find_map(|name| headers.get(*name))
}

fn unanswered<E>(error: &SdkError<E, HttpResponse>) -> Class
where
    E: Error + Send + Sync + 'static,
{
    if causes(error).any(<dyn Error>::is::<CredentialsError>) {
        return Class::Credentials;
    }
    match error {
        SdkError::ConstructionFailure(_) => Class::Invalid,
        // "The request MAY have been sent": it counts as carried out until a look shows that it was not.
        _ => Class::Lost,
    }
}

/// All causes in one line: the SDK's own message is only "dispatch failure".
pub fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    for at in causes(error).skip(1) {
        let more = at.to_string();
        if !text.contains(&more) {
            text.push_str(": ");
            text.push_str(&more);
        }
    }
    text
}

/// The class of an error code. Codes differ by service; what they have in common is how they are spelled.
pub fn class_of(code: &str, message: &str, status: u16) -> Class {
    if let Some(class) = told_by_ecs(code, message) {
        return class;
    }
    let is = |names: &[&str]| names.contains(&code);
    let has = |part: &str| code.contains(part);
    if is(&[
        "ExpiredToken",
        "ExpiredTokenException",
        "RequestExpired",
        "InvalidClientTokenId",
        "UnrecognizedClientException",
        "InvalidAccessKeyId",
        "SignatureDoesNotMatch",
        "IncompleteSignature",
        "MissingAuthenticationToken",
        "AuthFailure",
    ]) {
        Class::Credentials
    } else if has("AccessDenied") || is(&["UnauthorizedOperation", "AuthorizationError", "OptInRequired"]) {
        Class::Denied
    } else if has("Throttl") || is(&["RequestLimitExceeded", "TooManyRequestsException", "TooManyUpdates", "SlowDown"])
    {
        Class::Throttled
    } else if has("NotFound") || is(&["NoSuchEntity", "NoSuchDistribution", "NoSuchResource"]) {
        Class::NotFound
    } else if has("InUse") && code != "PriorityInUse"
        || code.starts_with("ClusterContains")
        || is(&["DependencyViolation", "DeleteConflict"])
    {
        Class::InUse
    } else if has("AlreadyExists")
        || has("Duplicate") && code != "DuplicateRequest"
        || is(&["PriorityInUse", "InvalidSubnet.Conflict"])
    {
        Class::Exists
    } else if is(&[
        "ConcurrentModification",
        "ConcurrentModificationException",
        "ConcurrentAccess",
        "ConflictException",
        "IncorrectState",
        "IncorrectInstanceState",
        "OperationAborted",
        "OperationAbortedException",
        "UpdateInProgressException",
        "UnmodifiableEntity",
        "EntityTemporarilyUnmodifiable",
        "PreconditionFailed",
        "InvalidIfMatchVersion",
        "DistributionNotDisabled",
        // "The operation is already in progress": Cloud Map.
        "DuplicateRequest",
    ]) || not_yet(message)
    {
        Class::Conflict
    } else if has("LimitExceeded")
        || has("QuotaExceeded")
        || code.starts_with("TooMany")
        || code.ends_with("AssociationLimit")
    {
        Class::Limit
    } else if status >= 500 || is(&["InternalError", "InternalFailure", "InternalServerError", "ServiceUnavailable"]) {
        Class::Unavailable
    } else {
        Class::Invalid
    }
}

/// ECS has two codes for nearly everything that it refuses; which it is stands in the sentence alone.
fn told_by_ecs(code: &str, message: &str) -> Option<Class> {
    if code == "ServiceNotActiveException" {
        return Some(Class::NotFound);
    }
    if !["ClientException", "InvalidParameterException"].contains(&code) {
        return None;
    }
    let lower = message.to_lowercase();
    let has = |sentences: &[&str]| sentences.iter().any(|words| lower.contains(words));
    let gone = ["unable to describe task definition", "unable to find task definition", "definition is inactive"];
    let busy = [
        "does not have an associated load balancer",
        "still draining",
        "too many concurrent attempts to create a new revision",
        "role is not valid",
        "verify that the ecs service role being passed has the proper permissions",
    ];
    if has(&gone) {
        Some(Class::NotFound)
    } else if has(&["creation of service was not idempotent"]) {
        Some(Class::Exists)
    } else if has(&busy) {
        Some(Class::Conflict)
    } else {
        None
    }
}

/// What AWS says while a role that was just made has not reached every service: the code is that of a bad parameter.
fn not_yet(message: &str) -> bool {
    let lower = message.to_lowercase();
    [
        "unable to assume",
        "cannot be assumed",
        "invalid principal in policy",
        "is not authorized to perform: sts:assumerole",
        "service linked role",
    ]
    .iter()
    .any(|words| lower.contains(words))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ecs_tells_only_in_words_falls_into_its_class() {
        let group = "The target group with targetGroupArn arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/\
            hello/6d0ecf831eec9f09 does not have an associated load balancer.";
        let cases = [
            ("InvalidParameterException", group, Class::Conflict),
            ("InvalidParameterException", "Unable to Start a service that is still Draining.", Class::Conflict),
            ("InvalidParameterException", "Creation of service was not idempotent.", Class::Exists),
            (
                "ClientException",
                "ECS was unable to assume the role 'arn:aws:iam::123456789012:role/x' that was provided for this task.",
                Class::Conflict,
            ),
            (
                "ClientException",
                "Too many concurrent attempts to create a new revision of the specified family.",
                Class::Conflict,
            ),
            ("ClientException", "Unable to describe task definition.", Class::NotFound),
            ("ClientException", "TaskDefinition is inactive", Class::NotFound),
            ("ClientException", "No Fargate configuration exists for given values.", Class::Invalid),
            ("ValidationException", "does not have an associated load balancer", Class::Invalid),
        ];
        for (code, message, class) in cases {
            assert_eq!(class_of(code, message, 400), class, "{message}");
        }
    }

    #[test]
    fn codes_of_all_services_fall_into_their_classes() {
        let cases = [
            ("ParameterNotFound", Class::NotFound),
            ("InvalidVpcID.NotFound", Class::NotFound),
            ("NoSuchEntity", Class::NotFound),
            ("NoSuchDistribution", Class::NotFound),
            ("NoSuchCachePolicy", Class::Invalid),
            ("DistributionAlreadyExists", Class::Exists),
            ("CNAMEAlreadyExists", Class::Exists),
            ("PreconditionFailed", Class::Conflict),
            ("DistributionNotDisabled", Class::Conflict),
            ("DuplicateRequest", Class::Conflict),
            ("NamespaceAlreadyExists", Class::Exists),
            ("TooManyDistributions", Class::Limit),
            ("TargetGroupNotFound", Class::NotFound),
            ("ParameterAlreadyExists", Class::Exists),
            ("EntityAlreadyExists", Class::Exists),
            ("DuplicateTargetGroupName", Class::Exists),
            ("PriorityInUse", Class::Exists),
            ("InvalidGroup.Duplicate", Class::Exists),
            ("DependencyViolation", Class::InUse),
            ("ResourceInUse", Class::InUse),
            ("DeleteConflict", Class::InUse),
            ("ClusterContainsServicesException", Class::InUse),
            ("ClusterContainsTasksException", Class::InUse),
            ("ClusterContainsContainerInstancesException", Class::InUse),
            ("ClusterContainsCapacityProviderException", Class::InUse),
            ("ClusterNotFoundException", Class::NotFound),
            ("ServiceNotFoundException", Class::NotFound),
            ("ServiceNotActiveException", Class::NotFound),
            ("NamespaceNotFoundException", Class::NotFound),
            ("ClientException", Class::Invalid),
            ("PlatformTaskDefinitionIncompatibilityException", Class::Invalid),
            ("UpdateInProgressException", Class::Conflict),
            ("ResourceAlreadyExistsException", Class::Exists),
            ("OperationAbortedException", Class::Conflict),
            ("UnmodifiableEntity", Class::Conflict),
            ("MalformedPolicyDocument", Class::Invalid),
            ("LimitExceeded", Class::Limit),
            ("RequestLimitExceeded", Class::Throttled),
            ("ThrottlingException", Class::Throttled),
            ("VpcLimitExceeded", Class::Limit),
            ("TooManyListeners", Class::Limit),
            ("TargetGroupAssociationLimit", Class::Limit),
            ("UnauthorizedOperation", Class::Denied),
            ("AccessDeniedException", Class::Denied),
            ("ExpiredTokenException", Class::Credentials),
            ("ValidationException", Class::Invalid),
            ("InvalidParameterValue", Class::Invalid),
        ];
        for (code, class) in cases {
            assert_eq!(class_of(code, "", 400), class, "{code}");
        }
        assert_eq!(class_of("InternalError", "", 500), Class::Unavailable);
        let role = "Unable to assume the service linked role. Please verify that the ECS service linked role exists.";
        assert_eq!(class_of("InvalidParameterException", role, 400), Class::Conflict);
        let principal = "Invalid principal in policy: \"AWS\":\"arn:aws:iam::111122223333:role/fresh\"";
        assert_eq!(class_of("MalformedPolicyDocument", principal, 400), Class::Conflict);
    }
}
