// Every text of a call that a model will read, with the role that speaks it: messages, tool results, tool arguments, descriptions of tools.
import type { Json, JsonObject } from '../../platform/base/json.ts';
import { mask } from '../../platform/inspection/mask.ts';
import { findPersonalData } from '../../platform/inspection/personal-data.ts';
import { findSecrets } from '../../platform/inspection/secrets.ts';
import type { PromptCategory } from '../screening/policy.ts';
import { type Role, roles } from '../screening/verdict.ts';
import type { ChatCall, ReplyEvent } from './dialects/dialect.ts';
import { objectOr } from './dialects/json-reading.ts';

export interface CallText {
  role: Role;
  text: string;
  /** Index of the message; undefined for what stands beside the messages. */
  turn: number | undefined;
}

/** What an answer was made of, as a client sends it back: its text, the arguments of its tool calls, each text in them. */
export function textsOfAnswer(events: readonly ReplyEvent[]): string[] {
  const parts = new Map<string, string>();
  const add = (name: string, text: string | undefined) => parts.set(name, (parts.get(name) ?? '') + (text ?? ''));
  for (const event of events) {
    if (event.kind !== 'delta') continue;
    add(`${event.index} text`, event.text);
    add(`${event.index} thinking`, event.thinking);
    for (const [at, call] of (event.toolCalls ?? []).entries()) {
      const { index, function: from } = objectOr(call) ?? {};
      const args = objectOr(from)?.['arguments'];
      const own = objectOr(from)?.['index'] ?? index ?? at;
      add(`${event.index} call ${String(own)}`, typeof args === 'string' ? args : JSON.stringify(args ?? {}));
    }
  }
  return [...parts.values()].flatMap((text) => [text, ...argumentsIn(text).slice(0, mostArguments)]);
}

function argumentsIn(text: string): string[] {
  if (!/^\s*[{[]/.test(text)) return [];
  try {
    const read = JSON.parse(text) as Json;
    return [JSON.stringify(read), ...stringsIn(read)];
  } catch {
    return [];
  }
}

/** Names and marks of the protocol, and images: without a space in them. What has one is words, whatever it stands under. */
const noWords: ReadonlySet<string> = new Set(['role', 'type', 'id', 'tool_call_id', 'images', 'image_url', 'index']);
/** Settings that are numbers. */
const noTexts: ReadonlySet<string> = new Set(['logit_bias', 'service_tier']);
/** A key of an argument or a schema that is no name but says something: four words or more. */
const manyWords = /[\s_-][^\s_-]+[\s_-]+[^\s_-]+[\s_-]/;
/** Texts remembered of one tool call. */
const mostArguments = 200;

export function textsOf(call: ChatCall): CallText[] {
  const texts: CallText[] = [];
  for (let turn = 0; turn < call.turns.length; turn++) {
    const { role: name, text, native } = call.turns[turn]!;
    const role = roles.find((known) => known === name) ?? 'user';
    if (text !== '') texts.push({ role, text, turn });
    if (isPlain(native, text)) continue;
    for (const more of stringsIn(native)) if (more !== text && more.length > 2) texts.push({ role, text: more, turn });
  }
  const beside: string[] = [];
  for (const key in call.native) if (!noTexts.has(key)) collect(call.native[key], false, beside);
  const described = beside.filter((text) => text.length > 12);
  if (described.length > 0) texts.push({ role: 'system', text: described.join('\n'), turn: undefined });
  return texts;
}

/** Nothing but a role and the text itself, as most messages are. */
function isPlain(native: JsonObject, text: string): boolean {
  if (native['content'] !== text || /^\s*[{[]/.test(text)) return false;
  for (const key in native) if (key !== 'content' && key !== 'role') return false;
  return true;
}

function stringsIn(value: Json | undefined): string[] {
  const found: string[] = [];
  collect(value, false, found);
  return found;
}

/** Into one list: most messages have nothing beside their text, and should not pay for ten empty ones. */
function collect(value: Json | undefined, onlyWords: boolean, found: string[]): void {
  if (typeof value === 'string') {
    if (onlyWords && !/\s/.test(value)) return;
    found.push(value);
    for (const inside of insideJson(value)) found.push(inside);
  } else if (Array.isArray(value)) for (const entry of value) collect(entry, onlyWords, found);
  else if (typeof value === 'object' && value !== null)
    for (const key of Object.keys(value)) {
      if (saysSomething(key)) found.push(...saidBy(key));
      collect(value[key], onlyWords || noWords.has(key), found);
    }
}

/** Names are by far the most, and have at most one such sign: the pattern alone took 4 µs of each request. */
function saysSomething(key: string): boolean {
  let between = 0;
  for (let at = 0; at < key.length; at++) {
    const code = key.charCodeAt(at);
    if (code <= 32 || code === 45 || code === 95 || code >= 0xa0) between++;
  }
  return between > 2 && manyWords.test(key);
}

/** As words, and as it stands: many secrets have such a line in them. */
function saidBy(key: string): string[] {
  return key.includes('_') ? [key.replaceAll('_', ' '), key] : [key];
}

/** Tool arguments are JSON in a string: escapes in them would hide words. */
function insideJson(text: string): string[] {
  if (!/^\s*[{[]/.test(text) || !text.includes('\\')) return [];
  try {
    return stringsIn(JSON.parse(text) as Json);
  } catch {
    return [];
  }
}

/** Without these messages. */
export function withoutTurns(call: ChatCall, dropped: ReadonlySet<number>): ChatCall {
  return { ...call, turns: call.turns.filter((_, index) => !dropped.has(index)) };
}

/** What is to be masked, by the message; undefined for what stands beside the messages. */
export type ToMask = ReadonlyMap<number | undefined, ReadonlySet<PromptCategory>>;

/** With each secret or personal datum that is to be masked replaced by a mark. */
export function maskTurns(call: ChatCall, toMask: ToMask): ChatCall {
  const turns = call.turns.map((turn, index) => {
    const categories = toMask.get(index);
    if (categories === undefined) return turn;
    const native = maskDeep(turn.native, categories) as JsonObject;
    return { ...turn, text: maskText(turn.text, categories), native };
  });
  const beside = toMask.get(undefined);
  return { ...call, turns, native: beside === undefined ? call.native : (maskDeep(call.native, beside) as JsonObject) };
}

function maskText(text: string, categories: ReadonlySet<PromptCategory>): string {
  const hits = [
    ...(categories.has('secret')
      ? findSecrets(text).filter(({ placeholder, confidence }) => !placeholder && confidence !== 'doubtful')
      : []),
    ...(categories.has('personal-data') ? findPersonalData(text) : []),
  ];
  return hits.length === 0 ? text : mask(text, hits);
}

function maskDeep(value: Json, categories: ReadonlySet<PromptCategory>): Json {
  if (typeof value === 'string') return maskText(value, categories);
  if (Array.isArray(value)) return value.map((entry) => maskDeep(entry, categories));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, entry]) => [
      maskText(key, categories),
      noWords.has(key) ? entry : maskDeep(entry, categories),
    ]),
  );
}
