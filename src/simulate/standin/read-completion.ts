// Reads the bodies of the OpenAI and Mistral completion APIs, and refuses what those APIs refuse.
import type { ApiRequest, Body, Reply } from './api.ts';
import { isRecord, refuse, strings, textOfContent, wholeNumber } from './api.ts';
import type { Ask, AskTool } from './ask.ts';

export type Read = { kind: 'ask'; ask: Ask } | { kind: 'refused'; reply: Reply };

const roles: ReadonlySet<unknown> = new Set(['system', 'developer', 'user', 'assistant', 'tool', 'function']);

/** `messages` of /v1/chat/completions. */
export function readChat(request: ApiRequest): Read {
  const { body } = request;
  const missing = refuseUnknownField(request, mistralChatFields) ?? refuseWithoutModel(request);
  if (missing !== undefined) return refused(missing);
  const messages = body['messages'];
  if (!Array.isArray(messages) || messages.length === 0)
    return refused(refuse(request, 'messages must be a list with at least one message', { param: 'messages' }));
  for (const [index, message] of messages.entries())
    if (!isRecord(message) || !roles.has(message['role']))
      return refused(
        refuse(request, 'Invalid value for a role: it must be system, user, assistant or tool', {
          param: `messages.${index}.role`,
        }),
      );
  const turns = (messages as Body[]).map((m) => ({ role: String(m['role']), text: textOfContent(m['content']) }));
  const format = formatOf(body['response_format']);
  if (request.dialect === 'openai' && format === 'json' && !turns.some((turn) => /json/i.test(turn.text)))
    return refused(
      refuse(
        request,
        "'messages' must contain the word 'json' in some form, to use 'response_format' of type 'json_object'.",
        {
          param: 'messages',
        },
      ),
    );
  return { kind: 'ask', ask: { ...common(body), turns, format } };
}

/** `prompt` of /v1/completions and /v1/fim/completions. */
export function readPrompt(request: ApiRequest): Read {
  const missing = refuseUnknownField(request, mistralFimFields) ?? refuseWithoutModel(request);
  if (missing !== undefined) return refused(missing);
  const prompts = strings(request.body['prompt']);
  if (prompts.length === 0) return refused(refuse(request, 'prompt is required', { param: 'prompt' }));
  return { kind: 'ask', ask: { ...common(request.body), turns: [{ role: 'user', text: prompts.join('\n') }] } };
}

function refused(reply: Reply): Read {
  return { kind: 'refused', reply };
}

export function refuseWithoutModel(request: ApiRequest): Reply | undefined {
  const { model } = request.body;
  if (typeof model === 'string' && model !== '') return undefined;
  return request.dialect === 'mistral'
    ? refuse(request, 'Field required', { param: 'model', type: 'missing' })
    : refuse(request, 'you must provide a model parameter');
}

const mistralShared = 'model temperature top_p max_tokens stream stop random_seed metadata prompt_cache_key'.split(' ');
const mistralChatFields = new Set([
  ...mistralShared,
  ...'messages response_format tools tool_choice presence_penalty frequency_penalty n prediction'.split(' '),
  ...'parallel_tool_calls reasoning_effort prompt_mode guardrails service_tier safe_prompt'.split(' '),
]);
const mistralFimFields = new Set([...mistralShared, 'prompt', 'suffix', 'min_tokens']);

/** Mistral refuses what it does not know, stream_options and max_completion_tokens among it. */
function refuseUnknownField(request: ApiRequest, known: ReadonlySet<string>): Reply | undefined {
  if (request.dialect !== 'mistral') return undefined;
  const unknown = Object.keys(request.body).find((field) => !known.has(field));
  if (unknown === undefined) return undefined;
  return refuse(request, 'Extra inputs are not permitted', { param: unknown, type: 'extra_forbidden' });
}

function common(body: Body): Omit<Ask, 'turns'> {
  return {
    model: String(body['model']),
    stream: body['stream'] === true,
    tools: toolsOf(body['tools']),
    toolChoice: toolChoiceOf(body['tool_choice']),
    format: 'text',
    maxTokens: wholeNumber(body['max_completion_tokens']) ?? wholeNumber(body['max_tokens']),
    stop: strings(body['stop']),
    seed: wholeNumber(body['seed']) ?? wholeNumber(body['random_seed']) ?? 0,
    choices: Math.min(Math.max(wholeNumber(body['n']) ?? 1, 1), 8),
  };
}

/** The function tools of a request; Ollama's have the same shape. */
export function toolsOf(tools: unknown): AskTool[] {
  if (!Array.isArray(tools)) return [];
  return tools.flatMap((tool: unknown) => {
    const described = isRecord(tool) ? tool['function'] : undefined;
    if (!isRecord(described) || typeof described['name'] !== 'string') return [];
    return [{ name: described['name'], parameters: described['parameters'] ?? {} }];
  });
}

function toolChoiceOf(choice: unknown): Ask['toolChoice'] {
  if (choice === 'none') return 'none';
  if (choice === 'required' || choice === 'any') return 'required';
  const named = isRecord(choice) && isRecord(choice['function']) ? choice['function']['name'] : undefined;
  return typeof named === 'string' ? { named } : 'auto';
}

function formatOf(format: unknown): Ask['format'] {
  if (!isRecord(format)) return 'text';
  if (format['type'] === 'json_object') return 'json';
  if (format['type'] !== 'json_schema' || !isRecord(format['json_schema'])) return 'text';
  return { schema: format['json_schema']['schema'] ?? format['json_schema']['schema_definition'] ?? {} };
}
