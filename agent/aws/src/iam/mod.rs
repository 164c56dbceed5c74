//! Identity and Access Management: tags, and the documents that IAM gives URL-encoded.

mod role;

use std::collections::BTreeMap;

use agent_core::fault::{Class, Fault};
use agent_core::live::Mark;
use agent_model::kinds::iam::policy::PolicyDocument;
use aws_sdk_iam::types::Tag;
use percent_encoding::percent_decode_str;

/// Our tags and the manifest's, as calls take them.
fn tags(mark: &Mark, wanted: &BTreeMap<String, String>) -> Result<Vec<Tag>, Fault> {
    let tag = |(key, value): (String, String)| Tag::builder().key(key).value(value).build();
    let refused =
        |error: aws_sdk_iam::error::BuildError| Fault::new(Class::Invalid, "iam:TagRole", "BadTag", error.to_string());
    mark.tags(wanted).into_iter().map(tag).collect::<Result<_, _>>().map_err(refused)
}

/// Tags as answers have them.
fn tag_map(tags: Vec<Tag>) -> BTreeMap<String, String> {
    tags.into_iter().map(|tag| (tag.key, tag.value)).collect()
}

/// The document in an answer: "URL-encoded compliant with RFC 3986". `of` says whose it is.
fn document(action: &'static str, of: &str, encoded: &str) -> Result<PolicyDocument, Fault> {
    let unreadable = |cause: String| {
        Fault::new(
            Class::Unavailable,
            action,
            "UnreadablePolicy",
            format!("the policy of {of} cannot be read: {cause}"),
        )
    };
    let text = percent_decode_str(encoded).decode_utf8().map_err(|error| unreadable(error.to_string()))?;
    PolicyDocument::from_json(&text).map_err(|error| {
        let cause = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
        unreadable(cause)
    })
}

/// A document as calls take it.
fn json(action: &str, document: &PolicyDocument) -> Result<String, Fault> {
    document.to_json().map_err(|error| Fault::new(Class::Invalid, action, "BadPolicy", error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_read_as_iam_encodes_it() {
        let encoded = "%7B%22Version%22%3A%222012-10-17%22%2C%22Statement%22%3A%7B%22Effect%22%3A%22Allow%22%2C\
            %22Action%22%3A%22s3%3AGet%2A%22%2C%22Resource%22%3A%22arn%3Aaws%3As3%3A%3A%3Aa%2Bb%20c%22%7D%7D";
        let document = document("iam:GetRolePolicy", "web", encoded).unwrap();
        assert_eq!(document, PolicyDocument::allow(["s3:Get*"], ["arn:aws:s3:::a+b c"]));
    }

    #[test]
    fn what_cannot_be_read_is_a_fault_that_names_the_role() {
        for encoded in ["%FF", "%7B", ""] {
            let fault = document("iam:GetRolePolicy", "web/main", encoded).unwrap_err();
            assert!(fault.message.contains("web/main"), "{fault}");
        }
    }
}
