"""Checks recorded requests against AWS's own service models (botocore's), without AWS.

Each line of the input is one request as the test bench records it: service (the signing name), action, method, uri (path and
query), headers, body or body_base64. The wire form is parsed back into parameters with the operation's input shape (query,
ec2, json, rest-json, rest-xml, rpc-v2-cbor); then botocore's ParamValidator judges them (required and unknown members, types,
tagged unions) and this program judges what that leaves out: enum, pattern, min, max. It cannot know rules that the models do
not state (cross-field rules, quotas, documents such as policies).

    check.py [FILE]       text for people; exit status 1 when there are violations
    check.py --json       one JSON object {"checked": n, "actions": n, "violations": […]}, exit status likewise
    check.py --routes     the REST operations that the bench names requests by (tests/bench/rest_operations.txt)
"""

import argparse
import base64
import functools
import json
import sys

import regex
from botocore.loaders import Loader
from botocore.model import ServiceModel
from botocore.validate import ParamValidator

from parse import Unparsable, parameters

LOADER = Loader()
# Signing names with more than one model, or another name than the model's folder.
MODELS = {
    "elasticloadbalancing": ["elbv2", "elb"],
    "apigateway": ["apigatewayv2", "apigateway"],
    "monitoring": ["cloudwatch"],
    "tagging": ["resourcegroupstaggingapi"],
    "cloudcontrolapi": ["cloudcontrol"],
    "elasticfilesystem": ["efs"],
    "events": ["events"],
}
REST_SERVICES = ["cloudfront", "route53", "s3", "apigateway", "apigatewayv2", "kafka", "efs"]
# What a service is known to take although the model's pattern or enum says no: (service, action, path) → the evidence.
ALLOWED = {}


@functools.cache
def model(name):
    return ServiceModel(LOADER.load_service_model(name, "service-2"), name)


@functools.cache
def operations(name):
    """Operation models by the name that SDKs use: CloudFront's models carry a date behind each."""
    return {plain(operation): model(name).operation_model(operation) for operation in model(name).operation_names}


def plain(operation):
    return regex.sub(r"\d{4}_\d{2}_\d{2}$", "", operation)


def find_operation(service, action, uri):
    for name in MODELS.get(service, [service]):
        if name == "apigateway" and uri.startswith("/v2/"):
            continue
        if name == "apigatewayv2" and not uri.startswith("/v2/"):
            continue
        if action in operations(name):
            return operations(name)[action]
    return None


# --- judging -------------------------------------------------------------------------------------------------------------


@functools.cache
def compiled(pattern):
    """The model's (Java) pattern; the whole value must match, as the services do with unanchored ones (IAM's names)."""
    try:
        return regex.compile(pattern)
    except regex.error:
        return None


def quote(value):
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}…"


def traits(shape, value, path, secret=False):
    """(path, reason) of each enum, pattern, min and max that a value breaks. Values of sensitive members are not shown."""
    kind, meta = shape.type_name, shape.metadata
    secret = secret or bool(meta.get("sensitive"))
    shown = "the (sensitive) value" if secret else quote(value)
    if kind == "structure" and isinstance(value, dict):
        for name, child in value.items():
            if name in shape.members:
                yield from traits(shape.members[name], child, f"{path}.{name}".lstrip("."), secret)
    elif kind == "list" and isinstance(value, list):
        yield from size("items", len(value), meta, path)
        for at, child in enumerate(value):
            yield from traits(shape.member, child, f"{path}[{at}]", secret)
    elif kind == "map" and isinstance(value, dict):
        yield from size("entries", len(value), meta, path)
        for key, child in value.items():
            yield from traits(shape.key, key, f"{path} (key {quote(key)})", secret)
            yield from traits(shape.value, child, f"{path}.{key}", secret)
    elif kind == "string" and isinstance(value, str):
        yield from size("characters", len(value), meta, path)
        if getattr(shape, "enum", None) and value not in shape.enum:
            yield path, f"{shown} is not one of {', '.join(shape.enum[:12])}{'…' if len(shape.enum) > 12 else ''}"
        pattern = meta.get("pattern")
        if pattern is not None and compiled(pattern) is not None and not compiled(pattern).fullmatch(value):
            yield path, f"{shown} does not match {pattern}"
    elif kind == "blob" and isinstance(value, bytes):
        yield from size("bytes", len(value), meta, path)
    elif kind in ("integer", "long", "float", "double") and isinstance(value, (int, float)):
        yield from size("", value, meta, path)


