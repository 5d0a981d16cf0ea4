// What a call may come to: the tokens of what it sends, how long an answer it asks for, and how many.
import type { Json, JsonObject } from '../../platform/base/json.ts';
import { type ChatCall, promptsOf } from '../gateway/dialects/dialect.ts';
import { estimateTokens } from './estimate-tokens.ts';
import type { Estimate } from './limiter.ts';

/** What a message takes beside its words: its role and where it ends. */
const perTurn = 4;
/** A picture of usual size; what it really took is settled after the answer. */
const perPicture = 1_000;
/** What POST /v1/completions answers with at most where it is not told. */
const usualCompletion = 16;

export function estimateOf(call: ChatCall): Estimate {
  const { sampling, native, task } = call;
  const prompts = task === 'completion' ? Math.max(1, promptsOf(call).length) : 1;
  const each = Math.max(countOf(native['n']), countOf(native['best_of']));
  const asked = sampling.maxTokens ?? (task === 'completion' ? usualCompletion : undefined);
  return {
    promptTokens: () => promptTokens(call),
    ...(task === 'embedding' ? { maxTokens: 0 } : asked === undefined ? {} : { maxTokens: asked }),
    choices: prompts * each,
  };
}

function promptTokens({ turns, native }: ChatCall): number {
  let sum = 0;
  for (const turn of turns) {
    sum += perTurn + estimateTokens(turn.text);
    const { tool_calls: calls, images, content } = turn.native;
    if (calls !== undefined) sum += estimateTokens(JSON.stringify(calls));
    if (Array.isArray(images)) sum += images.length * perPicture;
    if (Array.isArray(content)) sum += content.filter(isPicture).length * perPicture;
  }
  for (const field of ['tools', 'format', 'response_format', 'prediction'])
    if (typeof native[field] === 'object') sum += estimateTokens(JSON.stringify(native[field]));
  return sum;
}

function isPicture(part: Json): boolean {
  return (part as JsonObject)['type'] === 'image_url';
}

function countOf(value: Json | undefined): number {
  return typeof value === 'number' && value > 1 ? value : 1;
}
