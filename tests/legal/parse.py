"""Reads a recorded request back into the parameters that its operation's input shape describes.

The opposite of botocore's serializers, for query, ec2, json, rest-json, rest-xml and rpc-v2-cbor. What cannot be read raises
`Unparsable`; unknown members go on under their wire names, for check.py to report. It judges no values.
"""

import base64
import json
import urllib.parse
import xml.etree.ElementTree

import cbor2
import regex
from botocore.utils import parse_timestamp


class Unparsable(Exception):
    """The wire form cannot be read as the operation's input: (path, reason)."""


# --- scalars -------------------------------------------------------------------------------------------------------------


def scalar(shape, text, path):
    """A value of the shape's Python type from text, as the query and XML forms and URIs carry it."""
    kind = shape.type_name
    try:
        if kind in ("integer", "long"):
            return int(text)
        if kind in ("float", "double"):
            return float(text)
        if kind == "boolean":
            return {"true": True, "false": False}[text]
        if kind == "timestamp":
            return parse_timestamp(text)
        if kind == "blob":
            return base64.b64decode(text, validate=True)
    except (ValueError, KeyError):
        raise Unparsable(path, f"{text!r} is not a {kind}") from None
    return text


# --- query and ec2 -------------------------------------------------------------------------------------------------------


def tree(pairs):
    """Dotted keys as nested dicts; a leaf is text."""
    root = {}
    for key, value in pairs:
        node, parts = root, key.split(".")
        for part in parts[:-1]:
            node = node.setdefault(part, {})
            if not isinstance(node, dict):
                raise Unparsable(key, "a value and members of it at once")
        if parts[-1] in node:
            raise Unparsable(key, "given twice")
        node[parts[-1]] = value
    return root


def indexed(node, path):
    """The items of {"1": …, "2": …}, which must be numbered from 1 without holes."""
    if node == "":
        return []
    if not isinstance(node, dict):
        raise Unparsable(path, "a list is not numbered")
    try:
        numbers = sorted(int(key) for key in node)
    except ValueError:
        raise Unparsable(path, f"not a list: {sorted(node)}") from None
    if numbers != list(range(1, len(numbers) + 1)):
        raise Unparsable(path, f"a list is numbered {numbers}")
    return [node[str(number)] for number in numbers]


class Form:
    """The query protocol; `ec2` is the dialect with other names and flat lists."""

    def __init__(self, ec2):
        self.ec2 = ec2

    def member_name(self, name, shape):
        serialization = shape.serialization
        if self.ec2:
            if "queryName" in serialization:
                return serialization["queryName"]
            name = serialization.get("name", name)
            return name[0].upper() + name[1:]
        if shape.type_name == "list" and serialization.get("flattened"):
            return shape.member.serialization.get("name", serialization.get("name", name))
        return serialization.get("name", name)

    def value(self, shape, node, path):
        kind = shape.type_name
        if kind == "structure":
            return self.structure(shape, node, path)
        if kind == "list":
            return self.list(shape, node, path)
        if kind == "map":
            return self.map(shape, node, path)
        if isinstance(node, dict):
            raise Unparsable(path, f"members {sorted(node)} where a {kind} belongs")
        return scalar(shape, node, path)

    def structure(self, shape, node, path):
        if node == "":
            return {}
        if not isinstance(node, dict):
            raise Unparsable(path, f"{node!r} where a structure belongs")
        names = {self.member_name(name, member): (name, member) for name, member in shape.members.items()}
        found = {}
        for key, child in node.items():
            # An unknown member goes on under its wire name; the validator reports it.
            name, member = names.get(key, (key, None))
            found[name] = child if member is None else self.value(member, child, f"{path}.{name}")
        return found

    def list(self, shape, node, path):
        if not self.ec2 and not shape.serialization.get("flattened") and node != "":
            inner = shape.member.serialization.get("name", "member")
            if not isinstance(node, dict) or set(node) != {inner}:
                raise Unparsable(path, f"not a list of {inner!r}")
            node = node[inner]
        items = enumerate(indexed(node, path))
        return [self.value(shape.member, item, f"{path}[{at}]") for at, item in items]

    def map(self, shape, node, path):
        if not shape.serialization.get("flattened") and node != "":
            if not isinstance(node, dict) or set(node) != {"entry"}:
                raise Unparsable(path, "not a map of entries")
            node = node["entry"]
        key_name = shape.key.serialization.get("name", "key")
        value_name = shape.value.serialization.get("name", "value")
        found = {}
        for entry in indexed(node, path):
            if not isinstance(entry, dict) or set(entry) != {key_name, value_name}:
                raise Unparsable(path, f"an entry is not {key_name} and {value_name}")
            found[entry[key_name]] = self.value(shape.value, entry[value_name], f"{path}.{entry[key_name]}")
        return found


