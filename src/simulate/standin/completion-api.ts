// The completion APIs of OpenAI and Mistral: chat, text, fill-in-the-middle; whole or as server-sent events.
import type { Json, JsonObject } from '../../platform/base/json.ts';
import { formatSse } from '../../platform/wire/sse.ts';
import type { ApiRequest, Handle, Reply, Setup } from './api.ts';
import { spokenBy } from './api.ts';
import type { Ask, Plan, PlannedChoice, ToolUse } from './ask.ts';
import { planAnswer } from './plan.ts';
import { hash32, identifier, randomFrom } from './random.ts';
import { type Read, readChat, readPrompt } from './read-completion.ts';

export const chat: Handle = (request, setup) => complete(request, setup, readChat(request), chatShape);
export const fim: Handle = (request, setup) => complete(request, setup, readPrompt(request), chatShape);
export const completion: Handle = (request, setup) => complete(request, setup, readPrompt(request), textShape);

/** How one API puts a choice, whole and in pieces. */
interface Shape {
  idPrefix: string;
  object: string;
  chunkObject: string;
  whole(choice: PlannedChoice, index: number, request: ApiRequest): JsonObject;
  /** The first piece of a choice's stream, if it says anything. */
  open(index: number): JsonObject | undefined;
  token(text: string, index: number): JsonObject;
  tools(uses: readonly ToolUse[], index: number, request: ApiRequest): JsonObject[];
  close(choice: PlannedChoice, index: number): JsonObject;
}

function complete(request: ApiRequest, setup: Setup, read: Read, shape: Shape): Reply {
  if (read.kind === 'refused') return read.reply;
  const { ask } = read;
  const plan = planAnswer(setup.seed, ask);
  const frame = frameOf(request, setup, ask, shape);
  const cost = plan.promptTokens + plan.completionTokens;
  if (ask.stream)
    return {
      kind: 'stream',
      contentType: 'text/event-stream; charset=utf-8',
      pieces: streamOf(request, frame(shape.chunkObject), plan, shape),
      cost,
    };
  const choices = plan.choices.map((choice, index) => shape.whole(choice, index, request));
  const value = { ...frame(shape.object), choices, usage: usageOf(plan) };
  return { kind: 'json', value, tokens: plan.completionTokens, cost };
}

function frameOf({ dialect, sequence }: ApiRequest, setup: Setup, ask: Ask, shape: Shape) {
  const random = randomFrom(hash32(`${setup.seed}:${sequence}:${ask.model}`));
  const id = dialect === 'mistral' ? identifier(random, 32).toLowerCase() : shape.idPrefix + identifier(random, 29);
  const created = Math.floor(setup.now() / 1_000);
  return (object: string): JsonObject => ({
    id,
    object,
    created,
    model: spokenBy(ask.model),
    ...(dialect === 'mistral' ? {} : { system_fingerprint: 'fp_standin' }),
  });
}

function streamOf(request: ApiRequest, frame: JsonObject, plan: Plan, shape: Shape): string[] {
  const options = request.body['stream_options'];
  const asked = typeof options === 'object' && options !== null && 'include_usage' in options && options.include_usage;
  const separate = request.dialect !== 'mistral' && asked === true;
  const chunk = (choices: Json[], usage?: Json) =>
    formatSse(JSON.stringify({ ...frame, choices, ...(usage === undefined ? {} : { usage }) }));
  const whenAsked = separate ? null : undefined;
  const pieces: string[] = [];
  for (const [index, choice] of plan.choices.entries()) {
    const opening = shape.open(index);
    if (opening !== undefined) pieces.push(chunk([opening], whenAsked));
    for (const token of choice.tokens) pieces.push(chunk([shape.token(token, index)], whenAsked));
    for (const part of shape.tools(choice.toolUses, index, request)) pieces.push(chunk([part], whenAsked));
    const last = index === plan.choices.length - 1;
    // Mistral gives usage unasked in the chunk that ends the last choice.
    const usage = request.dialect === 'mistral' && last ? usageOf(plan) : whenAsked;
    pieces.push(chunk([shape.close(choice, index)], usage));
  }
  const end = separate ? chunk([], usageOf(plan)) : '';
  pieces[pieces.length - 1] += `${end}${formatSse('[DONE]')}`;
  return pieces;
}

function usageOf({ promptTokens, completionTokens }: Plan): JsonObject {
  return {
    prompt_tokens: promptTokens,
    completion_tokens: completionTokens,
    total_tokens: promptTokens + completionTokens,
  };
}

const chatShape: Shape = {
  idPrefix: 'chatcmpl-',
  object: 'chat.completion',
  chunkObject: 'chat.completion.chunk',
  whole: (choice, index, { dialect }) => ({
    index,
    message: {
      role: 'assistant',
      content: choice.toolUses.length > 0 && dialect !== 'mistral' ? null : choice.tokens.join(''),
      ...(choice.toolUses.length > 0 ? { tool_calls: choice.toolUses.map(wholeToolCall) } : {}),
      ...(dialect === 'mistral' ? {} : { refusal: null }),
    },
    ...(dialect === 'mistral' ? {} : { logprobs: null }),
    finish_reason: choice.finish,
  }),
  open: (index) => ({ index, delta: { role: 'assistant', content: '' }, finish_reason: null }),
  token: (content, index) => ({ index, delta: { content }, finish_reason: null }),
  tools(uses, index, { dialect }) {
    if (uses.length === 0) return [];
    const delta = (tool_calls: Json[]) => ({ index, delta: { tool_calls }, finish_reason: null });
    // Mistral sends a call whole; OpenAI its name first, then the arguments in fragments.
    if (dialect === 'mistral') return [delta(uses.map((use, at) => ({ ...wholeToolCall(use), index: at })))];
    return uses.flatMap((use, at) => {
      const { id, type } = wholeToolCall(use);
      const fragments = JSON.stringify(use.arguments).match(/[\s\S]{1,8}/g) ?? [];
      return [
        delta([{ index: at, id: id!, type: type!, function: { name: use.name, arguments: '' } }]),
        ...fragments.map((part) => delta([{ index: at, function: { arguments: part } }])),
      ];
    });
  },
  close: (choice, index) => ({ index, delta: {}, finish_reason: choice.finish }),
};

const textShape: Shape = {
  idPrefix: 'cmpl-',
  object: 'text_completion',
  chunkObject: 'text_completion',
  whole: (choice, index) => textChoice(choice.tokens.join(''), index, choice.finish),
  open: () => undefined,
  token: (text, index) => textChoice(text, index, null),
  tools: () => [],
  close: (choice, index) => textChoice('', index, choice.finish),
};

function textChoice(text: string, index: number, finish: string | null): JsonObject {
  return { text, index, logprobs: null, finish_reason: finish };
}

function wholeToolCall({ id, name, arguments: given }: ToolUse): JsonObject {
  return { id, type: 'function', function: { name, arguments: JSON.stringify(given) } };
}
