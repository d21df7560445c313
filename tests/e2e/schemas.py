"""What --json prints, held against docs/schemas: there no key may be missing,
and here none may be there that is not described."""

import functools
import json
import pathlib

try:
    import jsonschema
except ImportError:
    jsonschema = None

from failure import Failure

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "docs/schemas"
MOST_TOLD = 5


def strict(schema):
    """Without keys that are not described."""
    if isinstance(schema, dict):
        out = {key: strict(value) for key, value in schema.items()}
        if "properties" in out:
            out["additionalProperties"] = False
        return out
    return [strict(item) for item in schema] if isinstance(schema, list) \
        else schema


def names():
    return sorted(path.stem for path in FOLDER.glob("*.json"))


@functools.cache
def validator(name):
    """Of the values of a schema's key "schema"."""
    if jsonschema is None:
        raise Failure("python3-jsonschema is not installed")
    path = FOLDER / (name.removeprefix("migscope/") + ".json")
    if not path.exists():
        raise Failure(f"{name} has no schema in {FOLDER}")
    schema = json.loads(path.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(strict(schema))


def check(text):
    """`text` is an output of --json; gives what it holds."""
    value = json.loads(text)
    faults = [
        "/".join(map(str, fault.absolute_path)) + ": " + fault.message[:300]
        for _, fault in zip(range(MOST_TOLD), validator(
            value["schema"]).iter_errors(value))]
    if faults:
        raise Failure(f"{value['schema']}: " + "; ".join(faults))
    return value
