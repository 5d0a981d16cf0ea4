// The life of each weakness in the code of a thread: introduced, discussed, fixed, reintroduced, or shown as a bad example.
import type { Author, FindingState } from '../../platform/documents/analysis.ts';
import type { CodeBlock } from '../conversation.ts';
import { isBadExample } from './bad-example.ts';
import { type CodeShape, enclosing, isVersionOf, shapeOf } from './versions.ts';

/** A weakness at a place, before its life is known. */
export interface Located {
  block: CodeBlock;
  rule: string;
  cwe: readonly string[];
  /** From 1, in the block. */
  line: number;
  excerpt: string;
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
  name: string | null;
  latest: { block: CodeBlock; shape: CodeShape };
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
    const shaped = { block, shape: shapeOf(block.text) };
    const bad = hits.filter((hit) => isBadExample(block, hit.line));
    const real = new Set(hits.filter((hit) => !bad.includes(hit)));
    const onlyBad = bad.length > 0 && real.size === 0;
    for (const life of alive) {
      if (!isVersionOf(life.latest, shaped, life.name)) continue;
      const quoted = bad.find((hit) => sameWeakness(life, hit));
      if (quoted !== undefined) bad.splice(bad.indexOf(quoted), 1);
      // A block that only shows what not to do neither mends nor brings back anything.
      if (!onlyBad) follow(life, shaped, real);
    }
    examples.push(...bad);
    for (const hit of real) alive.push(born(hit, shaped));
  }
  const lives = alive.map((life) => ended(life, spokenOf));
  return [...lives, ...examples.map((hit): Life<T> => ({ found: hit, state: 'example', life: [] }))];
}

function born<T extends Located>(hit: T, latest: Alive<T>['latest']): Alive<T> {
  const { messageIndex, author } = hit.block;
  const name = enclosing(hit.block.text, hit.line);
  return { first: hit, name, latest, open: true, events: [{ event: 'introduced', messageIndex, author }] };
}

/** Takes from `hits` the one that continues this life. */
function follow<T extends Located>(life: Alive<T>, version: Alive<T>['latest'], hits: Set<T>): void {
  const same = [...hits].filter((hit) => sameWeakness(life, hit));
  const next = same.find((hit) => plain(hit.excerpt) === plain(life.first.excerpt)) ?? same[0];
  const { messageIndex, author } = version.block;
  life.latest = version;
  if (next !== undefined) {
    hits.delete(next);
    if (!life.open) life.events.push({ event: 'reintroduced', messageIndex, author });
    life.open = true;
  } else if (life.open) {
    life.events.push({ event: 'fixed', messageIndex, author });
    life.open = false;
  }
}

function sameWeakness<T extends Located>(life: Alive<T>, hit: T): boolean {
  const related = hit.rule === life.first.rule || hit.cwe[0] === life.first.cwe[0];
  if (!related) return false;
  const name = enclosing(hit.block.text, hit.line);
  return name === null || life.name === null || name === life.name || !life.latest.shape.defines.has(name);
}

function ended<T extends Located>(life: Alive<T>, spokenOf: SpokenOf): Life<T> {
  const events = [...life.events];
  const discussed = spokenOf(life.first.cwe, life.first.block);
  if (discussed !== null) events.push({ event: 'discussed', ...discussed });
  events.sort((a, b) => a.messageIndex - b.messageIndex || order[a.event] - order[b.event]);
  const last = life.events.at(-1)?.event ?? 'introduced';
  // Named after it came, and nothing written against it: open, but no longer unseen.
  const state = last === 'introduced' && discussed !== null ? 'discussed' : last;
  return { found: life.first, state, life: events };
}

const order = { introduced: 0, discussed: 1, fixed: 2, reintroduced: 3 };

function plain(excerpt: string): string {
  return excerpt.replace(/\s+/g, ' ').trim();
}
