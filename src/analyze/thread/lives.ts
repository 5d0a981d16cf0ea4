// The life of each weakness in the code of a thread: introduced, discussed, fixed, reintroduced, or shown as a bad example.
import type { Author, FindingState } from '../../platform/documents/analysis.ts';
import type { CodeBlock } from '../conversation.ts';
import { sharesFamily } from '../knowledge/cwe-family.ts';
import { isBadExample } from './bad-example.ts';
import { isVersionOf, overlap, type Place, placeOf, plain, type Shaped, shapeOf, wordsOf } from './versions.ts';

/** A weakness at a place, before its life is known. */
export interface Located {
  block: CodeBlock;
  rule: string;
  cwe: readonly string[];
  /** From 1, in the block. */
  line: number;
  excerpt: string;
  /** A practice whose absence it is. */
  lacks?: string | null;
}
export interface LifeEvent {
  event: 'introduced' | 'discussed' | 'fixed' | 'reintroduced';
  messageIndex: number;
  author: Author;
}
export interface Life<T extends Located> {
  found: T;
  state: Exclude<FindingState, 'mentioned' | 'potential'>;
  life: LifeEvent[];
}

interface Alive<T extends Located> {
  first: T;
  latest: { block: CodeBlock; place: Place; excerpt: string };
  open: boolean;
  events: LifeEvent[];
}

/** Where a weakness class is spoken of after a place: the message, or null. */
export type SpokenOf = (cwe: readonly string[], block: CodeBlock) => { messageIndex: number; author: Author } | null;

/** Branches that the thread left are followed on their own. */
export function livesOf<T extends Located>(
  blocks: readonly CodeBlock[],
  found: readonly T[],
  spokenOf: SpokenOf,
): Life<T>[] {
  const branches = [...new Set(blocks.map(({ branch }) => branch))];
  if (found.length === 0) return [];
  return branches.flatMap((branch) => {
    const own = blocks.filter((block) => block.branch === branch);
    return livesOfBranch(own, found, spokenOf);
  });
}

function livesOfBranch<T extends Located>(
  blocks: readonly CodeBlock[],
  found: readonly T[],
  spokenOf: SpokenOf,
): Life<T>[] {
  const alive: Alive<T>[] = [];
  const examples: T[] = [];
  const byBlock = Map.groupBy(found, ({ block }) => block);
  for (const block of blocks) {
    const hits = byBlock.get(block) ?? [];
    if (hits.length === 0 && alive.length === 0) continue;
    const shaped = shapeOf(block);
    const bad = new Set(hits.filter((hit) => isBadExample(block, hit.line)));
    const real = new Set(hits.filter((hit) => !bad.has(hit)));
    const concerned = alive.filter(({ latest }) => isVersionOf(latest.block, latest.place, shaped));
    const quoted = pair(concerned, bad, shaped);
    for (const hit of quoted.values()) bad.delete(hit);
    // A block that only shows what not to do neither mends nor brings back anything.
    if (hits.length === 0 || real.size > 0) {
      const next = pair(concerned, real, shaped);
      for (const life of concerned) {
        if (quoted.has(life) && !next.has(life)) continue;
        const hit = next.get(life);
        if (hit !== undefined) real.delete(hit);
        follow(life, shaped, hit);
      }
    }
    examples.push(...bad);
    for (const hit of real) alive.push(born(hit, shaped));
  }
  const lives = alive.map((life) => ended(life, spokenOf, alive));
  return [...lives, ...examples.map((hit): Life<T> => ({ found: hit, state: 'example', life: [] }))];
}

function born<T extends Located>(hit: T, { block, ...shape }: Shaped): Alive<T> {
  const { messageIndex, author } = hit.block;
  const latest = { block, place: placeOf({ block, ...shape }, hit.line, hit.excerpt), excerpt: hit.excerpt };
  return { first: hit, latest, open: true, events: [{ event: 'introduced', messageIndex, author }] };
}

