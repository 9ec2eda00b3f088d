"""A client that is not leat: reads and writes what the quickstart publishes.

outsider.py kafka-read BROKERS REGISTRY TOPIC N       JSON lines, Avro values decoded by their schema id
outsider.py kafka-raw BROKERS TOPIC N                 JSON lines, value and key as hex, headers as text
outsider.py kafka-write BROKERS REGISTRY TOPIC EMAIL  a UserCreated by the registered schema
outsider.py kafka-bytes BROKERS TOPIC HEX             bytes
outsider.py kafka-keyed BROKERS REGISTRY TOPIC SCHEMA KEY VALUE  a key in JSON by a schema that is registered, and text
outsider.py kafka-keys BROKERS REGISTRY TOPIC N       JSON lines, keys decoded by their schema id
outsider.py redis-read URL REGISTRY|none STREAM N     as kafka-read
outsider.py redis-raw URL STREAM N
outsider.py redis-write URL REGISTRY STREAM EMAIL
outsider.py redis-fields URL STREAM NAME=VALUE...     an entry of plain fields
"""
import asyncio
import datetime
import io
import json
import struct
import sys
import urllib.request

import fastavro


def schema_of(registry, schema_id):
    with urllib.request.urlopen(f"{registry}/schemas/ids/{schema_id}") as r:
        return fastavro.parse_schema(json.loads(json.load(r)["schema"]))


def decode(registry, value):
    if value[:1] == b"\x00":
        schema = schema_of(registry, struct.unpack(">I", value[1:5])[0])
        return fastavro.schemaless_reader(io.BytesIO(value[5:]), schema)
    if value[:2] == b"\xc3\x01":
        return {"single_object": value[2:10].hex(), "body": value[10:].hex()}
    raise SystemExit(f"neither Confluent nor single-object: {value!r}")


def encode(registry, topic, email):
    with urllib.request.urlopen(f"{registry}/subjects/{topic}-value/versions/latest") as r:
        latest = json.load(r)
    schema = fastavro.parse_schema(json.loads(latest["schema"]))
    out = io.BytesIO()
    out.write(b"\x00" + struct.pack(">I", latest["id"]))
    now = datetime.datetime.now(datetime.timezone.utc)
    fastavro.schemaless_writer(out, schema, {"user_id": 424242, "email": email, "created_at": now})
    return out.getvalue()


def show(**fields):
    print(json.dumps(fields, default=str), flush=True)


async def kafka_records(brokers, topic, n):
    from aiokafka import AIOKafkaConsumer

    consumer = AIOKafkaConsumer(topic, bootstrap_servers=brokers, auto_offset_reset="earliest")
    await consumer.start()
    try:
        for _ in range(n):
            yield await asyncio.wait_for(consumer.getone(), 30)
    finally:
        await consumer.stop()


async def kafka_read(brokers, registry, topic, n):
    async for m in kafka_records(brokers, topic, int(n)):
        show(key=m.key and m.key.decode(), value=decode(registry, m.value))


async def kafka_raw(brokers, topic, n):
    async for m in kafka_records(brokers, topic, int(n)):
        headers = {k: v.decode("utf-8", "replace") for k, v in m.headers}
        show(key=(m.key or b"").hex(), value=(m.value or b"").hex(), headers=headers)


async def kafka_bytes(brokers, topic, data, key=None):
    from aiokafka import AIOKafkaProducer

    producer = AIOKafkaProducer(bootstrap_servers=brokers)
    await producer.start()
    try:
        await producer.send_and_wait(topic, bytes.fromhex(data) if isinstance(data, str) else data, key=key)
    finally:
        await producer.stop()


async def kafka_write(brokers, registry, topic, email):
    await kafka_bytes(brokers, topic, encode(registry, topic, email), key=b"424242")


def register(registry, subject, schema):
    body = json.dumps({"schema": schema}).encode()
    headers = {"Content-Type": "application/vnd.schemaregistry.v1+json"}
    request = urllib.request.Request(f"{registry}/subjects/{subject}/versions", body, headers)
    with urllib.request.urlopen(request) as r:
        return json.load(r)["id"]


async def kafka_keyed(brokers, registry, topic, schema, key, value):
    out = io.BytesIO()
    out.write(b"\x00" + struct.pack(">I", register(registry, f"{topic}-key", schema)))
    fastavro.schemaless_writer(out, fastavro.parse_schema(json.loads(schema)), json.loads(key))
    await kafka_bytes(brokers, topic, value.encode(), key=out.getvalue())


async def kafka_keys(brokers, registry, topic, n):
    async for m in kafka_records(brokers, topic, int(n)):
        show(key=decode(registry, m.key))


def redis_client(url):
    import redis

    return redis.Redis.from_url(url)


def redis_entries(url, stream, n):
    client, last = redis_client(url), "0"
    for _ in range(int(n)):
        [[_, [(last, fields)]]] = client.xread({stream: last}, count=1, block=30000)
        yield fields


async def redis_read(url, registry, stream, n):
    for fields in redis_entries(url, stream, n):
        show(value=decode(registry, fields[b"payload"]))


async def redis_raw(url, stream, n):
    import msgpack

    for fields in redis_entries(url, stream, n):
        metadata = msgpack.unpackb(fields.get(b"metadata", b"\x80"))
        show(value=fields.get(b"payload", b"").hex(), headers=metadata)


async def redis_write(url, registry, stream, email):
    import msgpack

    redis_client(url).xadd(stream, {"_watermill_message_uuid": "outside-1", "metadata": msgpack.packb({}),
                                    "payload": encode(registry, stream, email)})


async def redis_fields(url, stream, *pairs):
    redis_client(url).xadd(stream, dict(p.split("=", 1) for p in pairs))


if __name__ == "__main__":
    asyncio.run(globals()[sys.argv[1].replace("-", "_")](*sys.argv[2:]))
