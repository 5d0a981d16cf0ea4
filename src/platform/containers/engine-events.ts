// What the container engine tells while it happens: one JSON object a line, for as long as it is listened to.
import { RempartError } from '../base/errors.ts';
import { eventSchema } from './engine-answers.ts';
import type { EngineQuestion } from './engine-transport.ts';

export interface EventFilter {
  /** e.g. `container`, `network`. */
  types?: readonly string[];
  /** e.g. `start`, `die`, `exec_create`. */
  actions?: readonly string[];
  /** What happened from then on is told first. */
  sinceMs?: number;
}

export interface EngineEvent {
  type: string;
  action: string;
  /** Of what it happened to. */
  id: string;
  name: string;
  attributes: Readonly<Record<string, string>>;
  timeMs: number;
}

/** An event with so much in it is none. */
const maxLineBytes = 1024 * 1024;

export function eventsQuestion(
  { types = [], actions = [], sinceMs }: EventFilter,
  signal: AbortSignal | undefined,
): EngineQuestion {
  const filters = {
    ...(types.length === 0 ? {} : { type: types }),
    ...(actions.length === 0 ? {} : { event: actions }),
  };
  return {
    method: 'GET',
    path: ['events'],
    query: {
      stream: 'true',
      ...(Object.keys(filters).length === 0 ? {} : { filters: JSON.stringify(filters) }),
      ...(sinceMs === undefined ? {} : { since: (sinceMs / 1_000).toFixed(3) }),
    },
    signal,
  };
}

/** Lines that are no event are passed over: engines say more from version to version. */
export async function* eventsIn(pieces: AsyncIterable<Buffer>): AsyncGenerator<EngineEvent> {
  let waiting: Buffer[] = [];
  let size = 0;
  for await (const piece of pieces) {
    let from = 0;
    for (let end = piece.indexOf(10); end >= 0; end = piece.indexOf(10, from)) {
      const event = eventOf(Buffer.concat([...waiting, piece.subarray(from, end)]));
      if (event !== undefined) yield event;
      waiting = [];
      size = 0;
      from = end + 1;
    }
    waiting.push(piece.subarray(from));
    size += piece.length - from;
    if (size > maxLineBytes) throw new RempartError('ERR_ENGINE_ANSWER', { what: 'GET /events' });
  }
}

function eventOf(line: Buffer): EngineEvent | undefined {
  let value: unknown;
  try {
    value = JSON.parse(line.toString('utf8'));
  } catch {
    return undefined;
  }
  const read = eventSchema.safeParse(value);
  if (!read.success) return undefined;
  const { Type, Action, Actor, time, timeNano } = read.data;
  const attributes = Actor?.Attributes ?? {};
  return {
    type: Type,
    action: Action,
    id: Actor?.ID ?? '',
    name: attributes['name'] ?? '',
    attributes,
    timeMs: timeNano ? Math.floor(timeNano / 1e6) : (time ?? 0) * 1_000,
  };
}
