// Screens an answer's events on their way out: one filter for each choice's text, each thought, each tool call's arguments.
import { RempartError } from '../../platform/base/errors.ts';
import type { Json, JsonObject } from '../../platform/base/json.ts';
import { type AnswerSettings, screenAnswer } from '../screening/answers.ts';
import { createStreamFilter, type StreamFilter } from '../screening/answers-stream.ts';
import type { AnswerCategory } from '../screening/policy.ts';
import type { ReplyEvent } from './dialects/dialect.ts';
import { objectOr } from './dialects/json-reading.ts';

export interface AnswerFilter {
  /** What may go out now. Never throws: a check that fails refuses the answer. */
  take(event: ReplyEvent): ReplyEvent[];
  /** Nothing follows: what was still held. */
  end(): ReplyEvent[];
  /** Why nothing more goes out. */
  refusal(): RempartError | undefined;
  findings(): readonly { category: AnswerCategory; rule: string }[];
  /** Why, when the check itself failed. */
  failed(): { cause: unknown } | undefined;
}

type Delta = Extract<ReplyEvent, { kind: 'delta' }>;

/** What comes before the arguments of a tool's call. */
interface Head {
  id: string;
  name: string;
  /** The first piece, in its own words. */
  call: JsonObject;
  isOut: boolean;
}

interface Choice {
  text: StreamFilter;
  thinking: StreamFilter;
  tools: Map<number, StreamFilter>;
  /** What stands beside texts: names and ids, each in one piece. */
  beside: StreamFilter[];
  /** By a tool call's index. */
  heads: Map<number, Head>;
  begun: boolean;
  finished: boolean;
}

