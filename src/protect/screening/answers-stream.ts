// Screens an answer that comes in pieces: lets go of all but the tail that could still become something to hold back.
import { mayBecomeTrace } from '../../platform/inspection/internal.ts';
import { longestSecret } from '../../platform/inspection/secrets.ts';
import { isUnseen, unveil } from '../../platform/inspection/unveil.ts';
import { type AnswerFinding, type AnswerSettings, applyPolicy, findInAnswer } from './answers.ts';
import type { AnswerCategory } from './policy.ts';

export interface StreamFilter {
  /** Takes the next piece, returns what may go out now. Throws what a broken rule throws: then nothing more may go out. */
  push(delta: string): string;
  /** Nothing follows: returns the rest. */
  end(): string;
  /** The category that ended the answer; undefined while it goes on. */
  blocked(): AnswerCategory | undefined;
  /** What was found in the text that was let go or ended, each once. */
  findings(): readonly { category: AnswerCategory; rule: string }[];
  heldBack(): number;
}

/** Characters that are in no secret, address or path: what stands before one is settled. */
const separator = /[\s"'`<>\x80-\uffff]/;
/** Text already let go that a rule may look back on: a name, words and signs before the value. */
const context = 400;
/** The longest number with spaces in it (an IBAN of 34 characters, each apart). */
const longestNumber = 72;
/** Of an escape, its sign escaped a few times. */
const longestEscape = 16;
/** A word this long without an end is let go but for its last part, of which a secret may be the beginning. */
const longestWord = 2 * longestSecret;
const openKey =
  /(?:-----BEGIN (?:[A-Z0-9]{1,12} ){0,3}[A-Z]{0,12}|-----BEGIN (?:[A-Z0-9]{1,12} ){0,3}PRIVATE KEY(?: BLOCK)?-{0,5}|-----BEGIN (?:[A-Z0-9]{1,12} ){0,3}PRIVATE KEY(?: BLOCK)?-----[A-Za-z0-9+/=\s\\:,.()-]{0,16100}|Private-Lines: [A-Za-z0-9+/=\s]{0,5300})$/;

/**
 * The same text comes out however the pieces are cut. One filter per stream of text: a choice, a tool call, a thought.
 * `whole`: the first piece is all there is, so nothing of it is held; that half a secret could follow must not be, and throws.
 */
export function createStreamFilter(settings: AnswerSettings, whole = false): StreamFilter {
  /** What went out last and what is held. */
  let text = '';
  /** Up to here it went out. */
  let settled = 0;
  /** Nothing of what went out was forgotten yet. */
  let isBegin = true;
  let blockedBy: AnswerCategory | undefined;
  const told: AnswerFinding[] = [];

  function release(ended: boolean): string {
    let until = ended ? text.length : settledUpTo(text, settled, settings, isBegin);
    if (until <= settled && !ended) return '';
    const found = findInAnswer(text, settings, settled);
    // Moving out of one may lead into another.
    for (let moved = true; moved; ) {
      moved = false;
      for (const { start, end } of found)
        if (start < until && end > until) {
          until = start;
          moved = true;
        }
    }
    if (until <= settled) return '';
    const screened = applyPolicy(text, settled, until, found, settings);
    told.push(...screened.findings);
    if (screened.kind === 'blocked') {
      blockedBy = screened.category;
      text = '';
      settled = 0;
      return screened.text;
    }
    const cut = Math.max(0, until - context);
    text = text.slice(cut);
    settled = until - cut;
    if (cut > 0) isBegin = false;
    return screened.text;
  }

  return {
    push(delta) {
      if (blockedBy !== undefined || delta === '') return '';
      if (whole && text !== '') throw new TypeError('a whole text came in two pieces');
      text += delta;
      return release(whole);
    },
    end: () => (blockedBy === undefined && settled < text.length ? release(true) : ''),
    blocked: () => blockedBy,
    findings: () => told,
    heldBack: () => text.length - settled,
  };
}

/** The place before which nothing can change any more, whatever follows. */
function settledUpTo(text: string, from: number, { policy, echo }: AnswerSettings, isBegin: boolean): number {
  let until = beginOfWord(text, from);
  until = Math.min(until, beginOfNumber(text, from));
  if (policy['system-prompt'] !== 'pass' && echo !== undefined) until = Math.min(until, echo.opensAt(text, from));
  if (policy.internal !== 'pass') {
    const line = text.lastIndexOf('\n') + 1;
    // Of a line whose begin was let go long ago, nothing can be told and nothing need be.
    const isKnown = line > 0 || isBegin;
    if (isKnown && text.length - line <= 600 && mayBecomeTrace(text.slice(line)))
      until = Math.min(until, Math.max(from, line));
  }
  return Math.min(until, beginOfKey(text, from));
}

function beginOfWord(text: string, from: number): number {
  let at = text.length;
  // What cannot be seen parts no word: it may stand between the letters of a key.
  while (at > from && (!separator.test(text[at - 1]!) || isUnseen(text, at - 1))) at--;
  return text.length - at > longestWord ? text.length - longestSecret - 1 : at;
}

/** Those that do not break stand in French numbers; what joins digits beyond ASCII ends a word elsewhere. */
const ofNumber = /[0-9A-Z+ .()\u00a0\u2007\u2009\u2011\u202f-]/;

/** Digits and capitals with spaces between them: a telephone, a card, an IBAN may go on. */
function beginOfNumber(text: string, from: number): number {
  const least = Math.max(from, text.length - longestNumber);
  let at = text.length;
  while (at > least && ofNumber.test(text[at - 1]!)) at--;
  const run = text.slice(at);
  const first = run.search(/[0-9+(]|[A-Z]{2}\d/);
  return first === -1 ? text.length : at + first;
}

/** The line that opens a private key may be veiled too, and its last escape not yet whole. */
function beginOfKey(text: string, from: number): number {
  const plain = openKeyAt(text, from);
  if (plain < text.length) return plain;
  const held = text.slice(from);
  const unfinished =
    /(?:\\+[ux]?[{0-9a-fA-F]{0,7}|&#?[xX]?[0-9a-fA-F]{0,7}|\udb40)$/.exec(held.slice(-longestEscape))?.[0].length ?? 0;
  const read = unveil(held.slice(0, held.length - unfinished));
  if (read === undefined) return plain;
  const at = openKeyAt(read.text, 0);
  return at < read.text.length ? from + read.startOf(at) : plain;
}

function openKeyAt(text: string, from: number): number {
  for (const mark of ['-----BEGIN ', 'Private-Lines: ']) {
    const at = text.lastIndexOf(mark);
    if (at >= from && openKey.test(text.slice(at))) return at;
  }
  return text.length;
}
