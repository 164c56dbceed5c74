# Texts that are secrets by their shape, whatever they are called. What is found is named and never shown.
package gitops.lib.secrets

import rego.v1

# What a text holds, or nothing. Most texts have none of the words, and no pattern is tried on them.
found(text) := "a private key" if contains(text, "PRIVATE KEY-----")

found(text) := "an access key of AWS" if {
	not contains(text, "PRIVATE KEY-----")
	has_access_key(text)
}

found(text) := "a token" if {
	not contains(text, "PRIVATE KEY-----")
	not has_access_key(text)
	has_token(text)
}

found(text) := "a password in a URL" if {
	not contains(text, "PRIVATE KEY-----")
	not has_access_key(text)
	not has_token(text)
	has_password(text)
}

# AWS's own examples end with EXAMPLE.
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-unique-ids
has_access_key(text) if {
	some prefix in ["AKIA", "ASIA"]
	contains(text, prefix)
	some key in regex.find_n(`(AKIA|ASIA)[A-Z2-7]{16}`, text, -1)
	not endswith(key, "EXAMPLE")
}

# Of GitHub, GitLab, Slack, Stripe and npm.
token_prefixes := ["ghp_", "gho_", "ghs_", "github_pat_", "glpat-", "xoxb-", "xoxp-", "sk_live_", "rk_live_", "npm_"]

has_token(text) if {
	some prefix in token_prefixes
	contains(text, prefix)
	regex.match(sprintf(`%s[A-Za-z0-9_-]{16,}`, [prefix]), text)
}

# A password that is filled in later (`$DB_PASSWORD`, `%s`, `{password}`, `<password>`) is none, and neither are stars.
has_password(text) if {
	contains(text, "://")
	contains(text, "@")
	regex.match(`://[^/\s:@"']*:[^/\s@"'$%{<*\[][^/\s@"']*@`, text)
}
