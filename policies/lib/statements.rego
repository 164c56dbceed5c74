# Statements of IAM documents that belong to roles.
package gitops.lib.statements

import rego.v1

# What roles may do, each with `address`, `field` (the inline policy) and `statement`. What is denied is in none of the lists.
permissions := [{"address": address, "field": ["inline_policies", name], "statement": normal(statement)} |
	some address, role in input.kinds["iam.role"]
	some name, document in role.inline_policies
	some statement in list(document.Statement)
	statement.Effect == "Allow"
]

# Who may take roles on.
trusts := [{"address": address, "field": ["assume_role_policy"], "statement": normal(statement)} |
	some address, role in input.kinds["iam.role"]
	some statement in list(role.assume_role_policy.Statement)
	statement.Effect == "Allow"
]

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

# Whether the pattern of an action, with `*` in it perhaps, takes an action in. IAM does not look at the case. A pattern with
# several `*` counts as what stands before the first and behind the last.
takes_in(pattern, action) if lower(pattern) == lower(action)

takes_in(pattern, action) if {
	contains(pattern, "*")
	pieces := split(lower(pattern), "*")
	startswith(lower(action), pieces[0])
	endswith(lower(action), pieces[count(pieces) - 1])
}

# Everything on everything: `*`, in one of its spellings.
is_any(text) if text in {"*", "*:*", "**"}

has_condition(statement) if count(object.get(statement, "Condition", {})) > 0

# Whether a condition asks for a key, by whatever operator.
asks_for(statement, key) if {
	some _, keys in statement.Condition
	some name, _ in keys
	lower(name) == lower(key)
}
