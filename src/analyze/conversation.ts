// A conversation as every format reader gives it: one visible thread, the branches it left, and what could not be understood.
import type { Author, Format } from '../platform/documents/analysis.ts';

export interface Conversation {
  /** The export's own id, else a hash of its content. */
  id: string;
  /** Null when the export has none; the reader of Le Chat gives the file's name. */
  title: string | null;
  /** `FILE`, or `FILE!member` inside an archive. */
  source: string;
  format: Format;
  /** The visible thread in order, then the messages of branches it left; `index` counts over both. */
  messages: Message[];
  /** Damage that was mended: `bom`, `lone-surrogate`, `mojibake`, … */
  repairs: string[];
  unread: { unknownTypes: Record<string, number>; messages: number };
}

export interface Message {
  index: number;
  author: Author;
  /** `main`, or the branch's name. */
  branch: string;
  /** ISO instant, or null. */
  at: string | null;
  model: string | null;
  /** Hidden from the reader of the conversation: custom instructions, memory. */
  hidden: boolean;
  /** A tool ended with an error. */
  failed: boolean;
  parts: Part[];
}

export type Part =
  /** Markdown as written; fences in it are found by the extractor. */
  | { kind: 'prose'; text: string }
  /** Code that the format itself marks as such: a canvas, an artifact, an interpreter's input. `file` ties versions of one document together. */
  | { kind: 'code'; text: string; language: string | null; file?: string }
  /** What a tool printed. */
  | { kind: 'output'; text: string }
  /** A file somebody sent; it belongs to the message's author. */
  | { kind: 'attachment'; name: string; text: string | null };

/** A piece of code of a message, found by fence, by format or by reconstruction. */
export interface CodeBlock {
  messageIndex: number;
  author: Author;
  branch: string;
  /** From 1: where it starts in the message's text. */
  messageLine: number;
  /** A language of the rule engine, or `unknown`. */
  language: string;
  /** How the language is known. */
  languageBy: 'label' | 'grammar' | 'file-name' | 'format';
  /** The name of a language that no rule knows. */
  withoutRules?: string;
  text: string;
  /** The document it is a version of, when known. */
  file?: string;
  /** The answer ended before the code did. */
  cutOff?: true;
  /** The prose just before and after, for the question whether it is a bad example. */
  before: string;
  after: string;
}

/** Something that was in the input, in order: a conversation, or what could not be read as one. */
export type ReadItem =
  | { kind: 'conversation'; conversation: Conversation }
  | { kind: 'broken'; source: string; id: string; title: string | null; format: Format; code: string; why: string }
  | { kind: 'not-a-conversation'; source: string; why: string };
