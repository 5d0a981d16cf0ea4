// What every API of the stand-in shares: a request goes in, a reply comes out, and nothing is written in between.
import type { Json } from '../../platform/base/json.ts';
import type { Dialect } from '../../platform/wire/dialect.ts';
import type { ErrorBodyOptions, ProviderAnswer } from '../../platform/wire/provider-error-bodies.ts';
import { providerErrorBody } from '../../platform/wire/provider-error-bodies.ts';

export type Body = Readonly<Record<string, unknown>>;

export interface ApiRequest {
  dialect: Dialect;
  /** The JSON body; empty for GET. */
  body: Body;
  /** What the path holds beyond the route, decoded. */
  rest: string;
  /** Counts the requests: answers repeat, ids do not. */
  sequence: number;
}

export interface Setup {
  seed: number;
  now: () => number;
  models: readonly string[];
  isMissing: (model: string) => boolean;
  /** Models that answered, for /api/ps. */
  loaded: Set<string>;
}

export type Reply =
  | { kind: 'json'; value: Json; tokens: number; cost: number }
  | { kind: 'text'; text: string }
  /** `pieces` are sent one token's time apart. */
  | { kind: 'stream'; contentType: string; pieces: string[]; cost: number }
  | { kind: 'refused'; answer: ProviderAnswer };

export type Handle = (request: ApiRequest, setup: Setup) => Reply;

/** A request that the dialect's API would not take. */
export function refuse(request: ApiRequest, message: string, options: ErrorBodyOptions = {}): Reply {
  const status = request.dialect === 'mistral' ? 422 : 400;
  return {
    kind: 'refused',
    answer: providerErrorBody(request.dialect, 'invalid-request', { status, message, ...options }),
  };
}

/** JSON that costs and takes nothing, like a list of models. */
export function plain(value: Json): Reply {
  return { kind: 'json', value, tokens: 0, cost: 0 };
}

/** The model's name in an answer: it says that a stand-in spoke. */
export function spokenBy(model: string): string {
  return model.includes('standin') ? model : `${model}-standin`;
}

/** The text of a message's content: a string, or parts of which those of type text count. */
export function textOfContent(content: unknown): string {
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) return '';
  return content
    .map((part: unknown) => (isRecord(part) && typeof part['text'] === 'string' ? part['text'] : ''))
    .filter((text) => text !== '')
    .join('\n');
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function strings(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  return Array.isArray(value) ? value.filter((item): item is string => typeof item === 'string') : [];
}

export function wholeNumber(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isInteger(value) ? value : undefined;
}
