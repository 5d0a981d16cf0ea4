// Writes answers as OpenAI's and Mistral's completions have them, whole and streamed.
import type { Json, JsonObject } from '../../../platform/base/json.ts';
import { formatSse } from '../../../platform/wire/sse.ts';
import type { Form } from './completions-reading.ts';
import type { ErrorView, FinishReason, ReplyEvent, ReplyHead, ReplyWriter, Usage } from './dialect.ts';
import { markOf } from './estimated.ts';
import { countOr, objectOr, textOr } from './json-reading.ts';
import { mintToolId } from './tool-ids.ts';

interface Choice {
  text: string;
  thinking: string;
  toolCalls: Json[];
  logprobs: Json;
  reason: FinishReason;
}

type Family = 'openai' | 'mistral';

export function writeCompletionsReply(
  events: readonly ReplyEvent[],
  head: ReplyHead,
  family: Family,
  form: Form = 'chat',
): JsonObject {
  const choices: Choice[] = [];
  let { model } = head;
  let usage: Usage | undefined;
  for (const event of events) {
    if (event.kind === 'model') {
      model = event.model;
      continue;
    }
    if (event.kind === 'usage') {
      usage = event.usage;
      continue;
    }
    if (event.kind === 'embedding') continue;
    choices[event.index] ??= { text: '', thinking: '', toolCalls: [], logprobs: null, reason: 'stop' };
    const choice = choices[event.index]!;
    if (event.kind === 'finish') choice.reason = event.reason;
    else {
      choice.text += event.text ?? '';
      choice.thinking += event.thinking ?? '';
      choice.toolCalls.push(...(event.toolCalls ?? []));
      choice.logprobs = event.logprobs ?? choice.logprobs;
    }
  }
  const write = form === 'chat' ? writeChoice : writeTextChoice;
  const calls = createCallWriter(head, family);
  return {
    id: idOf(head, form),
    object: form === 'chat' ? 'chat.completion' : 'text_completion',
    created: Math.floor(head.createdAt / 1_000),
    model,
    choices: choices.flatMap((choice, index) => [
      write({ ...choice, toolCalls: choice.toolCalls.map((call) => calls(index, call)) }, index),
    ]),
    usage: writeUsage(usage ?? { promptTokens: 0, completionTokens: 0 }),
  };
}

function idOf({ id }: ReplyHead, form: Form): string {
  return form === 'chat' ? id : id.replace(/^chat/, '');
}

function writeTextChoice({ text, logprobs, reason }: Choice, index: number): JsonObject {
  return { text, index, logprobs, finish_reason: reason };
}

function writeChoice({ text, thinking, toolCalls, logprobs, reason }: Choice, index: number): JsonObject {
  return {
    index,
    message: {
      role: 'assistant',
      content: text === '' && toolCalls.length > 0 ? null : text,
      ...(thinking === '' ? {} : { reasoning: thinking }),
      ...(toolCalls.length === 0 ? {} : { tool_calls: toolCalls }),
    },
    logprobs,
    finish_reason: reason,
  };
}

/** A call, or the next piece of one, in this family's form: arguments as a string, and an id at its first sight. */
function createCallWriter(head: ReplyHead, family: Family): (choice: number, call: Json) => JsonObject {
  const begun = new Set<string>();
  return (choice, piece) => {
    const call = objectOr(piece) ?? {};
    const { name, arguments: args } = objectOr(call['function']) ?? {};
    const index = countOr(call['index'], 0);
    const place = `${choice} ${index}`;
    const isFirst = !begun.has(place);
    begun.add(place);
    const id = textOr(call['id']) ?? (isFirst ? mintToolId(`${head.id} ${choice}`, index, family) : undefined);
    return {
      index,
      ...(id === undefined ? {} : { id }),
      ...(isFirst ? { type: 'function' } : {}),
      function: {
        ...(name === undefined ? {} : { name }),
        arguments: typeof args === 'string' ? args : JSON.stringify(args ?? {}),
      },
    };
  };
}

function writeUsage({ promptTokens, completionTokens, estimated }: Usage): JsonObject {
  return {
    prompt_tokens: promptTokens,
    completion_tokens: completionTokens,
    total_tokens: promptTokens + completionTokens,
    ...markOf(estimated),
  };
}

/** `failure` is the dialect's own error body. */
export function createCompletionsWriter(
  head: ReplyHead,
  includeUsage: boolean,
  failure: (error: ErrorView) => JsonObject,
  family: Family,
  form: Form = 'chat',
): ReplyWriter {
  const begun = new Set<number>();
  const calls = createCallWriter(head, family);
  let { model } = head;
  const frame = (choices: Json[], more: JsonObject = {}) =>
    formatSse(
      JSON.stringify({
        id: idOf(head, form),
        object: form === 'chat' ? 'chat.completion.chunk' : 'text_completion',
        created: Math.floor(head.createdAt / 1_000),
        model,
        choices,
        ...more,
      }),
    );
  // Mistral tells its usage in the frame that ends the last choice, and its clients read no frame without one.
  const holdsFinish = family === 'mistral';
  let held: Json | undefined;
  function letGo(more: JsonObject = {}): string {
    if (held === undefined) return '';
    const text = frame([held], more);
    held = undefined;
    return text;
  }
  function finish(choice: Json): string {
    if (!holdsFinish) return frame([choice]);
    const before = letGo();
    held = choice;
    return before;
  }
  return {
    contentType: 'text/event-stream; charset=utf-8',
    write(event) {
      if (event.kind === 'model') {
        model = event.model;
        return '';
      }
      if (event.kind === 'usage') {
        const usage = { usage: writeUsage(event.usage) };
        if (holdsFinish) return letGo(usage);
        return includeUsage ? frame([], usage) : '';
      }
      if (event.kind === 'embedding') return '';
      const logprobs = event.kind === 'delta' && event.logprobs !== undefined ? { logprobs: event.logprobs } : {};
      if (form === 'text') {
        const reason = event.kind === 'finish' ? event.reason : null;
        const text = event.kind === 'finish' ? '' : (event.text ?? '');
        const choice = { text, index: event.index, logprobs: null, ...logprobs, finish_reason: reason };
        return event.kind === 'finish' ? finish(choice) : frame([choice]);
      }
      const delta: JsonObject = {};
      if (!begun.has(event.index)) {
        begun.add(event.index);
        delta['role'] = 'assistant';
        delta['content'] = '';
      }
      if (event.kind === 'finish') return finish({ index: event.index, delta, finish_reason: event.reason });
      if (event.text !== undefined) delta['content'] = event.text;
      if (event.thinking !== undefined) delta['reasoning'] = event.thinking;
      if (event.toolCalls !== undefined) delta['tool_calls'] = event.toolCalls.map((call) => calls(event.index, call));
      return frame([{ index: event.index, delta, ...logprobs, finish_reason: null }]);
    },
    end: () => `${letGo()}data: [DONE]\n\n`,
    fail: (error) => formatSse(JSON.stringify(failure(error))),
  };
}
