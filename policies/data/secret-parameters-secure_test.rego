package gitops.secret_parameters_secure_test

import rego.v1

import data.gitops.secret_parameters_secure as rule

stack(more) := {"kinds": {"ssm.parameter": {"parameter.x/ssm.parameter": more}}}

plain(name) := stack({"name": name, "type": "String", "value": "x"})

test_ordinary_names_pass if {
	every name in ["/hello/greeting", "/um/parameter.flags", "/um/token-url", "/um/password/length"] {
		count(rule.deny) == 0 with input as plain(name)
	}
}

test_the_name_of_the_stack_makes_no_secret if {
	doc := object.union(plain("/secrets/greeting"), {"stack": {"name": "secrets"}})
	count(rule.deny) == 0 with input as doc
}

test_names_of_secrets_are_told if {
	every name in ["/um/db-password", "/um/parameter.token", "/um/API_KEY", "/um/secret/x"] {
		count(rule.deny) == 1 with input as plain(name)
	}
}

test_the_parameter_is_named_and_its_value_is_not_shown if {
	some finding in rule.deny with input as stack({"name": "/um/password", "type": "String", "value": "hunter2"})
	finding.msg == "`parameter.x` is called a secret (`/um/password`), and is kept in plain text"
	finding.key == ["value"]
	not contains(json.marshal(finding), "hunter2")
}

test_what_is_encrypted_passes if {
	count(rule.deny) == 0 with input as stack({"name": "/um/password", "type": "SecureString"})
}

test_a_list_is_plain_text_too if {
	count(rule.deny) == 1 with input as stack({"name": "/um/tokens", "type": "StringList", "value": "a,b"})
}
