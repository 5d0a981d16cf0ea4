// Bounds how long an answer may be: what a caller asks for, and what Ollama is told where nobody asked, since it writes on without an end.
import type { JsonObject } from '../../platform/base/json.ts';
import type { ChatCall } from './dialects/dialect.ts';
import type { Provider } from './route.ts';
import type { GatewaySettings } from './settings.ts';

export const defaultMaxOutputTokens = 32_768;

const fields = ['max_tokens', 'max_completion_tokens', 'min_tokens'];

export function limitOutput(call: ChatCall, most = defaultMaxOutputTokens): ChatCall {
  const { sampling, native } = call;
  const options = native['options'] as JsonObject | undefined;
  const predict = options?.['num_predict'];
  // Negative stands for no limit at all.
  const endless = typeof predict === 'number' && predict < 0;
  const over = fields.filter((field) => typeof native[field] === 'number' && native[field] > most);
  const tooMany = (sampling.maxTokens ?? 0) > most;
  if (!endless && !tooMany && over.length === 0) return call;
  return {
    ...call,
    sampling: endless || tooMany ? { ...sampling, maxTokens: most } : sampling,
    native: {
      ...native,
      ...Object.fromEntries(over.map((field) => [field, most])),
      ...(endless || (typeof predict === 'number' && predict > most)
        ? { options: { ...options, num_predict: most } }
        : {}),
    },
  };
}

/** As it is sent to that provider: others end by themselves at what their model can, and refuse a number beyond that. */
export function boundedFor(
  { dialect }: Pick<Provider, 'dialect'>,
  call: ChatCall,
  { maxOutputTokens: most = defaultMaxOutputTokens }: Pick<GatewaySettings, 'maxOutputTokens'>,
): ChatCall {
  return dialect.name === 'ollama' ? capOutput(call, most) : call;
}

/** The same call, which now says in its own dialect's words that its answer may be so long and no longer. */
export function capOutput(call: ChatCall, most: number): ChatCall {
  if (call.task === 'embedding') return call;
  const { sampling, native } = call;
  const maxTokens = Math.min(sampling.maxTokens ?? most, most);
  const capped = { ...call, sampling: { ...sampling, maxTokens } };
  if (call.dialect === 'ollama') {
    const options = { ...(native['options'] as JsonObject | undefined), num_predict: maxTokens };
    return { ...capped, native: { ...native, options } };
  }
  const given = fields.filter((field) => typeof native[field] === 'number');
  const lowered = given.map((field) => [field, Math.min(native[field] as number, most)]);
  const isSaid = given.some((field) => field !== 'min_tokens');
  const said = isSaid ? {} : { [nameOfMost(call)]: maxTokens };
  return { ...capped, native: { ...native, ...Object.fromEntries(lowered), ...said } };
}

export function isReasoning(model: string): boolean {
  return /^(?:o\d|gpt-[5-9])/.test(model);
}

/** OpenAI's models that reason take the newer name alone; servers that are compatible with it may know only the older. */
function nameOfMost({ dialect, task, model }: ChatCall): 'max_tokens' | 'max_completion_tokens' {
  const reasons = dialect === 'openai' && task === undefined && isReasoning(model);
  return reasons ? 'max_completion_tokens' : 'max_tokens';
}
