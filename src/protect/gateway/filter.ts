// Screens an answer's events on their way out: one filter for each choice's text, each thought, each tool call's arguments.
import { RempartError } from '../../platform/base/errors.ts';
import type { Json, JsonObject } from '../../platform/base/json.ts';
import type { AnswerSettings } from '../screening/answers.ts';
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
  /** True when the check itself failed. */
  failed(): boolean;
}

type Delta = Extract<ReplyEvent, { kind: 'delta' }>;

interface Choice {
  text: StreamFilter;
  thinking: StreamFilter;
  tools: Map<number, StreamFilter>;
  begun: boolean;
}

/** `whole`: the events are of an answer that came in one piece, each tool call complete. */
export function createAnswerFilter(settings: AnswerSettings, whole: boolean): AnswerFilter {
  const choices = new Map<number, Choice>();
  let refused: RempartError | undefined;
  let broken = false;

  function choiceOf(index: number): Choice {
    let choice = choices.get(index);
    if (choice === undefined) {
      choice = {
        text: createStreamFilter(settings),
        thinking: createStreamFilter(settings),
        tools: new Map(),
        begun: false,
      };
      choices.set(index, choice);
    }
    return choice;
  }

  function filtersOf({ text, thinking, tools }: Choice): StreamFilter[] {
    return [text, thinking, ...tools.values()];
  }

  function delta(event: Delta): ReplyEvent[] {
    const choice = choiceOf(event.index);
    const out: Delta = { kind: 'delta', index: event.index };
    const text = choice.text.push(event.text ?? '');
    const thinking = choice.thinking.push(event.thinking ?? '');
    if (text !== '') out.text = text;
    if (thinking !== '') out.thinking = thinking;
    if (event.toolCalls !== undefined) out.toolCalls = event.toolCalls.map((call, at) => toolCall(choice, call, at));
    // They spell out the tokens, so they may go only with a text that is unchanged and whole.
    if (event.logprobs !== undefined && text === (event.text ?? '') && choice.text.heldBack() === 0)
      out.logprobs = event.logprobs;
    // The first piece goes on even when all of it is held: the client sees that the answer has begun.
    const isFirst = !choice.begun;
    choice.begun = true;
    return isFirst || Object.keys(out).length > 2 ? [out] : [];
  }

  function toolCall(choice: Choice, given: Json, position: number): Json {
    const call = objectOr(given);
    const from = objectOr(call?.['function']);
    if (call === undefined || from === undefined) return given;
    const own = from['index'] ?? call['index'];
    const index = typeof own === 'number' ? own : position;
    const args = from['arguments'];
    if (whole || typeof args !== 'string')
      return { ...call, function: { ...from, arguments: deep(choice, args ?? {}) } };
    let filter = choice.tools.get(index);
    if (filter === undefined) {
      filter = createStreamFilter(settings);
      choice.tools.set(index, filter);
    }
    return { ...call, function: { ...from, arguments: filter.push(args) } };
  }

  /** Arguments that come as an object come whole; each of their texts is one. */
  function deep(choice: Choice, value: Json): Json {
    if (typeof value === 'string') {
      const filter = createStreamFilter(settings);
      choice.tools.set(-1 - choice.tools.size, filter);
      return filter.push(value) + filter.end();
    }
    if (Array.isArray(value)) return value.map((entry) => deep(choice, entry));
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, deep(choice, entry)]));
  }

  function flush(index: number): ReplyEvent[] {
    const choice = choices.get(index);
    if (choice === undefined) return [];
    const out: Delta = { kind: 'delta', index };
    const text = choice.text.end();
    const thinking = choice.thinking.end();
    if (text !== '') out.text = text;
    if (thinking !== '') out.thinking = thinking;
    const calls: JsonObject[] = [];
    for (const [tool, filter] of choice.tools) {
      const rest = tool < 0 ? '' : filter.end();
      if (rest !== '') calls.push({ index: tool, function: { arguments: rest } });
    }
    if (calls.length > 0) out.toolCalls = calls;
    return Object.keys(out).length > 2 ? [out] : [];
  }

  function guarded(work: () => ReplyEvent[]): ReplyEvent[] {
    if (refused !== undefined) return [];
    try {
      const events = work();
      for (const choice of choices.values())
        for (const filter of filtersOf(choice)) {
          const category = filter.blocked();
          if (category !== undefined)
            refused = new RempartError('ERR_ANSWER_BLOCKED', { what: { key: `screened.${category}` } });
        }
      return events;
    } catch (cause) {
      broken = true;
      refused = new RempartError('ERR_UNSCREENED', { seconds: 5 }, cause);
      return [];
    }
  }

  return {
    take: (event) =>
      guarded(() => {
        if (event.kind === 'delta') return delta(event);
        if (event.kind !== 'finish') return [event];
        const rest = flush(event.index);
        const blocked = filtersOf(choiceOf(event.index)).some((filter) => filter.blocked() !== undefined);
        return blocked ? rest : [...rest, event];
      }),
    end: () => guarded(() => [...choices.keys()].flatMap(flush)),
    refusal: () => refused,
    findings: () => [...choices.values()].flatMap(filtersOf).flatMap((filter) => [...filter.findings()]),
    failed: () => broken,
  };
}
