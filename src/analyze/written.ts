// An analysed conversation as JSON that its own thread wrote: its place in the input, which no thread knows, is put in last.
import { randomInt } from 'node:crypto';
import type { AnalysedConversation } from '../platform/documents/analysis.ts';
import { type ConversationFacts, factsOf } from './conversation-facts.ts';

export interface Written {
  kind: 'conversation';
  facts: ConversationFacts;
  /** UTF-8, from behind the id to the end. */
  body: Uint8Array;
  /** Where in `body` the number of the conversation belongs, in order. */
  gaps: readonly number[];
}

/**
 * A number to judge under, whose ids (`F-<mark>-1`) are then known wherever the judge wrote them. It is drawn anew for each
 * thread, so that no conversation can hold it: an id in what was said stays as it was said.
 */
export function drawMark(): number {
  return randomInt(2 ** 46, 2 ** 48);
}

/** `mark`: what the conversation was judged under. */
export function written(conversation: AnalysedConversation, mark: number): Written {
  const whole = Buffer.from(JSON.stringify({ ...conversation, id: undefined }));
  const gaps: number[] = [];
  // Moved together in place: the bytes behind a mark close the gap that it leaves.
  let to = 0;
  let from = 1;
  for (let at = whole.indexOf(`F-${mark}-`); at >= 0; at = whole.indexOf(`F-${mark}-`, from)) {
    const before = at + 2;
    whole.copyWithin(to, from, before);
    to += before - from;
    gaps.push(to);
    from = before + String(mark).length;
  }
  whole.copyWithin(to, from);
  return {
    kind: 'conversation',
    facts: factsOf(conversation),
    body: whole.subarray(0, to + whole.length - from),
    gaps,
  };
}

/** The whole conversation as JSON. `number`: its place in the input, from 1. */
export function writtenOut({ body, gaps, facts }: Written, number: number, id = facts.id): Buffer {
  const parts: Uint8Array[] = [Buffer.from(`{"id":${JSON.stringify(id)},`)];
  const place = Buffer.from(String(number));
  let from = 0;
  for (const gap of gaps) {
    parts.push(body.subarray(from, gap), place);
    from = gap;
  }
  parts.push(body.subarray(from));
  return Buffer.concat(parts);
}

export function readWritten(written: Written, number: number, id?: string): AnalysedConversation {
  return JSON.parse(writtenOut(written, number, id).toString()) as AnalysedConversation;
}
