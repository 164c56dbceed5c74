"""Shows that parse.py reads back what botocore's own serializers write, for every operation of the services in use.

For each operation an input with every member set is made from the shape, serialized by botocore, recorded as the bench would
record it, and read back; the result must be the same input and only value rules (patterns, enums, sizes) may complain.
"""

import datetime
import sys

import botocore.compat
from botocore.serialize import create_serializer

from check import model, operations, reports
from parse import Unparsable, parameters

IN_USE = "ec2 ecs elbv2 iam ssm sts logs cloudfront kafka apigatewayv2 efs rds autoscaling kms secretsmanager dynamodb"
SERVICES = sys.argv[1:] or IN_USE.split()
DEPTH = 7
WHEN = datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.timezone.utc)


def example(shape, stack=()):
    kind = shape.type_name
    if kind == "structure":
        if getattr(shape, "is_document_type", False):
            return {"any": "thing"}
        members = shape.members
        if shape.is_tagged_union:
            members = dict(list(members.items())[:1])
        deeper = (*stack, shape.name)
        return {
            name: example(member, deeper)
            for name, member in members.items()
            if (member.name not in deeper and len(deeper) < DEPTH) or name in shape.required_members
        }
    if kind == "list":
        return [example(shape.member, stack), example(shape.member, stack)] if shape.member.name not in stack else []
    if kind == "map":
        key = shape.key.enum[0] if getattr(shape.key, "enum", None) else "key"
        return {key: example(shape.value, stack)}
    return {
        "string": "ab-c",
        "integer": 3,
        "long": 4,
        "float": 1.5,
        "double": 2.5,
        "boolean": True,
        "timestamp": WHEN,
        "blob": b"\x00bytes",
    }[kind]


def wire(service, operation, params):
    serializer = create_serializer(service.protocol, include_validation=False)
    request = serializer.serialize_to_request(params, operation)
    body = request["body"]
    if isinstance(body, dict):
        body = botocore.compat.urlencode(list(body.items())).encode()
        request["headers"]["content-type"] = "application/x-www-form-urlencoded"
    elif isinstance(body, str):
        body = body.encode()
    uri = request["url_path"]
    query = request["query_string"]
    if query:
        pairs = [(k, v) for k, vs in query.items() for v in (vs if isinstance(vs, list) else [vs])]
        uri += ("&" if "?" in uri else "?") + botocore.compat.urlencode(pairs)
    return {
        "service": service.signing_name,
        "method": request["method"],
        "uri": uri,
        "headers": list(request["headers"].items()),
        "body": bytes(body or b""),
    }


def normal(value):
    """Empty lists, maps and structures vanish on several wires."""
    if isinstance(value, dict):
        found = {key: normal(child) for key, child in value.items()}
        return {key: child for key, child in found.items() if child not in ({}, [], None)}
    if isinstance(value, list):
        return [child for child in map(normal, value) if child not in ({}, [], None)]
    if isinstance(value, datetime.datetime):
        return value.timestamp()
    return value


def main():
    done, failures = 0, []
    for name in SERVICES:
        service = model(name)
        for action, operation in operations(name).items():
            params = example(operation.input_shape) if operation.input_shape else {}
            try:
                request = wire(service, operation, params)
            except Exception as error:  # an example that botocore itself cannot write proves nothing
                failures.append(f"{name} {action}: not serialized: {error!r}")
                continue
            done += 1
            try:
                again = parameters(operation, request)
            except Unparsable as error:
                failures.append(f"{name} {action}: {error.args}")
                continue
            if normal(again) != normal(params):
                failures.append(f"{name} {action}: read back differently\n  {normal(params)}\n  {normal(again)}")
            elif operation.input_shape and (found := list(reports(again, operation.input_shape))):
                failures.append(f"{name} {action}: {found}")
    print("\n".join(failures))
    print(f"{done} operations read back, {len(failures)} failures")
    return 1 if failures or not done else 0


if __name__ == "__main__":
    sys.exit(main())