/** `whole`: the events are of an answer that came in one piece, each tool call complete. */
export function createAnswerFilter(settings: AnswerSettings, whole: boolean): AnswerFilter {
  const choices = new Map<number, Choice>();
  // An id is often a number, which is nobody's.
  const others = { 'personal-data': 'pass', internal: 'pass', 'system-prompt': 'pass' } as const;
  const secretsOnly: AnswerSettings = { ...settings, policy: { ...settings.policy, ...others } };
  let refused: RempartError | undefined;
  let broken: { cause: unknown } | undefined;

  function holdsSecret(value: Json): boolean {
    return screenAnswer(JSON.stringify(value), secretsOnly).findings.length > 0;
  }

  function choiceOf(index: number): Choice {
    let choice = choices.get(index);
    if (choice === undefined) {
      choice = {
        text: createStreamFilter(settings, whole),
        thinking: createStreamFilter(settings, whole),
        tools: new Map(),
        beside: [],
        heads: new Map(),
        begun: false,
        finished: false,
      };
      choices.set(index, choice);
    }
    return choice;
  }

  function filtersOf({ text, thinking, tools, beside }: Choice): StreamFilter[] {
    return [text, thinking, ...tools.values(), ...beside];
  }

  /** Asked after each piece, so without a list of the filters. */
  function blockedIn({ text, thinking, tools, beside }: Choice): AnswerCategory | undefined {
    let category = text.blocked() ?? thinking.blocked();
    if (tools.size > 0) for (const filter of tools.values()) category ??= filter.blocked();
    for (const filter of beside) category ??= filter.blocked();
    return category;
  }

  function delta(event: Delta): ReplyEvent[] {
    const choice = choiceOf(event.index);
    // What was let go at the end cannot be looked at again together with what follows.
    if (choice.finished) return [];
    const out: Delta = { kind: 'delta', index: event.index };
    const text = choice.text.push(event.text ?? '');
    const thinking = choice.thinking.push(event.thinking ?? '');
    if (text !== '') out.text = text;
    if (thinking !== '') out.thinking = thinking;
    if (event.toolCalls !== undefined) {
      const calls = event.toolCalls.flatMap((call, at) => toolCall(choice, call, at));
      if (calls.length > 0) out.toolCalls = calls;
    }
    // They spell out the tokens, so they may go only with a text that is unchanged and whole.
    const unchanged = text === (event.text ?? '') && choice.text.heldBack() === 0;
    if (event.logprobs !== undefined && unchanged && !holdsSecret(event.logprobs)) out.logprobs = event.logprobs;
    // The first piece goes on even when all of it is held: the client sees that the answer has begun.
    const isFirst = !choice.begun;
    choice.begun = true;
    return isFirst || Object.keys(out).length > 2 ? [out] : [];
  }

  function toolCall(choice: Choice, given: Json, position: number): Json[] {
    const call = objectOr(given);
    const from = objectOr(call?.['function']);
    if (call === undefined || from === undefined) return [given];
    const own = from['index'] ?? call['index'];
    const index = typeof own === 'number' ? own : position;
    const args = from['arguments'];
    if (whole || typeof args !== 'string') {
      const id = fit(choice, call['id']);
      const name = fit(choice, from['name']);
      const called = { ...from, ...(name === undefined ? {} : { name }), arguments: deep(choice, args ?? {}) };
      return [{ ...call, ...(id === undefined ? {} : { id }), function: called }];
    }
    const head = choice.heads.get(index) ?? { id: '', name: '', call, isOut: false };
    const others = choice.heads.has(index) ? [] : headsOf(choice);
    choice.heads.set(index, head);
    head.id = longer(head.id, call['id']);
    head.name = longer(head.name, from['name']);
    let filter = choice.tools.get(index);
    if (filter === undefined) {
      filter = createStreamFilter(settings);
      choice.tools.set(index, filter);
    }
    const shown = filter.push(args);
    if (head.isOut) return [{ index, function: { arguments: shown } }];
    return args === '' ? others : [...others, headOf(choice, index, head, shown)];
  }

  function fit(choice: Choice, given: Json | undefined): string | undefined {
    return typeof given === 'string' && given !== '' ? inOnePiece(choice, given, secretsOnly) : undefined;
  }

  /** A name and an id go out in one piece each: clients put together what comes in several, and a secret may be cut there too. */
  function headOf(choice: Choice, index: number, head: Head, args: string): JsonObject {
    head.isOut = true;
    const { id: _id, function: _function, index: _index, ...others } = head.call;
    const [id, name] = [fit(choice, head.id), fit(choice, head.name)];
    const called = { ...(name === undefined ? {} : { name }), arguments: args };
    return { index, ...(id === undefined ? {} : { id }), ...others, function: called };
  }

  /** Of calls whose arguments have not begun: theirs is the place before what comes now. */
  function headsOf(choice: Choice): JsonObject[] {
    return [...choice.heads].flatMap(([index, head]) => (head.isOut ? [] : [headOf(choice, index, head, '')]));
  }

  function inOnePiece(choice: Choice, text: string, by = settings): string {
    const filter = createStreamFilter(by, true);
    choice.beside.push(filter);
    return filter.push(text);
  }

  /** Arguments that come as an object come whole; each of their texts is one. */
  function deep(choice: Choice, value: Json): Json {
    if (typeof value === 'string') return inOnePiece(choice, value);
    if (Array.isArray(value)) return value.map((entry) => deep(choice, entry));
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(
      Object.entries(value).map(([key, entry]) => [inOnePiece(choice, key), deep(choice, entry)]),
    );
  }

  function flush(index: number): ReplyEvent[] {
    const choice = choices.get(index);
    if (choice === undefined || choice.finished) return [];
    choice.finished = true;
    const out: Delta = { kind: 'delta', index };
    const text = choice.text.end();
    const thinking = choice.thinking.end();
    if (text !== '') out.text = text;
    if (thinking !== '') out.thinking = thinking;
    const calls: JsonObject[] = headsOf(choice);
    for (const [tool, filter] of choice.tools) {
      const rest = filter.end();
      if (rest !== '') calls.push({ index: tool, function: { arguments: rest } });
    }
    if (calls.length > 0) out.toolCalls = calls;
    return Object.keys(out).length > 2 ? [out] : [];
  }

  function guarded(work: () => ReplyEvent[]): ReplyEvent[] {
    if (refused !== undefined) return [];
    try {
      const events = work();
      for (const choice of choices.values()) {
        const category = blockedIn(choice);
        if (category !== undefined)
          refused = new RempartError('ERR_ANSWER_BLOCKED', { what: { key: `screened.${category}` } });
      }
      return events;
    } catch (cause) {
      broken = { cause };
      refused = new RempartError('ERR_ANSWER_UNSCREENED', { seconds: 5 }, cause);
      return [];
    }
  }

  return {
    take(event) {
      if (event.kind === 'delta') return guarded(() => delta(event));
      if (event.kind !== 'finish') return refused === undefined ? [event] : [];
      return guarded(() => {
        const rest = flush(event.index);
        if (blockedIn(choiceOf(event.index)) === undefined) rest.push(event);
        return rest;
      });
    },
    end: () => guarded(() => [...choices.keys()].flatMap(flush)),
    refusal: () => refused,
    findings() {
      const found = [];
      for (const choice of choices.values()) for (const filter of filtersOf(choice)) found.push(...filter.findings());
      return found;
    },
    failed: () => broken,
  };
}

/** Some say a name or id again with each piece. */
function longer(before: string, given: Json | undefined): string {
  return typeof given !== 'string' || given === before ? before : (before + given).slice(0, 4_096);
}
