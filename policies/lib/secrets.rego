# Texts that are secrets by their shape, whatever they are called. What is found is named and never shown.
package gitops.lib.secrets

import rego.v1

# What a text holds, or nothing. Most texts have none of the words, and no pattern is tried on them.
found(text) := "a private key" if {
	contains(text, "PRIVATE KEY-----")
} else := "an access key of AWS" if {
	has_access_key(text)
} else := "a token" if {
	has_token(text)
} else := "a password in a URL" if {
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
tokens := {
	"ghp_": `ghp_[A-Za-z0-9]{36}`,
	"gho_": `gho_[A-Za-z0-9]{36}`,
	"ghs_": `ghs_[A-Za-z0-9]{36}`,
	"github_pat_": `github_pat_[A-Za-z0-9_]{40}`,
	"glpat-": `glpat-[A-Za-z0-9_-]{20}`,
	"xoxb-": `xoxb-[0-9]+-[A-Za-z0-9-]{8}`,
	"xoxp-": `xoxp-[0-9]+-[A-Za-z0-9-]{8}`,
	"sk_live_": `sk_live_[A-Za-z0-9]{16}`,
	"rk_live_": `rk_live_[A-Za-z0-9]{16}`,
	"npm_": `npm_[A-Za-z0-9]{36}`,
}

has_token(text) if {
	some prefix, pattern in tokens
	contains(text, prefix)
	regex.match(pattern, text)
}

# A password that is filled in later (`$DB_PASSWORD`, `%s`, `{password}`, `<password>`) is none, and neither are stars.
# Patterns are slow in one of the engines, and URLs are in most texts: this one is taken apart by hand.
has_password(text) if {
	contains(text, "://")
	contains(text, "@")
	some n, part in split(text, "://")
	n > 0
	userinfo := authority(part)
	contains(userinfo, "@")
	words := split(split(userinfo, "@")[0], ":")
	count(words) > 1
	words[1] != ""
	not strings.any_prefix_match(words[1], ["$", "%", "{", "<", "*", "["])
}

# What stands before the path, the query, the next one of several, or the end of the URL.
authority(part) := split(strings.replace_n({"?": "/", "#": "/", ",": "/", ";": "/", "\n": "/", " ": "/", "\"": "/", "'": "/"}, part), "/")[0]
