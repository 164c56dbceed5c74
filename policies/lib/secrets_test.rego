package gitops.lib.secrets_test

import rego.v1

# Nothing that looks like a secret stands in a file of the repository: the texts are put together here.
access_key := concat("", ["AKIA", "QRSTUVWXYZ234567"])

test_ordinary_texts_hold_none if {
	every text in ["info", "http://inbox:80", "https://example.org/a@b", "12:30", "user@example.org", "arn:aws:iam::123456789012:role/x", ""] {
		not data.gitops.lib.secrets.found(text)
	}
}

test_an_access_key_is_found if {
	data.gitops.lib.secrets.found(access_key) == "an access key of AWS"
	data.gitops.lib.secrets.found(sprintf("key=%s;", [access_key])) == "an access key of AWS"
}

test_an_example_of_aws_is_none if {
	not data.gitops.lib.secrets.found("AKIAIOSFODNN7EXAMPLE")
	not data.gitops.lib.secrets.found("AKIA")
}

test_a_private_key_is_found if {
	data.gitops.lib.secrets.found(concat("", ["-----BEGIN RSA ", "PRIVATE KEY-----\nMII"])) == "a private key"
	not data.gitops.lib.secrets.found("-----BEGIN CERTIFICATE-----\nMII")
}

test_a_token_is_found if {
	data.gitops.lib.secrets.found(concat("", ["ghp_", "0123456789abcdef0123456789abcdef0123"])) == "a token"
	data.gitops.lib.secrets.found(concat("", ["xoxb-", "0123456789-abcdefghij"])) == "a token"
	not data.gitops.lib.secrets.found("npm_config_fetch_retry_maxtimeout_milliseconds")
}

test_a_password_in_a_url_is_found if {
	data.gitops.lib.secrets.found("postgres://app:hunter2@db:5432/app") == "a password in a URL"
	data.gitops.lib.secrets.found("redis://:hunter2@cache") == "a password in a URL"
	data.gitops.lib.secrets.found("http://a/b,https://x:y@c/d") == "a password in a URL"
	data.gitops.lib.secrets.found("mongodb://app:hunter2@a:27017,b:27017/db?x=y") == "a password in a URL"
	data.gitops.lib.secrets.found("URL='https://x:y@c'") == "a password in a URL"
}

test_a_password_that_is_filled_in_later_is_none if {
	every text in ["postgres://app:$DB_PASSWORD@db", "postgres://app:${DB_PASSWORD}@db", "postgres://%s:%s@db", "amqp://{user}:{password}@mq", "https://user:<password>@x", "postgres://app:****@db", "postgres://app@db/app", "http://a:80/b@c", "http://a:80\nuser@example.org", "http://a:80 user@example.org", "git@example.org:a/b", "jdbc:sqlserver://db:1433;user=a@b", "http://a:80,http://b:80,c@d", "http://a:80?mail=b@c", "mailto://a:@b"] {
		not data.gitops.lib.secrets.found(text)
	}
}
