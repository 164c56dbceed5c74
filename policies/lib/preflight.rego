# The links of the preflight that do not hold, as findings. What the facts say of them is in docs/policy.md.
package gitops.lib.preflight

import rego.v1

# What a broken link is as a finding. The line is that of the component which has it.
broken(link) := object.union(place(link), {"msg": sprintf("`%s` %s, but %s%s", [
	data.gitops.lib.names.component(link.service),
	link.because,
	link.lacks,
	more(link),
])})

# What a link is as a finding of which a fact is missing.
open(link) := object.union(place(link), {
	"msg": sprintf("`%s` %s, which depends on %s%s", [
		data.gitops.lib.names.component(link.service),
		link.because,
		link.fact,
		more(link),
	]),
	"fact": link.fact,
})

# The last of very many links stands for those that are not told.
more(link) := sprintf(" (and %d more like it)", [link.more]) if link.more

more(link) := "" if not link.more

place(link) := {
	"address": link.address,
	"field": link.field,
	"component": link.line.component,
	"key": link.line.key,
	"hint": object.get(link, "hint", "name something that the stack owns, or look yourself"),
}