def size(unit, number, meta, path):
    low, high = meta.get("min"), meta.get("max")
    if low is not None and number < float(low):
        yield path, f"{number} {unit}".strip() + f", the least is {low}"
    if high is not None and number > float(high):
        yield path, f"{number} {unit}".strip() + f", the most is {high}"


def reports(params, shape):
    """ParamValidator's findings, but for the minima, which `traits` reports with the maxima."""
    # ParamValidator's own list of (reason, path, details) is private; the pin of botocore keeps it.
    for reason, path, details in ParamValidator().validate(params, shape)._errors:
        path = path.lstrip(".")
        if reason in ("invalid range", "invalid length"):
            continue
        if reason == "missing required field":
            yield f"{path}.{details['required_name']}".lstrip("."), "a required member is missing"
        elif reason == "unknown field":
            yield f"{path}.{details['unknown_param']}".lstrip("."), "an unknown member"
        elif reason == "invalid type":
            yield path, f"{type(details['param']).__name__} where {', '.join(details['valid_types'])} belongs"
        else:
            yield path, reason


def check(request):
    """(path, reason) of everything illegal in one request."""
    operation = find_operation(request["service"], request["action"], request["uri"])
    if operation is None:
        yield "", "no such operation in the models"
        return
    try:
        params = parameters(operation, request)
    except Unparsable as error:
        path, reason = error.args
        yield path.lstrip("."), reason
        return
    if operation.input_shape is None:
        for name in params:
            yield name, "an unknown member"
        return
    yield from reports(params, operation.input_shape)
    yield from traits(operation.input_shape, params, "")


def read(lines):
    for line in lines:
        if line.strip():
            request = json.loads(line)
            body = request.pop("body_base64", None)
            request["body"] = base64.b64decode(body) if body is not None else request.get("body", "").encode()
            yield request


def routes():
    """The REST operations as lines: signing name, protocol, method, URI template, operation."""
    lines = set()
    for name in REST_SERVICES:
        service = model(name)
        for action, operation in operations(name).items():
            # Required query members tell operations of one path apart (S3's PutObject and UploadPart).
            uri = operation.http["requestUri"]
            shape = operation.input_shape
            for member in shape.required_members if shape else []:
                serialization = shape.members[member].serialization
                if serialization.get("location") == "querystring":
                    uri += ("&" if "?" in uri else "?") + serialization["name"] + "={}"
            fields = [service.signing_name, service.protocol, operation.http["method"], uri, action]
            lines.add(" ".join(fields))
    return sorted(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", nargs="?", type=argparse.FileType("r", encoding="utf-8"), default=sys.stdin)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--routes", action="store_true")
    args = parser.parse_args()
    if args.routes:
        print("\n".join(routes()))
        return 0
    checked, actions, violations = 0, set(), []
    for request in read(args.file):
        checked += 1
        actions.add((request["service"], request["action"]))
        for path, reason in check(request):
            if (request["service"], request["action"], path) not in ALLOWED:
                found = {"seq": request.get("seq", checked), "service": request["service"], "action": request["action"]}
                violations.append(found | {"path": path, "reason": reason})
    if args.json:
        print(json.dumps({"checked": checked, "actions": len(actions), "violations": violations}))
    else:
        for found in violations:
            print("#{seq} {service} {action} {path}: {reason}".format(**found))
        print(f"{checked} requests of {len(actions)} actions checked, {len(violations)} violations")
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(main())
