"""Reads messages as fastavro does and writes them again.

stdin is a JSON list of {"schema", "body"}, body in hex; stdout is one of {"value", "body"}.
"""

import datetime
import decimal
import io
import json
import sys
import uuid

import fastavro

EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
MICROSECOND = datetime.timedelta(microseconds=1)


def shown(value):
    match value:
        case dict():
            return {key: shown(item) for key, item in value.items()}
        case list():
            return [shown(item) for item in value]
        case bytes():
            return value.hex()
        case datetime.datetime():
            return (value - EPOCH) // MICROSECOND
        case datetime.date():
            return (value - EPOCH.date()) // MICROSECOND
        case datetime.time():
            seconds = (value.hour * 60 + value.minute) * 60 + value.second
            return seconds * 1_000_000 + value.microsecond
        case decimal.Decimal():
            return format(value, ".10f")
        case uuid.UUID():
            return str(value)
    return value


def answer(case):
    schema = fastavro.parse_schema(case["schema"])
    body = io.BytesIO(bytes.fromhex(case["body"]))
    value = fastavro.schemaless_reader(body, schema, None)
    if body.read(1):
        raise ValueError("bytes are left over")
    out = io.BytesIO()
    fastavro.schemaless_writer(out, schema, value)
    return {"value": shown(value), "body": out.getvalue().hex()}


json.dump([answer(case) for case in json.load(sys.stdin)], sys.stdout)
