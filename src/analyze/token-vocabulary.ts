// A public token vocabulary as tables of numbers: how many tokens a piece of text becomes under byte pair encoding.

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { charCodeAt } from '../platform/base/char-code-at.ts';

export type VocabularyName = 'o200k_base' | 'cl100k_base';

/** Bytes that `ranks` looks up, without a string made for any of them. */
interface Vocabulary {
  /** The rank of bytes[from, to), or -1 when they are no token. */
  rankOf(bytes: Uint8Array, from: number, to: number): number;
}

const slots = 2 ** 19;
const rankBits = 18;
const rankMask = 2 ** rankBits - 1;
const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

/** Reads lines of `base64 rank`: 0.1 s and 5 MB, where a map of strings takes 0.4 s and 40 MB. */
function loadVocabulary(name: VocabularyName): Vocabulary {
  const file = readFileSync(fileURLToPath(import.meta.resolve(`gpt-tokenizer/data/${name}.tiktoken`)));
  const sixBits = new Uint8Array(128);
  for (let i = 0; i < letters.length; i++) sixBits[letters.charCodeAt(i)] = i;
  const blob = new Uint8Array(Math.ceil((file.length * 3) / 4));
  const starts = new Uint32Array(rankMask + 1);
  const ends = new Uint32Array(rankMask + 1);
  // Each slot holds a part of the hash and the rank; 0 is empty, so ranks count from 1 here.
  const table = new Int32Array(slots);
  // Every piece begins with its pairs of bytes: those are looked up by themselves.
  const ofPairs = new Int32Array(2 ** 16).fill(-1);
  let filled = 0;
  let longest = 0;
  for (let at = 0; at < file.length; at++) {
    const start = filled;
    let bits = 0;
    let held = 0;
    for (; file[at] !== 32; at++) {
      if (file[at] === 61) continue;
      bits = (bits << 6) | sixBits[file[at]!]!;
      held += 6;
      if (held >= 8) {
        held -= 8;
        blob[filled++] = (bits >> held) & 255;
      }
    }
    let rank = 0;
    for (at++; at < file.length && file[at] !== 10; at++) rank = rank * 10 + file[at]! - 48;
    starts[rank] = start;
    ends[rank] = filled;
    longest = Math.max(longest, filled - start);
    if (filled - start === 2) ofPairs[(blob[start]! << 8) | blob[start + 1]!] = rank;
    const hash = hashOf(blob, start, filled);
    let slot = hash & (slots - 1);
    while (table[slot] !== 0) slot = (slot + 1) & (slots - 1);
    table[slot] = (hash & ~rankMask) | (rank + 1);
  }
  return {
    rankOf(bytes, from, to) {
      if (to - from === 2) return ofPairs[(bytes[from]! << 8) | bytes[from + 1]!]!;
      if (to - from > longest) return -1;
      const hash = hashOf(bytes, from, to);
      for (let slot = hash & (slots - 1); table[slot] !== 0; slot = (slot + 1) & (slots - 1)) {
        const found = table[slot]!;
        if ((found ^ hash) >>> rankBits !== 0) continue;
        const rank = (found & rankMask) - 1;
        const start = starts[rank]!;
        if (ends[rank]! - start !== to - from) continue;
        let i = from;
        while (i < to && blob[start + i - from] === bytes[i]) i++;
        if (i === to) return rank;
      }
      return -1;
    },
  };
}

function hashOf(bytes: Uint8Array, from: number, to: number): number {
  let hash = 0x811c9dc5;
  for (let i = from; i < to; i++) hash = Math.imul(hash ^ bytes[i]!, 0x01000193);
  hash ^= hash >>> 15;
  hash = Math.imul(hash, 0x2c1b3c6d);
  return hash ^ (hash >>> 13);
}

/** Longer pieces are rare, and joined with a heap. */
const shortPiece = 40;

/** Counts the tokens of a piece that the vocabulary's pattern does not cut. */
export function pieceCounter(name: VocabularyName): (piece: string) => number {
  const { rankOf } = loadVocabulary(name);
  let room = 256;
  let bytes = new Uint8Array(room * 3);
  const encoder = new TextEncoder();
  const mergeShort = shortMerger(rankOf);
  let merge = merger(rankOf, room * 3);
  return (piece) => {
    if (piece.length > room) {
      room = piece.length * 2;
      bytes = new Uint8Array(room * 3);
      merge = merger(rankOf, room * 3);
    }
    const written = latinInto(piece, bytes) ?? encoder.encodeInto(piece, bytes).written;
    if (written < 2 || rankOf(bytes, 0, written) >= 0) return 1;
    return written <= shortPiece ? mergeShort(bytes, written) : merge(bytes, written);
  };
}

