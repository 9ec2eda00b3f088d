// Reads messages as Confluent's client for JavaScript does, with a schema registry, and
// writes them again under the latest version of their subject.
//
// The arguments are a folder with node_modules and the URL of the registry. stdin is a JSON
// list of {topic, message, key}, message in hex and key telling that it is one; stdout is one
// of {message, value}, value for keys alone.
'use strict';

const { createRequire } = require('node:module');
const { readFileSync } = require('node:fs');
const { join } = require('node:path');

const [folder, url] = process.argv.slice(2);
const requireFrom = createRequire(join(folder, 'x.js'));
const avro = requireFrom('avsc');
const { SchemaRegistryClient, AvroDeserializer, AvroSerializer, SerdeType } = requireFrom('@confluentinc/schemaregistry');

// Numbers of JavaScript are too short for a long.
const long = avro.types.LongType.__with({
  fromBuffer: (buffer) => buffer.readBigInt64LE(),
  toBuffer: (n) => {
    const buffer = Buffer.alloc(8);
    buffer.writeBigInt64LE(n);
    return buffer;
  },
  fromJSON: BigInt,
  toJSON: Number,
  isValid: (n) => typeof n === 'bigint',
  compare: (a, b) => (a === b ? 0 : a < b ? -1 : 1),
});

// A client of its own for every message: one keeps the types of all schemas it has seen in
// the registry that we give it, and refuses those that come again.
async function passOn({ topic, message, key }) {
  const kind = key ? SerdeType.KEY : SerdeType.VALUE;
  const client = new SchemaRegistryClient({ baseURLs: [url] });
  const reader = new AvroDeserializer(client, kind, { registry: { long } });
  const writer = new AvroSerializer(client, kind, { useLatestVersion: true, registry: { long } });
  const value = await reader.deserialize(topic, Buffer.from(message, 'hex'));
  const again = await writer.serialize(topic, value);
  return { message: again.toString('hex'), value: key ? value : undefined };
}

Promise.all(JSON.parse(readFileSync(0, 'utf8')).map(passOn)).then(
  (answers) => process.stdout.write(JSON.stringify(answers)),
  (err) => {
    console.error(err);
    process.exit(1);
  },
);
