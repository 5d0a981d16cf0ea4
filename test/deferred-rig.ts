// A whole Rempart before a provider whose quota a test turns off and on: what the tests of deferred requests have in common.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { answering, type Behaviour, json, startUpstream, type Upstream } from './gateway-rig.ts';
import { type Instance, makePlace, startInstance, until } from './instance.ts';

export const keys = {
  KEY: 'key-of-the-one-who-can-wait',
  OTHER: 'key-of-somebody-else-entirely',
  ADMIN: 'key-of-the-administrator',
  UP: 'upstream-key',
  HOOK: 'whsec_c2VjcmV0IG9mIGRlbGl2ZXJpZXM=',
};

export type Mood = 'answers' | 'throttled' | 'quota' | 'hangs' | 'broken';

export interface DeferredRig {
  dir: string;
  instance: Instance;
  upstream: Upstream;
  mood: Mood;
  /** What the provider says next. */
  says: string;
  /** Writes the configuration; `more` are further lines. */
  put(more?: string): void;
  up(): Promise<void>;
  kill(): Promise<void>;
  ask(text: string, headers?: Record<string, string>, more?: object, key?: string): Promise<Told>;
  see(id: string, key?: string, method?: string): Promise<Told>;
  /** Waits until the request has ended. */
  ended(id: string): Promise<Ticket>;
  close(): Promise<void>;
}

export interface Ticket {
  id: string;
  status: string;
  position?: number;
  createdAt: string;
  expectedAt?: string;
  deadline: string;
  endedAt?: string;
  webhook?: string;
  message: string;
  error?: { code: string; message: string; todo: string };
  answer?: { choices: { message: { content: string } }[]; usage: { total_tokens: number } };
}

export interface Told {
  status: number;
  headers: Headers;
  body: Ticket & { error: { code: string; message: string } } & Record<string, unknown>;
}

export const batch = { 'x-rempart-urgency': 'batch' };

export async function startDeferredRig(
  env: Record<string, string> = {},
  more = '',
  args: readonly string[] = [],
): Promise<DeferredRig> {
  const place = makePlace();
  const behaviour: Behaviour = (req, res, body, nth) => {
    if (rig.mood === 'answers') return answering(rig.says)(req, res, body, nth);
    if (rig.mood === 'hangs') return undefined;
    if (rig.mood === 'broken') return json(res, 503, { error: { message: 'no' } });
    const quota = rig.mood === 'quota';
    const code = quota ? 'insufficient_quota' : 'rate_limit_exceeded';
    const error = { message: 'no', type: quota ? 'insufficient_quota' : 'requests', param: null, code };
    return json(res, 429, { error }, quota ? {} : { 'retry-after': '1' });
  };
  const upstream = await startUpstream(behaviour);
  const call = async (path: string, method: string, key: string, headers = {}, body?: object): Promise<Told> => {
    const response = await fetch(`${rig.instance.gatewayUrl}${path}`, {
      method,
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, body: text.startsWith('{') ? JSON.parse(text) : text };
  };
  const rig: DeferredRig = {
    dir: place.dir,
    instance: undefined as unknown as Instance,
    upstream,
    mood: 'answers',
    says: 'hello',
    put(lines = '') {
      const config = [
        `providers: [{name: up, dialect: openai, url: "${upstream.url}", key: "env:UP"}]`,
        'access: {keys: [{key: "env:KEY", subject: waiter}, {key: "env:OTHER", subject: other}, {key: "env:ADMIN", subject: boss, role: admin}]}',
        'screening: {behaviour: {mode: "off"}}',
        'gateway: {retries: {max: 0, rideOutMs: 0}, breaker: {failures: 3, halfOpenMs: 300}, timeouts: {firstByteMs: 60000}}',
        lines,
      ];
      writeFileSync(join(place.dir, 'rempart.yaml'), `${config.join('\n')}\n`);
    },
    async up() {
      rig.instance = await startInstance(args, { cwd: place.dir, env: { ...keys, ...env } });
    },
    async kill() {
      rig.instance.child.kill('SIGKILL');
      await rig.instance.ended;
    },
    ask: (text, headers = batch, extra = {}, key = keys.KEY) =>
      call('/v1/chat/completions', 'POST', key, headers, {
        model: 'm',
        messages: [{ role: 'user', content: text }],
        ...extra,
      }),
    see: (id, key = keys.KEY, method = 'GET') => call(`/v1/deferred/${id}`, method, key),
    async ended(id) {
      let ticket: Ticket | undefined;
      await until(async () => {
        ticket = (await rig.see(id)).body;
        return ticket.endedAt !== undefined;
      });
      return ticket!;
    },
    async close() {
      await rig.instance.stop();
      await upstream.close();
      place.remove();
    },
  };
  rig.put(more);
  await rig.up();
  return rig;
}

/** How often the provider was asked for this, whatever it said. */
export function askedFor({ upstream }: Pick<DeferredRig, 'upstream'>, text: string): number {
  return upstream.bodies.filter((body) => body.includes(text)).length;
}