/** Who continues whom, the surest pairs first: one function may hold two weaknesses of which one is mended. */
function pair<T extends Located>(lives: readonly Alive<T>[], hits: ReadonlySet<T>, shaped: Shaped): Map<Alive<T>, T> {
  const pairs = lives.flatMap((life) =>
    [...hits]
      .map((hit) => ({ life, hit, likeness: likeness(life, hit, shaped) }))
      .filter(({ likeness }) => likeness > 0),
  );
  pairs.sort((a, b) => b.likeness - a.likeness);
  const taken = new Map<Alive<T>, T>();
  const used = new Set<T>();
  for (const { life, hit } of pairs) {
    if (taken.has(life) || used.has(hit)) continue;
    taken.set(life, hit);
    used.add(hit);
  }
  return taken;
}

/** 0 where the hit is another weakness. */
function likeness<T extends Located>(life: Alive<T>, hit: T, shaped: Shaped): number {
  const sameRule = hit.rule === life.first.rule;
  if (!sameRule && !sharesFamily(life.first.cwe, hit.cwe)) return 0;
  // What is left out is not what was written, in another form.
  if (!sameRule && isOmission(hit) !== isOmission(life.first)) return 0;
  const { place } = life.latest;
  const here = placeOf(shaped, hit.line, hit.excerpt);
  const sameName = here.name !== null && place.name !== null && plain(here.name) === plain(place.name);
  const stillThere = place.name !== null && shaped.chunks.some(({ name }) => plain(name) === plain(place.name ?? ''));
  // The function is still there under its own name: what another one does is another matter.
  if (stillThere && !sameName && here.name !== null) return 0;
  const sameText = squeezed(hit.excerpt) === squeezed(life.latest.excerpt);
  return 1 + Number(sameText) * 4 + Number(sameName) * 2 + Number(sameRule) + overlap(here.core, place.core);
}

function isOmission({ lacks }: Located): boolean {
  return lacks !== undefined && lacks !== null;
}

function follow<T extends Located>(life: Alive<T>, shaped: Shaped, hit: T | undefined): void {
  const { messageIndex, author } = shaped.block;
  if (hit !== undefined) {
    if (!life.open) life.events.push({ event: 'reintroduced', messageIndex, author });
    life.open = true;
    life.latest = { block: shaped.block, place: placeOf(shaped, hit.line, hit.excerpt), excerpt: hit.excerpt };
  } else {
    if (life.open) life.events.push({ event: 'fixed', messageIndex, author });
    life.open = false;
    const chunk = shaped.chunks.find(({ name }) => plain(name) === plain(life.latest.place.name ?? ''));
    const words = chunk === undefined ? shaped.words : wordsOf(chunk.text);
    life.latest = { ...life.latest, block: shaped.block, place: { ...life.latest.place, words } };
  }
}

function ended<T extends Located>(life: Alive<T>, spokenOf: SpokenOf, all: readonly Alive<T>[]): Life<T> {
  const events = [...life.events];
  const spoken = spokenOf(life.first.cwe, life.first.block);
  // An answer that mends one of two has spoken of that one.
  const meant = all.some(
    (other) =>
      other !== life &&
      life.open &&
      sharesFamily(other.first.cwe, life.first.cwe) &&
      other.events.some(({ event, messageIndex }) => event === 'fixed' && messageIndex === spoken?.messageIndex),
  );
  const discussed = meant ? null : spoken;
  if (discussed !== null) events.push({ event: 'discussed', ...discussed });
  events.sort((a, b) => a.messageIndex - b.messageIndex || order[a.event] - order[b.event]);
  const last = life.events.at(-1)?.event ?? 'introduced';
  // Named after it came, and nothing written against it: open, but no longer unseen.
  const state = last === 'introduced' && discussed !== null ? 'discussed' : last;
  return { found: life.first, state, life: events };
}

const order = { introduced: 0, discussed: 1, fixed: 2, reintroduced: 3 };

function squeezed(excerpt: string): string {
  return excerpt.replace(/\s+/g, ' ').trim();
}
