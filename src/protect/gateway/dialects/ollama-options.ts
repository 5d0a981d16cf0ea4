// The options of Ollama's requests that a caller may send.
import { either, integer, list, number, object, text } from '../shape.ts';

const penalty = number(-2, 2);
export const ollamaOptions = object({
  num_predict: integer(-2, 10_000_000),
  temperature: number(0, 10),
  top_k: integer(0, 100_000),
  top_p: number(0, 1),
  min_p: number(0, 1),
  typical_p: number(0, 1),
  seed: integer(Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER),
  stop: either(list(text, 16), text),
  repeat_last_n: integer(-1, 100_000),
  repeat_penalty: number(-10, 10),
  presence_penalty: penalty,
  frequency_penalty: penalty,
  // Taken since clients send it, and never passed on.
  num_ctx: integer(1, 100_000_000),
});

/** Seconds, or a time as `5m`; taken since clients send it, and never passed on. */
export const keepAlive = either(integer(-1_000_000_000, 1_000_000_000), text);
