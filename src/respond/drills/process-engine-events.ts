// The event stream of the process engine: one JSON object a line, as the Engine API has it.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ProcessContainer } from './process-container.ts';

export interface EngineEvents {
  tell(
    type: 'container' | 'network',
    action: string,
    container: ProcessContainer | undefined,
    attributes?: Readonly<Record<string, string>>,
  ): void;
  serve(call: { request: IncomingMessage; response: ServerResponse; url: URL }): void;
  close(): void;
}

interface Filter {
  type?: string[];
  event?: string[];
}

interface Told {
  type: string;
  action: string;
  text: string;
}

const mostKept = 1_000;

/** An `exec_create: sh` is asked for as `exec_create`. */
function passes({ type, event }: Filter, told: Told): boolean {
  const action = told.action.split(':')[0] ?? '';
  return (type?.includes(told.type) ?? true) && (event?.includes(action) ?? true);
}

export function createEvents(now: () => number): EngineEvents {
  const kept: (Told & { at: number })[] = [];
  const followers = new Map<ServerResponse, Filter>();
  return {
    tell(type, action, container, attributes = {}) {
      if (container === undefined) return;
      const at = now();
      const { id, spec } = container;
      const named = { image: spec.image, name: spec.name, ...spec.labels };
      const actor =
        type === 'container'
          ? { ID: id, Attributes: { ...named, ...attributes } }
          : { ID: attributes['name'] ?? '', Attributes: { container: id, ...attributes } };
      const event = {
        ...(type === 'container' ? { status: action, id, from: spec.image } : {}),
        Type: type,
        Action: action,
        Actor: actor,
        scope: 'local',
        time: Math.trunc(at / 1_000),
        timeNano: Math.trunc(at) * 1_000_000,
      };
      const text = `${JSON.stringify(event)}\n`;
      const told = { type, action, text };
      kept.push({ at, ...told });
      if (kept.length > mostKept) kept.shift();
      for (const [follower, filter] of followers) if (passes(filter, told)) follower.write(text);
    },
    serve({ response, url }) {
      const filter = JSON.parse(url.searchParams.get('filters') ?? '{}') as Filter;
      const since = url.searchParams.get('since');
      response.writeHead(200, { 'content-type': 'application/json' });
      response.flushHeaders();
      if (since !== null) for (const { at, text } of kept) if (at >= Number(since) * 1_000) response.write(text);
      if (url.searchParams.has('until') && Number(url.searchParams.get('until')) * 1_000 <= now())
        return void response.end();
      followers.set(response, filter);
      response.on('close', () => followers.delete(response));
    },
    close() {
      for (const follower of followers.keys()) follower.end();
      followers.clear();
    },
  };
}
