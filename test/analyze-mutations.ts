// Mutated exports for fuzzing: the fixtures with bytes flipped, cut, doubled and swapped, the same for the same seed.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { Readable } from 'node:stream';
import { extractCode } from '../src/analyze/extract/extract-code.ts';
import { readExports } from '../src/analyze/read/read-exports.ts';
import { countTokens } from '../src/analyze/tokens.ts';

const folder = join(import.meta.dirname, 'fixtures/exports');
const fixtures = readdirSync(folder).map((name) => ({ name, bytes: readFileSync(join(folder, name)) }));
/** Where JSON, Markdown and HTML turn. */
const tokens = [
  '"',
  '{',
  '}',
  '[',
  ']',
  ',',
  ':',
  '\\',
  'null',
  '[]',
  '{}',
  '""',
  '-1',
  '1e999',
  '\\ud800',
  '```',
  '<',
  '&#x',
  '\0',
  '\xff',
  '"parent":',
  '"__proto__":',
  '"mapping":',
  '"content":',
  '"role":',
  '"parts":',
];

function randomFrom(seed: number): (below: number) => number {
  let state = seed * 2_654_435_761 + 1;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

export function mutated(seed: number): { name: string; bytes: Buffer } {
  const random = randomFrom(seed);
  const { name, bytes } = fixtures[random(fixtures.length)]!;
  let out = Buffer.from(bytes);
  for (let n = 1 + random(6); n > 0 && out.length > 0; n--) {
    const at = random(out.length);
    const length = random(Math.min(200, out.length - at) + 1);
    const token = Buffer.from(tokens[random(tokens.length)]!, 'latin1');
    const middle = [
      Buffer.of(random(256)),
      Buffer.alloc(0),
      Buffer.concat([out.subarray(at, at + length), out.subarray(at, at + length)]),
      token,
      fixtures[random(fixtures.length)]!.bytes.subarray(0, length),
    ][random(5)]!;
    out = Buffer.concat([out.subarray(0, at), middle, out.subarray(at + (random(2) === 0 ? length : 1))]);
  }
  return { name, bytes: out };
}

export interface Survived {
  inputs: number;
  items: number;
  slowestMs: number;
}

/** Reads, extracts and counts; throws with the seed when anything fails or takes longer than `limitMs`. */
export async function survive(from: number, count: number, limitMs: number): Promise<Survived> {
  const survived: Survived = { inputs: 0, items: 0, slowestMs: 0 };
  for (let seed = from; seed < from + count; seed++) {
    const { name, bytes } = mutated(seed);
    const began = performance.now();
    try {
      survived.items += await readAll(bytes);
    } catch (error) {
      throw new Error(`seed ${seed} (${name}) fails`, { cause: error });
    }
    const ms = performance.now() - began;
    if (ms > limitMs) throw new Error(`seed ${seed} (${name}) takes ${Math.round(ms)} ms`);
    survived.inputs++;
    survived.slowestMs = Math.max(survived.slowestMs, ms);
  }
  return survived;
}

async function readAll(bytes: Buffer): Promise<number> {
  const half = Math.floor(bytes.length / 2);
  let items = 0;
  for await (const item of readExports(['-'], {
    stdin: Readable.from([bytes.subarray(0, half), bytes.subarray(half)]),
  })) {
    items++;
    if (item.kind !== 'conversation') continue;
    const { messages } = item.conversation;
    if (messages.some((message, i) => message.index !== i)) throw new Error('a message has lost its place');
    for (const block of extractCode(item.conversation))
      if (messages[block.messageIndex] === undefined) throw new Error('code of no message');
    if (!Number.isFinite(countTokens(item.conversation).count)) throw new Error('tokens beyond counting');
  }
  if (items === 0) throw new Error('nothing was said of the input');
  return items;
}
