// A state as places with a fingerprint each, so that two of them can be compared without showing what they hold.
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { Json } from '../../platform/base/json.ts';
import { readState } from './check-state.ts';
import { type NamedState, StateUnfit } from './named-state.ts';
import { listTree, readSteadily, type TreeLimits } from './read-tree.ts';

export type Outline = ReadonlyMap<string, string>;

export interface OutlineChange {
  change: 'add' | 'remove' | 'modify';
  path: string;
}

/** Empty for what cannot be read: then everything of the other is new. */
export async function outlineOf(state: NamedState, limits: TreeLimits, at: string): Promise<Outline> {
  try {
    if (state.format === 'directory') return await outlineOfFolder(at, limits);
    const content = await readState(state, limits, at);
    const places = new Map<string, string>();
    if (typeof content === 'string')
      for (const [n, line] of content.split('\n').entries()) places.set(`${n + 1}`, line);
    else flatten(content, '', places);
    return places;
  } catch (error) {
    if (error instanceof StateUnfit) return new Map();
    throw error;
  }
}

/** From one to the other, by the order of the places. */
export function compareOutlines(from: Outline, to: Outline): OutlineChange[] {
  const changes: OutlineChange[] = [];
  for (const [path, value] of from)
    if (!to.has(path)) changes.push({ change: 'remove', path });
    else if (to.get(path) !== value) changes.push({ change: 'modify', path });
  for (const path of to.keys()) if (!from.has(path)) changes.push({ change: 'add', path });
  return changes;
}

async function outlineOfFolder(root: string, limits: TreeLimits): Promise<Outline> {
  const places = new Map<string, string>();
  for (const entry of await listTree(root, limits)) {
    if (entry.kind === 'link') places.set(entry.path, `-> ${entry.target}`);
    if (entry.kind !== 'file') continue;
    const hash = createHash('sha256');
    await readSteadily(join(root, entry.path), limits.maxBytes, (bytes) => void hash.update(bytes));
    places.set(entry.path, hash.digest('hex'));
  }
  return places;
}

function flatten(value: Json, path: string, places: Map<string, string>): void {
  const below = typeof value === 'object' && value !== null ? Object.entries(value) : [];
  if (below.length === 0) places.set(path === '' ? '.' : path, JSON.stringify(value));
  for (const [key, inner] of below) flatten(inner as Json, path === '' ? key : `${path}.${key}`, places);
}
