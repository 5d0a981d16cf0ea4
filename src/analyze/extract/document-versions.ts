// Documents that a conversation writes bit by bit (canvas, artifacts, files): each change gives the whole text anew.
import { createContext, Script } from 'node:vm';

export interface Version {
  text: string;
  language: string | null;
}
/** Shared by the branches of a tree: a change makes a new map. */
export type Documents = ReadonlyMap<string, Version>;

export const noDocuments: Documents = new Map();

export function withVersion(documents: Documents, file: string, version: Version): Documents {
  return new Map(documents).set(file, version);
}

/** The text after one replacement, or null where the old text is not in it: the document's start was not exported. */
export function replaced(text: string, old: string, fresh: string): string | null {
  const at = old === '' ? -1 : text.indexOf(old);
  return at < 0 ? null : text.slice(0, at) + fresh + text.slice(at + old.length);
}

const everything = new Set(['.*', '(?s).*', '(?s)^.*$', '^.*$', '[\\s\\S]*', '.+', '(?s).+', '\\A.*\\Z', '(?s:.*)']);
const matchingMs = 200;

/**
 * One update of a canvas: a Python pattern and its replacement. Patterns come from the export, so the matching has a
 * deadline; null when the pattern is not found, is no regular expression or takes too long.
 */
export function patternReplaced(text: string, pattern: string, fresh: string, multiple: boolean): string | null {
  if (everything.has(pattern)) return fresh;
  const plain = replaced(text, pattern, fresh);
  if (plain !== null && !multiple) return plain;
  try {
    const flags = /^\(\?[a-z]*s/.test(pattern) ? 's' : '';
    const source = pattern
      .replace(/^\(\?[a-z]+\)/, '')
      .replaceAll('\\A', '^')
      .replace(/\\Z$/, '$');
    const world = createContext({ source, flags: `${flags}m${multiple ? 'g' : ''}`, text, fresh });
    const changed: unknown = script.runInContext(world, { timeout: matchingMs });
    return typeof changed === 'string' ? changed : null;
  } catch {
    return null;
  }
}

const script = new Script(
  'const found = new RegExp(source, flags); found.test(text) ? text.replace(new RegExp(source, flags), () => fresh) : null',
);