def from_form(operation, request, ec2):
    pairs = urllib.parse.parse_qsl(request["body"].decode(), keep_blank_values=True, strict_parsing=True)
    fields = dict(pairs)
    if fields.get("Action") != operation.name:
        raise Unparsable("Action", f"{fields.get('Action')!r} in the body")
    version = operation.service_model.api_version
    if fields.get("Version") != version:
        raise Unparsable("Version", f"{fields.get('Version')!r}, the model is {version}")
    node = tree([pair for pair in pairs if pair[0] not in ("Action", "Version")])
    if operation.input_shape is None:
        return node
    return Form(ec2).structure(operation.input_shape, node, "")


# --- json and cbor -------------------------------------------------------------------------------------------------------


def from_document(shape, node, path, cbor=False):
    """Parsed JSON or CBOR; renames to member names and makes scalars Python's. Wrong types stay, the validator reports them."""
    kind = shape.type_name
    if kind == "structure" and isinstance(node, dict) and not getattr(shape, "is_document_type", False):
        names = {member.serialization.get("name", name): (name, member) for name, member in shape.members.items()}
        found = {}
        for key, child in node.items():
            name, member = names.get(key, (key, None))
            found[name] = child if member is None else from_document(member, child, f"{path}.{name}", cbor)
        return found
    if kind == "list" and isinstance(node, list):
        return [from_document(shape.member, child, f"{path}[{at}]", cbor) for at, child in enumerate(node)]
    if kind == "map" and isinstance(node, dict):
        return {key: from_document(shape.value, child, f"{path}.{key}", cbor) for key, child in node.items()}
    if kind == "blob" and isinstance(node, str) and not cbor:
        return scalar(shape, node, path)
    if kind == "timestamp" and isinstance(node, (int, float, str)) and not isinstance(node, bool):
        return parse_timestamp(node)
    if kind in ("float", "double") and node in ("NaN", "Infinity", "-Infinity"):
        return float(node)
    return node


def load_json(body):
    try:
        return json.loads(body or b"{}")
    except ValueError as error:
        raise Unparsable("", f"not JSON: {error}") from None


# --- rest ----------------------------------------------------------------------------------------------------------------


def split_template(template):
    path, _, query = template.partition("?")
    return path, urllib.parse.parse_qsl(query, keep_blank_values=True)


def labels(template, path):
    """The values of {labels} and {greedy+} in a path."""
    parts = regex.split(r"(\{[^}]*\})", template)
    names = [part[1:-1].rstrip("+") for part in parts[1::2]]
    pattern = "".join(
        ("(.*)" if part.endswith("+}") else "([^/]*)") if part.startswith("{") else regex.escape(part) for part in parts
    )
    match = regex.fullmatch(pattern.rstrip("/") + "/?", path)
    if match is None:
        raise Unparsable("uri", f"{path} does not match {template}")
    return {name: urllib.parse.unquote(text) for name, text in zip(names, match.groups(), strict=True)}


def from_rest(operation, request):
    shape = operation.input_shape
    template, constants = split_template(operation.http["requestUri"])
    path, _, query_text = request["uri"].partition("?")
    if request["method"] != operation.http["method"]:
        raise Unparsable("method", f"{request['method']}, the model says {operation.http['method']}")
    if shape is None:
        labels(template, path)
        return {}
    found_labels = labels(template, path)
    query = {}
    for key, value in urllib.parse.parse_qsl(query_text, keep_blank_values=True):
        query.setdefault(key, []).append(value)
    for key, _value in constants:
        query.pop(key, None)
    query.pop("x-id", None)
    headers = {key.lower(): value for key, value in request["headers"]}
    params, body_members = {}, {}
    for name, member in shape.members.items():
        place, wire = member.serialization.get("location"), member.serialization.get("name", name)
        if place == "uri":
            if found_labels.get(wire):
                params[name] = scalar(member, found_labels[wire], name)
        elif place == "querystring":
            take_query(params, name, member, wire, query)
        elif place == "header":
            if wire.lower() in headers:
                text = headers[wire.lower()]
                if member.type_name == "list":
                    params[name] = [scalar(member.member, part.strip(), name) for part in text.split(",")]
                else:
                    params[name] = scalar(member, text, name)
        elif place == "headers":
            prefix = wire.lower()
            entries = {key[len(prefix) :]: value for key, value in headers.items() if key.startswith(prefix)}
            if entries:
                params[name] = entries
        else:
            body_members[name] = member
    for key in query:
        raise Unparsable(key, "an unknown query parameter")
    params.update(rest_body(operation, shape, body_members, request["body"]))
    return params


