//! Where a container's image and secrets come from: what a text says about it, and which API of AWS has it.

/// An image in ECR.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct EcrImage<'a> {
    /// The registry's account.
    account: &'a str,
    /// The registry's region.
    pub(crate) region: &'a str,
    /// The repository, with its path.
    pub(crate) repository: &'a str,
}

impl<'a> EcrImage<'a> {
    /// Takes `123456789012.dkr.ecr.eu-west-1.amazonaws.com/hello:1.0.0` apart; `None` for any other registry.
    pub(crate) fn parse(image: &'a str) -> Option<Self> {
        let (registry, rest) = image.split_once('/')?;
        let registry = registry.strip_suffix(".cn").unwrap_or(registry).strip_suffix(".amazonaws.com")?;
        let (account, rest_of_registry) = registry.split_once(".dkr.")?;
        let region = rest_of_registry.strip_prefix("ecr.").or_else(|| rest_of_registry.strip_prefix("ecr-fips."))?;
        let whole = account.len() == 12 && account.bytes().all(|b| b.is_ascii_digit()) && !region.contains('.');
        let repository = rest.split('@').next().unwrap_or(rest);
        let repository = match repository.rsplit_once(':') {
            Some((name, _)) => name,
            None => repository,
        };
        (whole && !repository.is_empty()).then_some(Self { account, region, repository })
    }

    /// The repository's ARN.
    pub(crate) fn arn(&self, partition: &str) -> String {
        format!("arn:{partition}:ecr:{}:{}:repository/{}", self.region, self.account, self.repository)
    }
}

/// What a value under `secrets` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum SecretSource {
    /// A component of the stack, and the key of the JSON that it holds.
    Component(String, Option<String>),
    /// The ARN of a parameter.
    Parameter(String),
    /// The ARN of a secret, and what ECS calls `valueFrom`.
    Secret(String, String),
    /// The ARN of something else.
    Other,
}

impl SecretSource {
    /// Takes a value under `secrets` apart.
    pub(super) fn parse(text: &str) -> Self {
        if !text.starts_with("arn:") {
            return match text.split_once(':') {
                Some((component, key)) => Self::Component(component.into(), Some(key.into())),
                None => Self::Component(text.into(), None),
            };
        }
        let parts: Vec<&str> = text.split(':').collect();
        match parts.as_slice() {
            ["arn", _, "ssm", _, _, name] if name.starts_with("parameter/") => Self::Parameter(text.into()),
            ["arn", _, "secretsmanager", _, _, "secret", name, rest @ ..] if !name.is_empty() && rest.len() <= 3 => {
                let arn = parts[..7].join(":");
                // ECS wants key, stage and version, each of them perhaps empty, or none of the three.
                let value_from = match rest {
                    [] => arn.clone(),
                    rest => format!("{arn}:{}{}", rest.join(":"), ":".repeat(3 - rest.len())),
                };
                Self::Secret(arn, value_from)
            }
            _ => Self::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_of_ecr_are_told_from_others() {
        let arn = |image: &str| EcrImage::parse(image).map(|image| image.arn("aws"));
        let registry = "123456789012.dkr.ecr.eu-west-1.amazonaws.com";
        let expected = Some("arn:aws:ecr:eu-west-1:123456789012:repository/team/hello".to_owned());
        assert_eq!(arn(&format!("{registry}/team/hello:1.0.0")), expected);
        assert_eq!(arn(&format!("{registry}/team/hello@sha256:0123")), expected);
        assert_eq!(arn(&format!("{registry}/team/hello:1.0.0@sha256:0123")), expected);
        assert_eq!(arn(&format!("{registry}/team/hello")), expected);
        for other in ["nginx:1", "ghcr.io/a/b:1", "public.ecr.aws/a/b:1", "123.dkr.ecr.eu-west-1.amazonaws.com/a:1"] {
            assert_eq!(arn(other), None, "{other}");
        }
        let china = EcrImage::parse("123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn/hello:1").unwrap();
        assert_eq!(china.arn("aws-cn"), "arn:aws-cn:ecr:cn-north-1:123456789012:repository/hello");
    }

    #[test]
    fn a_key_of_a_secret_is_written_as_ecs_takes_it() {
        let arn = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:db-AbCdEf";
        let value_from = |text: &str| match SecretSource::parse(text) {
            SecretSource::Secret(of, value_from) if of == arn => value_from,
            other => panic!("{other:?}"),
        };
        assert_eq!(value_from(arn), arn);
        assert_eq!(value_from(&format!("{arn}:password")), format!("{arn}:password::"));
        assert_eq!(value_from(&format!("{arn}:password::")), format!("{arn}:password::"));
        assert_eq!(value_from(&format!("{arn}::AWSPREVIOUS:")), format!("{arn}::AWSPREVIOUS:"));
        assert_eq!(SecretSource::parse("arn:aws:s3:::bucket"), SecretSource::Other);
        assert_eq!(
            SecretSource::parse("database.main:password"),
            SecretSource::Component("database.main".into(), Some("password".into()))
        );
    }
}
