// Reads messages as avsc does and writes them again.
//
// The first argument is a folder with node_modules. stdin is a JSON list of {schema, body},
// body in hex; stdout is one of {body}.
'use strict';

const { createRequire } = require('node:module');
const { readFileSync } = require('node:fs');
const { join } = require('node:path');

const avro = createRequire(join(process.argv[2], 'x.js'))('avsc');

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

// avsc looks into its registry for names alone, not for a long that is an object with a logical type.
const typeHook = (schema) => (schema.type === 'long' ? long : undefined);

function answer({ schema, body }) {
  const type = avro.Type.forSchema(schema, { registry: { long }, typeHook });
  const value = type.fromBuffer(Buffer.from(body, 'hex'));
  return { body: type.toBuffer(value).toString('hex') };
}

const cases = JSON.parse(readFileSync(0, 'utf8'));
process.stdout.write(JSON.stringify(cases.map(answer)));
