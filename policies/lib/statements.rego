# Statements of IAM documents that belong to roles.
package gitops.lib.statements

import rego.v1

# What roles may do that could be too much, each with `address`, `field` (the inline policy) and `statement`. What is denied is in
# none of the lists. Most roles have nothing of the kind: what a role may do is looked at as one text first, once for all rules.
permissions := [{"address": address, "field": ["inline_policies", name], "statement": normal(statement)} |
	some address, role in input.kinds["iam.role"]
	contains(strings.replace_n(stars, lower(json.marshal(role.inline_policies))), "*")
	some name, document in role.inline_policies
	some statement in list(document.Statement)
	regex.match(broad, json.marshal(statement))
	statement.Effect == "Allow"
	not is_without_resources(statement)
]

# A wildcard (`*`, `?`) in an action (a text with one colon) or instead of a resource, a role that is passed, or everything but
# something.
broad := `(?i)"[^":]*(:[^":]*)?[*?]|"arn:[^":]*:[*?:]*"|passrole|"Not`

# Makes a `*` of all of that in a text in lower case, and nothing of what nearly all roles have: the token for registries (see
# below), and the streams of a log group. Whatever else has a `*` is looked at closely, which takes a hundred times longer.
stars := {
	"?": "*",
	"passrole": "*",
	"\"not": "*",
	`{"action":["ecr:getauthorizationtoken"],"effect":"allow","resource":["*"]}`: "",
	`.arn}:*"`: "",
}

# Actions without resources, by AWS's service authorization reference. Allowing them on all resources is all that can be done.
without_resources := {
	"cloudwatch:putmetricdata",
	"ecr:getauthorizationtoken",
	"s3:listallmybuckets",
	"ssmmessages:createcontrolchannel",
	"ssmmessages:createdatachannel",
	"ssmmessages:opencontrolchannel",
	"ssmmessages:opendatachannel",
	"sts:getcalleridentity",
	"xray:puttelemetryrecords",
	"xray:puttracesegments",
}

is_without_resources(statement) if {
	count(statement.Action) > 0
	every action in list(statement.Action) {
		lower(action) in without_resources
	}
}

# Who may take roles on, other than AWS's services alone.
strangers := [{"address": address, "field": ["assume_role_policy"], "statement": normal(statement)} |
	count(strange) > 0
	some address, role in input.kinds["iam.role"]
	role.assume_role_policy in strange
	some statement in list(role.assume_role_policy.Statement)
	not is_plain(statement)
	statement.Effect == "Allow"
]

# Most roles have one of a few documents.
documents contains role.assume_role_policy if some role in input.kinds["iam.role"]

strange contains document if {
	some document in documents
	some statement in list(document.Statement)
	not is_plain(statement)
}

is_plain(statement) if {
	regex.match(`^\{"Service":(\["[a-z0-9.-]+"(,"[a-z0-9.-]+")*\]|"[a-z0-9.-]+")\}$`, json.marshal(statement.Principal))
	not contains(json.marshal(statement), "\"Not")
}

# IAM takes one of a thing for a list of one. The agent's specs have lists alone, other documents may not.
list(value) := value if is_array(value)

list(value) := [value] if not is_array(value)

normal(statement) := statement if is_normal(statement)

normal(statement) := object.union(statement, lists) if {
	not is_normal(statement)
	lists := {key: list(value) |
		some key in ["Action", "NotAction", "Resource", "NotResource"]
		value := statement[key]
	}
}

# As nearly all are.
is_normal(statement) if {
	is_array(statement.Action)
	not is_string(statement.Resource)
	not is_string(statement.NotResource)
}

# Whether the pattern of an action takes an action in: `*` is any characters, `?` is one. IAM does not look at the case. Whatever
# is no pattern of an action is none that AWS would take.
takes_in(pattern, action) if lower(pattern) == lower(action)

takes_in(pattern, action) if {
	regex.match(`^[A-Za-z0-9:*?-]*[*?][A-Za-z0-9:*?-]*$`, pattern)
	expression := strings.replace_n({"*": ".*", "?": "."}, lower(pattern))
	regex.match(sprintf("^%s$", [expression]), lower(action))
}

# Everything: `*` in one of its spellings, as an action or as a resource, where a partition may be named.
is_any(text) if regex.match(`^(arn:([a-z*?-]*:)?)?[*?:]*[*][*?:]*$`, text)

has_condition(statement) if count(object.get(statement, "Condition", {})) > 0

# Whether a condition asks for a key, by whatever operator.
asks_for(statement, key) if {
	some _, keys in statement.Condition
	some name, _ in keys
	lower(name) == lower(key)
}
