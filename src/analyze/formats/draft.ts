// A conversation while a format reader fills it: numbers its messages, counts what was not understood.
import { createHash } from 'node:crypto';
import type { Author, Format } from '../../platform/documents/analysis.ts';
import type { Conversation, Message, Part } from '../conversation.ts';

export interface Place {
  /** As the report names it: `FILE`, or `FILE!member`. */
  source: string;
  /** The file's name without its ending. */
  name: string;
  /** Texts that were sent in it and lie beside it, by their names. */
  files?: Readonly<Record<string, string>>;
}

export interface Said {
  author: Author;
  parts: Part[];
  branch?: string;
  at?: string | null;
  model?: string | null;
  hidden?: boolean;
  failed?: boolean;
  /** Types in it that nobody knows; what text they hold is among the parts. */
  unknown?: string[];
}

export interface Draft {
  say(said: Said): void;
  /** Something that stands outside the messages and is not understood. */
  unknown(type: string): void;
  repaired(what: string): void;
  finish(): Conversation;
}

export function draft(format: Format, place: Place, named: { id: unknown; title: unknown }): Draft {
  const messages: Message[] = [];
  const unknownTypes = new Map<string, number>();
  const repairs = new Set<string>();
  let unread = 0;
  const unknown = (type: string) => unknownTypes.set(type, (unknownTypes.get(type) ?? 0) + 1);
  return {
    say(said) {
      for (const type of said.unknown ?? []) unknown(shortType(type));
      if (said.unknown !== undefined && said.unknown.length > 0) unread++;
      messages.push({
        index: messages.length,
        author: said.author,
        branch: said.branch ?? 'main',
        at: said.at ?? null,
        model: said.model ?? null,
        hidden: said.hidden ?? false,
        failed: said.failed ?? false,
        parts: said.parts,
      });
    },
    unknown: (type) => unknown(shortType(type)),
    repaired: (what) => repairs.add(what),
    finish: () => ({
      id: typeof named.id === 'string' && named.id !== '' ? named.id : idOf(messages),
      title: typeof named.title === 'string' && named.title.trim() !== '' ? named.title.trim() : null,
      source: place.source,
      format,
      messages,
      repairs: [...repairs].sort(),
      unread: { unknownTypes: Object.fromEntries([...unknownTypes].sort(byName)), messages: unread },
    }),
  };
}

/** A hash of what was said, for exports that name nothing. */
function idOf(messages: readonly Message[]): string {
  const hash = createHash('sha256');
  for (const { author, parts } of messages) hash.update(JSON.stringify([author, parts]));
  return hash.digest('hex').slice(0, 16);
}

/** Types come from the export: one that is long or odd must not fill the report. */
function shortType(type: string): string {
  const clean = type.replace(/[^\p{L}\p{N}_.:/-]+/gu, ' ').trim();
  return clean === '' ? '(no type)' : clean.slice(0, 60);
}

function byName([a]: [string, number], [b]: [string, number]): number {
  return a < b ? -1 : 1;
}