/** A short word as UTF-8 without a call out of JavaScript; null where it is not short, or holds other than Latin letters. */
function latinInto(piece: string, bytes: Uint8Array): number | null {
  if (piece.length > shortPiece) return null;
  let at = 0;
  for (let i = 0, { length } = piece; i < length; i++) {
    const code = charCodeAt(piece, i);
    if (code < 128) bytes[at++] = code;
    else if (code < 0x800) {
      bytes[at++] = 0xc0 | (code >> 6);
      bytes[at++] = 0x80 | (code & 63);
    } else return null;
  }
  return at;
}

/** As `merger` does, by looking at all pairs that are left: for a word that is faster. */
function shortMerger(rankOf: Vocabulary['rankOf']): (bytes: Uint8Array, length: number) => number {
  /** Where each part begins, and behind the last one where it ends. */
  const starts = new Int32Array(shortPiece + 1);
  const ranks = new Int32Array(shortPiece);
  const none = 2 ** 30;
  const rank = (bytes: Uint8Array, part: number, parts: number) => {
    const found = part + 1 < parts ? rankOf(bytes, starts[part]!, starts[part + 2]!) : -1;
    return found < 0 ? none : found;
  };
  return (bytes, length) => {
    let parts = length;
    for (let part = 0; part <= length; part++) starts[part] = part;
    for (let part = 0; part < length; part++) ranks[part] = rank(bytes, part, parts);
    for (;;) {
      let least = 0;
      for (let part = 1; part < parts - 1; part++) if (ranks[part]! < ranks[least]!) least = part;
      if (parts < 2 || ranks[least] === none) return parts;
      starts.copyWithin(least + 1, least + 2, parts + 1);
      ranks.copyWithin(least + 1, least + 2, parts);
      parts--;
      ranks[least] = rank(bytes, least, parts);
      if (least > 0) ranks[least - 1] = rank(bytes, least - 1, parts);
    }
  };
}

/**
 * Joins neighbours, the lowest rank first and of equal ranks the leftmost, until no pair is a token. A heap of pairs, in
 * which those that are no more are passed over: n log n, so that a text without white space costs no more than another.
 */
function merger(rankOf: Vocabulary['rankOf'], most: number): (bytes: Uint8Array, length: number) => number {
  const next = new Int32Array(most + 1);
  const before = new Int32Array(most + 1);
  /** Of the pair that begins at a place; -1 when there is none. */
  const ranks = new Int32Array(most + 1);
  const heap = new Float64Array(2 * most + 2);
  return (bytes, length) => {
    let size = 0;
    const push = (at: number) => {
      const second = next[at]!;
      const rank = second < length ? rankOf(bytes, at, next[second]!) : -1;
      ranks[at] = rank;
      if (rank >= 0) size = sift(heap, size, rank * 2 ** 32 + at);
    };
    for (let at = 0; at < length; at++) {
      next[at] = at + 1;
      before[at] = at - 1;
    }
    for (let at = 0; at + 1 < length; at++) push(at);
    let count = length;
    while (size > 0) {
      const least = heap[0]!;
      size = drop(heap, size);
      const at = least % 2 ** 32;
      if (ranks[at] !== (least - at) / 2 ** 32) continue;
      const joined = next[at]!;
      next[at] = next[joined]!;
      if (next[at]! < length) before[next[at]!] = at;
      ranks[joined] = -1;
      count--;
      push(at);
      if (before[at]! >= 0) push(before[at]!);
    }
    return count;
  };
}

function sift(heap: Float64Array, size: number, entry: number): number {
  let at = size;
  while (at > 0) {
    const parent = (at - 1) >> 1;
    if (heap[parent]! <= entry) break;
    heap[at] = heap[parent]!;
    at = parent;
  }
  heap[at] = entry;
  return size + 1;
}

/** Takes the least away. */
function drop(heap: Float64Array, size: number): number {
  const last = heap[size - 1]!;
  const left = size - 1;
  let at = 0;
  for (let child = 1; child < left; child = 2 * at + 1) {
    if (child + 1 < left && heap[child + 1]! < heap[child]!) child++;
    if (heap[child]! >= last) break;
    heap[at] = heap[child]!;
    at = child;
  }
  heap[at] = last;
  return left;
}
