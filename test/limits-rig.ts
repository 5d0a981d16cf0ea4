// What the tests of limits and of quotas share: a gateway whose limits are given, on a clock that stands.
import { after } from 'node:test';
import type { z } from 'zod';
import { createSharedMemory } from '../src/platform/shared/memory.ts';
import type { ProviderSettings } from '../src/protect/gateway/settings.ts';
import { createLimiter } from '../src/protect/limits/limiter.ts';
import { limitsSchema } from '../src/protect/limits/limits-config.ts';
import {
  type Answer,
  answering,
  type Behaviour,
  type Rig,
  roomyTimeouts,
  startRig,
  startUpstream,
  userKey,
} from './gateway-rig.ts';

export type Given = z.input<typeof limitsSchema>;

export type Rule = NonNullable<Given['rules']>[number];

/** Far from the end of any window. */
export const noon = Date.parse('2026-06-15T12:00:00.000Z');

export const secondKey = 'a-second-key-of-the-same-user';

export const otherKey = 'a-key-of-another-user';

/** A busy machine is no failing upstream. */
export const patient = { timeouts: roomyTimeouts };

export const ends: (() => Promise<void>)[] = [];

after(async () => {
  for (const end of ends) await end();
});

export interface Limited {
  rig: Rig;
  bodies: string[];
  refused: string[];
  clock: { now: number };
}

export async function limited(
  given: Given | Rule,
  {
    behaviour = answering(),
    dialect = 'openai' as ProviderSettings['dialect'],
  }: { behaviour?: Behaviour; dialect?: ProviderSettings['dialect'] } = {},
): Promise<Limited> {
  const clock = { now: noon };
  const refused: string[] = [];
  const upstream = await startUpstream(behaviour);
  const settings = limitsSchema.parse('every' in given ? { rules: [given] } : given);
  const limiter = createLimiter(
    { now: () => clock.now, memory: createSharedMemory(), refused: ({ scope }) => refused.push(scope) },
    settings,
  );
  const rig = await startRig([{ name: 'up', dialect, url: upstream.url }], {
    limiter,
    settings: patient,
    keys: [
      { key: secondKey, subject: 'tester', role: 'user' },
      { key: otherKey, subject: 'other', role: 'user' },
    ],
  });
  ends.push(rig.close, upstream.close);
  return { rig, bodies: upstream.bodies, refused, clock };
}

export const messages = [{ role: 'user', content: 'hello' }];

export const as = (key: string) => ({ authorization: `Bearer ${key}` });

export const chat = (rig: Rig, more: object = {}, key = userKey) =>
  rig.ask('/v1/chat/completions', { model: 'm', messages, ...more }, as(key));

export async function statuses(count: number, ask: () => Promise<Answer>): Promise<number[]> {
  const seen: number[] = [];
  for (let nth = 0; nth < count; nth++) seen.push((await ask()).status);
  return seen;
}

export const header = ({ headers }: Answer, name: string) => headers[`x-ratelimit-${name}`];

/** What the rig's usual prompt is estimated at. */
export async function promptTokens(): Promise<number> {
  const { rig } = await limited({ every: 'hour', tokens: 1_000 });
  return 1_000 - 10 - Number(header(await chat(rig, { max_tokens: 10 }), 'remaining-tokens'));
}
