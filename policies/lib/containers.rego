# The containers of a task definition, and where the manifest says what they are.
package gitops.lib.containers

import rego.v1

# Those that the agent adds to bring config files. Nobody writes them, and no sidecar can be called so.
agents := {"agent-files", "agent-files-program"}

# Where the image, the variables and the arguments of a container are written.
key(address, name, words) := words if is_main(address, name)

key(address, name, words) := array.concat(["sidecar", name], words) if not is_main(address, name)

# Where the rest of it is.
more(address, name, words) := array.concat(["container"], words) if is_main(address, name)

more(address, name, words) := array.concat(["sidecar", name], words) if not is_main(address, name)

# Where the value of a variable is written: among the variables, or in the file of them.
variable(address, name, word) := key(address, name, ["env", word]) if is_written(address, name, word)

variable(address, name, word) := key(address, name, ["env_file"]) if not is_written(address, name, word)

is_written(address, name, word) if {
	table := input.manifest[data.gitops.lib.names.component(address)]
	object.get(table, key(address, name, ["env", word]), null) != null
}

# What a container is called in a message.
called(address, name) := data.gitops.lib.names.called(address) if is_main(address, name)

called(address, name) := sprintf("the container `%s` of `%s`", [name, data.gitops.lib.names.component(address)]) if {
	not is_main(address, name)
}

# The application itself is called as its service.
is_main(address, name) if data.gitops.lib.names.name(data.gitops.lib.names.component(address)) == name
