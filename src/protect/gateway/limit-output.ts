// Bounds how long an answer a caller may ask for: Ollama writes on without an end where it is told to, or not told otherwise.
import type { JsonObject } from '../../platform/base/json.ts';
import type { ChatCall } from './dialects/dialect.ts';

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
