// Which weakness was seen in which conversation, by which snippet: a large export has millions, so they are set aside as bytes.
import { setAside } from './set-aside.ts';

/** Weaknesses and conversations are numbers, from 0. */
export interface Sightings {
  /** `fingerprint`: SHA-256 in hexadecimal; null for what is no snippet. */
  add(weakness: number, conversation: number, fingerprint: string | null): void;
  /** In the order of their adding. */
  each(see: (weakness: number, conversation: number) => void): void;
  /**
   * Those with a snippet, one group after the other: all of one snippet are in one group, in the order of their adding, and a
   * group is small. The fingerprint comes as a text of 32 signs, which sorts as the hexadecimal one does.
   */
  eachGroup(
    group: (each: (see: (weakness: number, conversation: number, fingerprint: string) => void) => void) => void,
  ): void;
  close(): void;
}

const digestBytes = 32;
/** The fingerprint, the conversation, and twice the weakness, odd where there is a fingerprint. */
const recordBytes = digestBytes + 8;
const recordsAtOnce = 4_096;
/** A small analysis never touches the disk. */
const inMemoryBytes = 2 ** 20;
/** How many are looked at together: their table takes about 10 MB. */
const groupRecords = 2 ** 16;

export function createSightings(mostInMemory = inMemoryBytes, mostInGroup = groupRecords): Sightings {
  const records = setAside(mostInMemory);
  const record = Buffer.alloc(recordBytes);

  function* chunks(): Generator<Buffer> {
    for (let at = 0; at < records.size; at += recordsAtOnce * recordBytes)
      yield records.read(at, Math.min(recordsAtOnce * recordBytes, records.size - at));
  }

  return {
    add(weakness, conversation, fingerprint) {
      record.fill(0);
      if (fingerprint !== null) record.write(fingerprint, 'hex');
      record.writeUInt32LE(conversation, digestBytes);
      record.writeUInt32LE(2 * weakness + (fingerprint === null ? 0 : 1), digestBytes + 4);
      records.add(record);
    },
    each(see) {
      for (const chunk of chunks())
        for (let at = digestBytes; at < chunk.length; at += recordBytes)
          see(chunk.readUInt32LE(at + 4) >>> 1, chunk.readUInt32LE(at));
    },
    eachGroup(group) {
      const groups = Math.ceil(records.size / recordBytes / mostInGroup);
      for (let now = 0; now < groups; now++)
        group((see) => {
          for (const chunk of chunks())
            for (let at = 0; at < chunk.length; at += recordBytes) {
              const what = chunk.readUInt32LE(at + digestBytes + 4);
              if (what % 2 === 0 || chunk.readUInt16LE(at) % groups !== now) continue;
              see(what >>> 1, chunk.readUInt32LE(at + digestBytes), chunk.toString('latin1', at, at + digestBytes));
            }
        });
    },
    close: () => records.close(),
  };
}
