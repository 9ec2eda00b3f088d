"""Reads messages with fastavro and a schema registry and writes them again under their id.

The argument is the URL of the registry. stdin is a JSON list of {"topic", "message", "key"},
message in hex and key telling that it is one; stdout is one of {"message", "value"}, value for
keys alone.
"""

import io
import json
import sys
import urllib.request

import fastavro


def schema_of(number):
    with urllib.request.urlopen(f"{sys.argv[1]}/schemas/ids/{number}", timeout=30) as answer:
        return fastavro.parse_schema(json.loads(json.load(answer)["schema"]))


def answer(case):
    message = bytes.fromhex(case["message"])
    if message[0] != 0:
        raise ValueError("no message of a registry")
    schema = schema_of(int.from_bytes(message[1:5], "big"))
    body = io.BytesIO(message[5:])
    value = fastavro.schemaless_reader(body, schema, None)
    if body.read(1):
        raise ValueError("bytes are left over")
    out = io.BytesIO(message[:5])
    out.seek(5)
    fastavro.schemaless_writer(out, schema, value)
    return {"message": out.getvalue().hex(), "value": value if case.get("key") else None}


json.dump([answer(case) for case in json.load(sys.stdin)], sys.stdout)
