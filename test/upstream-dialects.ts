// Upstreams that answer properly in one dialect, and answers to clients of each read back: for tests that cross dialects.
import type { Answer, Behaviour } from './gateway-rig.ts';
import { beginSse, json } from './gateway-rig.ts';

export const dialects = ['openai', 'mistral', 'ollama'] as const;
export type DialectName = (typeof dialects)[number];

/** What an upstream says: a text, or a call of a tool. */
export interface Said {
  /** The name that it gives itself. */
  model: string;
  text?: string;
  call?: { name: string; args: Record<string, unknown> };
  thinking?: string;
}

export function answeringIn(dialect: DialectName, said: Said): Behaviour {
  return (req, res, body) => {
    const asked = JSON.parse(body) as { stream?: boolean; input?: string[] };
    if (req.url?.endsWith('/embeddings') || req.url === '/api/embed') {
      const vectors = (asked.input ?? []).map((_, index) => [index, 0.5]);
      if (dialect === 'ollama') json(res, 200, { model: said.model, embeddings: vectors, prompt_eval_count: 2 });
      else {
        const data = vectors.map((embedding, index) => ({ object: 'embedding', index, embedding }));
        json(res, 200, { object: 'list', model: said.model, data, usage: { prompt_tokens: 2, total_tokens: 2 } });
      }
      return;
    }
    if (dialect === 'ollama') answerAsOllama(req.url === '/api/generate', res, asked.stream === true, said);
    else answerAsCompletions(req.url === '/v1/completions', res, asked.stream === true, said, dialect);
  };
}

type Response = Parameters<Behaviour>[1];

function answerAsOllama(prompted: boolean, res: Response, stream: boolean, { model, text = '', call, thinking }: Said) {
  const base = { model, created_at: '2026-01-01T00:00:00Z' };
  const says = (content: string) =>
    prompted
      ? { response: content }
      : {
          message: {
            role: 'assistant',
            content,
            ...(thinking === undefined ? {} : { thinking }),
            ...(call === undefined ? {} : { tool_calls: [{ function: { name: call.name, arguments: call.args } }] }),
          },
        };
  const end = { ...base, done: true, done_reason: 'stop', prompt_eval_count: 3, eval_count: 2 };
  if (!stream) {
    json(res, 200, { ...end, ...says(text) });
    return;
  }
  res.writeHead(200, { 'content-type': 'application/x-ndjson' });
  if (call !== undefined || thinking !== undefined)
    res.write(`${JSON.stringify({ ...base, ...says(''), done: false })}\n`);
  for (const letter of text)
    res.write(
      `${JSON.stringify({ ...base, ...(prompted ? { response: letter } : { message: { role: 'assistant', content: letter } }), done: false })}\n`,
    );
  const nothing = prompted ? { response: '' } : { message: { role: 'assistant', content: '' } };
  res.end(`${JSON.stringify({ ...end, ...nothing })}\n`);
}

function answerAsCompletions(
  texts: boolean,
  res: Response,
  stream: boolean,
  { model, text = '', call, thinking }: Said,
  dialect: 'openai' | 'mistral',
) {
  const args = JSON.stringify(call?.args ?? {});
  const called = { id: dialect === 'mistral' ? 'abcdefghi' : 'call_1', type: 'function' };
  const usage = { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 };
  const reason = call === undefined ? 'stop' : 'tool_calls';
  const head = { id: 'up-1', created: 1, model };
  const thought = thinking === undefined ? {} : { reasoning: thinking };
  if (!stream) {
    const tools = call && [{ ...called, function: { name: call.name, arguments: args } }];
    const message = { role: 'assistant', content: text, ...thought, ...(tools && { tool_calls: tools }) };
    const choice = texts ? { index: 0, text, finish_reason: reason } : { index: 0, message, finish_reason: reason };
    json(res, 200, { ...head, object: 'chat.completion', choices: [choice], usage });
    return;
  }
  beginSse(res);
  const frame = (choices: unknown[], more = {}) =>
    void res.write(`data: ${JSON.stringify({ ...head, object: 'chat.completion.chunk', choices, ...more })}\n\n`);
  if (thinking !== undefined) frame([{ index: 0, delta: thought, finish_reason: null }]);
  for (const letter of text)
    frame([{ index: 0, ...(texts ? { text: letter } : { delta: { content: letter } }), finish_reason: null }]);
  if (call !== undefined) {
    // The arguments come in pieces, the name only with the first.
    const half = Math.floor(args.length / 2);
    const first = { index: 0, ...called, function: { name: call.name, arguments: args.slice(0, half) } };
    frame([{ index: 0, delta: { tool_calls: [first] }, finish_reason: null }]);
    const rest = { index: 0, function: { arguments: args.slice(half) } };
    frame([{ index: 0, delta: { tool_calls: [rest] }, finish_reason: null }]);
  }
  frame([{ index: 0, ...(texts ? { text: '' } : { delta: {} }), finish_reason: reason }], { usage });
  res.end('data: [DONE]\n\n');
}

