# What resources and components are called. Functions of libraries are called by their full path,
# `data.gitops.lib.names.component(…)`: one of the engines does not look behind an import for functions.
package gitops.lib.names

import rego.v1

# The component that makes a resource: `service.web` of `service.web/ecs.service`.
component(address) := split(address, "/")[0]

# The name of a component: `web` of `service.web`.
name(component) := concat(".", array.slice(split(component, "."), 1, 100))

# What a component is called in a message.
called(address) := sprintf("`%s`", [component(address)])