def take_query(params, name, member, wire, query):
    if member.type_name == "map":
        params[name] = {key: values[-1] for key, values in query.items()}
        query.clear()
    elif wire in query:
        values = query.pop(wire)
        if member.type_name == "list":
            params[name] = [scalar(member.member, value, name) for value in values]
        elif len(values) > 1:
            raise Unparsable(name, "given twice")
        else:
            params[name] = scalar(member, values[0], name)


def rest_body(operation, shape, members, body):
    payload = shape.serialization.get("payload")
    is_xml = operation.service_model.protocol == "rest-xml"
    if payload:
        member = shape.members[payload]
        if not body:
            return {}
        if member.type_name == "blob":
            return {payload: body}
        if member.type_name == "string":
            return {payload: body.decode()}
        value = from_xml(member, parse_xml(body), payload) if is_xml else from_document(member, load_json(body), payload)
        return {payload: value}
    if not members or not body:
        if body and load_json(body):
            raise Unparsable("", "a body where the model has none")
        return {}
    if is_xml:
        return from_xml(shape, parse_xml(body), "", members)
    names = {member.serialization.get("name", name): (name, member) for name, member in members.items()}
    found = {}
    for key, child in load_json(body).items():
        name, member = names.get(key, (key, None))
        found[name] = child if member is None else from_document(member, child, name)
    return found


def parse_xml(body):
    try:
        return xml.etree.ElementTree.fromstring(body)
    except xml.etree.ElementTree.ParseError as error:
        raise Unparsable("", f"not XML: {error}") from None


def local(tag):
    return tag.rpartition("}")[2]


def from_xml(shape, node, path, members=None):
    kind = shape.type_name
    if kind == "structure":
        return xml_structure(members or shape.members, node, path)
    if kind == "list":
        inner = shape.member.serialization.get("name", "member")
        for child in node:
            if local(child.tag) != inner:
                raise Unparsable(path, f"{local(child.tag)!r} in a list of {inner!r}")
        return [from_xml(shape.member, child, f"{path}[{at}]") for at, child in enumerate(node)]
    if kind == "map":
        key_name = shape.key.serialization.get("name", "key")
        value_name = shape.value.serialization.get("name", "value")
        found = {}
        for entry in node:
            parts = {local(child.tag): child for child in entry}
            if set(parts) != {key_name, value_name}:
                raise Unparsable(path, f"an entry is not {key_name} and {value_name}")
            found[parts[key_name].text or ""] = from_xml(shape.value, parts[value_name], path)
        return found
    if len(node):
        raise Unparsable(path, f"elements where a {kind} belongs")
    return scalar(shape, node.text or "", path)


def xml_structure(members, node, path):
    names = {}
    for name, member in members.items():
        wire = member.serialization.get("name", name)
        if member.type_name == "list" and member.serialization.get("flattened"):
            wire = member.member.serialization.get("name", wire)
        names[wire.rpartition(":")[2]] = (name, member)
    found = {}
    for attribute, text in node.attrib.items():
        name, member = names.get(local(attribute), (local(attribute), None))
        if member is not None:
            found[name] = scalar(member, text, f"{path}.{name}")
    for child in node:
        name, member = names.get(local(child.tag), (local(child.tag), None))
        here = f"{path}.{name}".lstrip(".")
        if member is None:
            found[name] = child.text
        elif member.type_name == "list" and member.serialization.get("flattened"):
            found.setdefault(name, []).append(from_xml(member.member, child, here))
        elif name in found:
            raise Unparsable(here, "given twice")
        else:
            found[name] = from_xml(member, child, here)
    return found


# --- the whole request ---------------------------------------------------------------------------------------------------


def parameters(operation, request):
    protocol = operation.service_model.resolved_protocol
    headers = {key.lower(): value for key, value in request["headers"]}
    if headers.get("smithy-protocol") == "rpc-v2-cbor":
        node = cbor2.loads(request["body"]) if request["body"] else {}
        return from_document(operation.input_shape, node, "", cbor=True) if operation.input_shape else node
    content = headers.get("content-type", "")
    if content.startswith("application/x-www-form-urlencoded"):
        return from_form(operation, request, protocol == "ec2")
    if content.startswith("application/x-amz-json-1."):
        node = load_json(request["body"])
        return from_document(operation.input_shape, node, "") if operation.input_shape else node
    if protocol.startswith("rest-"):
        return from_rest(operation, request)
    raise Unparsable("content-type", f"{content!r} is not of the protocol {protocol}")
