// Puts the pieces of one file together that were given across turns, so that imports and callers are seen in one text.
import type { CodeBlock } from '../conversation.ts';

export interface StitchedFile {
  file: string;
  language: string;
  branch: string;
  text: string;
  /** For each line of the text, from 1: the block it came from and its line there, both as given. */
  lines: { block: CodeBlock; line: number }[];
}

interface Chunk {
  /** What it defines at the left edge, or null for lines between definitions. */
  name: string | null;
  lines: { text: string; block: CodeBlock; line: number }[];
}

/** A definition at the left edge, with what belongs to it (decorators and comments just above stay with the lines before). */
const definition =
  /^(?:export\s+)?(?:default\s+)?(?:async\s+)?(?:public\s+|static\s+|abstract\s+)*(?:def|class|function\*?|func(?:\s+\([^)]*\))?|fn|interface|type|struct|const|let|var)\s+([A-Za-z_$][\w$]*)/;

/**
 * The files that several blocks of a branch give in pieces. A block that gives most of what the file already defines
 * stands for the whole file; another replaces the definitions it repeats and adds the rest.
 */
export function stitchFiles(blocks: readonly CodeBlock[]): StitchedFile[] {
  const named = blocks.filter((block) => block.file !== undefined && block.language !== 'unknown');
  const groups = Map.groupBy(named, (block) => `${block.branch}\0${block.file}\0${block.language}`);
  return [...groups.values()].filter((group) => group.length > 1).map(stitched);
}

function stitched(group: readonly CodeBlock[]): StitchedFile {
  const last = group.at(-1)!;
  let chunks: Chunk[] = [];
  for (const block of group) {
    const fresh = chunksOf(block);
    chunks = isWhole(chunks, fresh) ? fresh : withChanges(chunks, fresh);
  }
  const lines = chunks.flatMap((chunk) => chunk.lines);
  return {
    file: last.file ?? '',
    language: last.language,
    branch: last.branch,
    text: lines.map(({ text }) => text).join('\n'),
    lines: lines.map(({ block, line }) => ({ block, line })),
  };
}

function chunksOf(block: CodeBlock): Chunk[] {
  const chunks: Chunk[] = [{ name: null, lines: [] }];
  block.text.split('\n').forEach((text, i) => {
    const name = definition.exec(text)?.[1];
    if (name !== undefined) chunks.push({ name, lines: [] });
    chunks.at(-1)?.lines.push({ text, block, line: i + 1 });
  });
  return chunks.filter(({ lines }) => lines.length > 0);
}

function isWhole(known: readonly Chunk[], fresh: readonly Chunk[]): boolean {
  const names = known.flatMap(({ name }) => name ?? []);
  if (names.length === 0) return repeats(known, fresh);
  const given = new Set(fresh.map(({ name }) => name));
  return names.filter((name) => given.has(name)).length / names.length > 0.6;
}

/** Of a beginning without definitions (imports, settings): does the next piece give it again, or go on from it? */
function repeats(known: readonly Chunk[], fresh: readonly Chunk[]): boolean {
  if (fresh.every(({ name }) => name === null)) return true;
  const given = new Set(fresh.flatMap(({ lines }) => lines.map(({ text }) => text)));
  const before = known.flatMap(({ lines }) => lines.map(({ text }) => text)).filter((text) => text.trim() !== '');
  return before.filter((text) => given.has(text)).length >= 0.6 * before.length;
}

/** Lines before the first definition (imports) that are not yet there go to the top. */
function withChanges(known: readonly Chunk[], fresh: readonly Chunk[]): Chunk[] {
  const there = new Set(known.flatMap(({ name, lines }) => (name === null ? lines.map(({ text }) => text) : [])));
  const changes = new Map(fresh.flatMap((chunk) => (chunk.name === null ? [] : [[chunk.name, chunk] as const])));
  const kept = known.map((chunk) => (chunk.name === null ? chunk : (take(changes, chunk.name) ?? chunk)));
  const head = fresh
    .filter(({ name }) => name === null)
    .map((chunk) => ({ ...chunk, lines: chunk.lines.filter(({ text }) => text.trim() !== '' && !there.has(text)) }));
  return [...head.filter(({ lines }) => lines.length > 0), ...kept, ...changes.values()];
}

function take(changes: Map<string, Chunk>, name: string): Chunk | undefined {
  const chunk = changes.get(name);
  changes.delete(name);
  return chunk;
}