/** What a client understands of an answer. */
export interface Heard {
  text: string;
  calls: { name: string; args: unknown; id?: string }[];
  models: string[];
  /** The dialect's own clean end was there. */
  ended: boolean;
  reason: unknown;
}

interface Message {
  content?: string | null;
  tool_calls?: {
    index?: number;
    id?: string;
    function: { name?: string; arguments: string | Record<string, unknown> };
  }[];
}

export function hear(client: DialectName, stream: boolean, { text }: Answer): Heard {
  return client === 'ollama' ? hearOllama(text) : hearCompletions(text, stream);
}

function hearOllama(body: string): Heard {
  const lines = body
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { model: string; message: Message; done: boolean; done_reason?: string });
  return {
    text: lines.map(({ message }) => message.content ?? '').join(''),
    calls: lines.flatMap(({ message }) =>
      (message.tool_calls ?? []).map(({ function: called }) => ({ name: called.name ?? '', args: called.arguments })),
    ),
    models: [...new Set(lines.map(({ model }) => model))],
    ended: lines.at(-1)?.done === true,
    reason: lines.at(-1)?.done_reason,
  };
}

function hearCompletions(body: string, stream: boolean): Heard {
  const frames = stream
    ? body
        .trim()
        .split('\n\n')
        .map((frame) => frame.replace(/^data: /, ''))
    : [body];
  const heard: Heard = { text: '', calls: [], models: [], ended: !stream, reason: undefined };
  const pieces = new Map<number, { name: string; args: string; id?: string }>();
  for (const frame of frames) {
    if (frame === '[DONE]') {
      heard.ended = true;
      continue;
    }
    const { model, choices } = JSON.parse(frame) as {
      model: string;
      choices: { delta?: Message; message?: Message; finish_reason?: string | null }[];
    };
    if (!heard.models.includes(model)) heard.models.push(model);
    for (const { delta, message, finish_reason } of choices) {
      const said = delta ?? message ?? {};
      heard.text += said.content ?? '';
      for (const [at, call] of (said.tool_calls ?? []).entries()) {
        const piece = pieces.get(call.index ?? at) ?? { name: '', args: '' };
        piece.name += call.function.name ?? '';
        piece.args += call.function.arguments as string;
        if (call.id !== undefined) piece.id = call.id;
        pieces.set(call.index ?? at, piece);
      }
      heard.reason = finish_reason ?? heard.reason;
    }
  }
  heard.calls = [...pieces.values()].map(({ args, ...call }) => ({ ...call, args: JSON.parse(args) as unknown }));
  return heard;
}

/** A question in a client's own words, after a tool was called once and has answered. */
export function questionIn(client: DialectName, model: string, stream: boolean): Record<string, unknown> {
  const tools = [
    {
      type: 'function',
      function: {
        name: 'weather',
        description: 'tells the weather',
        parameters: { type: 'object', properties: { city: { type: 'string' } } },
      },
    },
  ];
  const args = { city: 'Lyon' };
  const called =
    client === 'ollama'
      ? { role: 'assistant', content: '', tool_calls: [{ function: { name: 'weather', arguments: args } }] }
      : {
          role: 'assistant',
          content: '',
          tool_calls: [
            { id: 'call_of_another', type: 'function', function: { name: 'weather', arguments: JSON.stringify(args) } },
          ],
        };
  const answered =
    client === 'ollama'
      ? { role: 'tool', tool_name: 'weather', content: 'rain' }
      : { role: 'tool', tool_call_id: 'call_of_another', content: 'rain' };
  const messages = [
    { role: 'system', content: 'be brief' },
    { role: 'user', content: 'in Lyon?' },
    called,
    answered,
    { role: 'user', content: 'and in Nice?' },
  ];
  return { model, stream, messages, tools };
}

/** Where and as whom a client of this dialect asks. */
export const doors: Readonly<Record<DialectName, { path: string; agent: string }>> = {
  openai: { path: '/v1/chat/completions', agent: 'openai' },
  mistral: { path: '/v1/chat/completions', agent: 'mistral-client' },
  ollama: { path: '/api/chat', agent: 'ollama' },
};
