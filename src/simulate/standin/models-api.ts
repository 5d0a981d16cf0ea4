// Lists of models and embeddings, as OpenAI and Mistral give them.
import type { JsonObject } from '../../platform/base/json.ts';
import type { Dialect } from '../../platform/wire/dialect.ts';
import { providerErrorBody } from '../../platform/wire/provider-error-bodies.ts';
import { type Handle, plain, refuse, spokenBy, strings, wholeNumber } from './api.ts';
import { embeddingOf, hash32, identifier, randomFrom } from './random.ts';
import { refuseWithoutModel } from './read-completion.ts';
import { countTokens } from './tokens.ts';

export const listModels: Handle = ({ dialect }, setup) =>
  plain({ object: 'list', data: setup.models.filter((m) => !setup.isMissing(m)).map((m) => cardOf(dialect, m)) });

export const oneModel: Handle = ({ dialect, rest }, setup) =>
  setup.isMissing(rest)
    ? { kind: 'refused', answer: providerErrorBody(dialect, 'not-found', { model: rest }) }
    : plain(cardOf(dialect, rest));

/** The day of the first release that had a stand-in; a real date would change the answer each day. */
const created = 1_764_547_200;

function cardOf(dialect: Dialect, id: string): JsonObject {
  const card = { id, object: 'model', created, owned_by: 'rempart-standin' };
  if (dialect !== 'mistral') return card;
  return {
    ...card,
    capabilities: {
      completion_chat: true,
      function_calling: true,
      completion_fim: true,
      fine_tuning: false,
      vision: false,
      classification: false,
    },
    name: id,
    description: 'stand-in',
    max_context_length: 32_768,
    aliases: [],
    deprecation: null,
    type: 'base',
  };
}

/** OpenAI's small model has 1536 dimensions, Mistral's 1024. */
const usualDimensions: Readonly<Record<Dialect, number>> = { openai: 1_536, mistral: 1_024, ollama: 768 };

export const embeddings: Handle = (request, setup) => {
  const { body, dialect } = request;
  const missing = refuseWithoutModel(request);
  if (missing !== undefined) return missing;
  const texts = strings(body['input']);
  if (texts.length === 0) return refuse(request, 'input must be a text or a list of texts', { param: 'input' });
  const dimensions =
    wholeNumber(body['dimensions']) ?? wholeNumber(body['output_dimension']) ?? usualDimensions[dialect];
  if (dimensions < 1 || dimensions > 4_096)
    return refuse(request, 'dimensions must be between 1 and 4096', { param: 'dimensions' });
  const base64 = body['encoding_format'] === 'base64';
  const tokens = texts.reduce((sum, text) => sum + countTokens(text), 0);
  const data = texts.map((text, index) => {
    const vector = embeddingOf(setup.seed, text, dimensions);
    return { object: 'embedding', index, embedding: base64 ? inBase64(vector) : vector };
  });
  const usage = {
    prompt_tokens: tokens,
    total_tokens: tokens,
    ...(dialect === 'mistral' ? { completion_tokens: 0 } : {}),
  };
  const id = identifier(randomFrom(hash32(`${setup.seed}:${request.sequence}`)), 32).toLowerCase();
  const head = dialect === 'mistral' ? { id } : {};
  const value = { ...head, object: 'list', data, model: spokenBy(String(body['model'])), usage };
  return { kind: 'json', value, tokens: 0, cost: tokens };
};

/** 32-bit floats, little end first: what OpenAI's own client asks for. */
function inBase64(vector: readonly number[]): string {
  const bytes = Buffer.alloc(vector.length * 4);
  for (const [index, value] of vector.entries()) bytes.writeFloatLE(value, index * 4);
  return bytes.toString('base64');
}
