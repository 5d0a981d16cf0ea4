// What came of one piece, as its thread sends it and as the journal keeps it: a head that is read, bodies that are passed on.
import type { ConversationFacts } from './conversation-facts.ts';
import type { Written } from './written.ts';

export type Analysed = Written | { kind: 'not-read'; source: string; why: string };

export interface PieceResults {
  /** JSON without a tab or a line end. */
  head: string;
  /** The conversations' bodies, one behind the other; no tab or line end in them either. */
  bodies: Uint8Array<ArrayBuffer>;
}

type HeadEntry =
  | { facts: ConversationFacts; length: number; gaps: readonly number[] }
  | { source: string; why: string };

export function packed(results: readonly Analysed[]): PieceResults {
  const head = results.map((one): HeadEntry => {
    if (one.kind === 'not-read') return { source: one.source, why: one.why };
    return { facts: one.facts, length: one.body.length, gaps: one.gaps };
  });
  const all = results.flatMap((one) => (one.kind === 'conversation' ? [one.body] : []));
  // Memory of its own, so that it can be handed to another thread.
  const bodies = new Uint8Array(all.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const body of all) {
    bodies.set(body, at);
    at += body.length;
  }
  return { head: JSON.stringify(head), bodies };
}

/** Throws when head and bodies do not belong together: a line of the journal may have been cut. */
export function unpacked({ head, bodies }: { head: string; bodies: Uint8Array }): Analysed[] {
  let at = 0;
  const results = (JSON.parse(head) as HeadEntry[]).map((entry): Analysed => {
    if (!('facts' in entry)) return { kind: 'not-read', ...entry };
    const { facts, length, gaps } = entry;
    at += length;
    return { kind: 'conversation', facts, body: bodies.subarray(at - length, at), gaps };
  });
  if (at !== bodies.length) throw new RangeError(`bodies of ${bodies.length} bytes where ${at} are told`);
  return results;
}
