// What words mean, as vectors: read from their file, and found for a word by its letters or by its beginning.

export interface Vectors {
  dimensions: number;
  /** The place of a word's vector in `values`, -1 where the word is not known. */
  find(word: string): number;
  values: Int8Array;
}

const magic = 'rempart-vectors-1\n';
const shortestBeginning = 3;

export function writeVectors(entries: ReadonlyMap<string, Int8Array>, dimensions: number): Uint8Array {
  const names = Buffer.from([...entries.keys()].join('\n'));
  const head = Buffer.alloc(8);
  head.writeUInt32LE(dimensions, 0);
  head.writeUInt32LE(names.length, 4);
  return Buffer.concat([
    Buffer.from(magic),
    head,
    names,
    ...[...entries.values()].map((one) => Buffer.from(one.buffer)),
  ]);
}

/** Throws RangeError when the bytes are not such a file. */
export function readVectors(bytes: Uint8Array): Vectors {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (buffer.toString('latin1', 0, magic.length) !== magic) throw new RangeError('Not a table of word vectors');
  const dimensions = buffer.readUInt32LE(magic.length);
  const begin = magic.length + 8;
  const end = begin + buffer.readUInt32LE(magic.length + 4);
  const names = buffer.toString('utf8', begin, end).split('\n');
  if (buffer.length !== end + names.length * dimensions) throw new RangeError('Not a whole table of word vectors');
  const whole = new Map<string, number>();
  const beginnings = new Map<string, number>();
  for (const [at, name] of names.entries())
    if (name.endsWith('*')) beginnings.set(name.slice(0, -1), at * dimensions);
    else whole.set(name, at * dimensions);
  return {
    dimensions,
    values: Int8Array.from(new Int8Array(bytes.buffer, bytes.byteOffset + end, names.length * dimensions)),
    find(word) {
      const known = whole.get(word);
      if (known !== undefined) return known;
      for (let length = Math.min(word.length, 16); length >= shortestBeginning; length--) {
        const at = beginnings.get(word.slice(0, length));
        if (at !== undefined) return at;
      }
      return -1;
    },
  };
}
