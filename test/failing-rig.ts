// What the tests of failing upstreams share: a gateway before one that behaves as told.
import { after } from 'node:test';
import {
  type Answer,
  type Behaviour,
  json,
  type Rig,
  type RigOptions,
  roomyTimeouts,
  startRig,
  startUpstream,
  type Upstream,
} from './gateway-rig.ts';

export const cleanUps: (() => Promise<void>)[] = [];

after(async () => {
  for (const close of cleanUps) await close();
});

export interface Setup {
  options?: RigOptions;
  models?: Behaviour;
  spareKeys?: string[];
  dialect?: 'openai' | 'ollama';
}

export async function rigBefore(behaviour: Behaviour, setup: Setup = {}): Promise<{ rig: Rig; upstream: Upstream }> {
  const upstream = await startUpstream(behaviour, setup.models);
  const rig = await startRig(
    [
      {
        name: 'up',
        dialect: setup.dialect ?? 'openai',
        url: upstream.url,
        key: 'key-1',
        spareKeys: setup.spareKeys ?? [],
      },
    ],
    setup.options,
  );
  cleanUps.push(rig.close, upstream.close);
  return { rig, upstream };
}

export const codeOf = (answer: Answer) => (JSON.parse(answer.text) as { error: { code: string } }).error.code;

export const kinds = (rig: Rig) => rig.signals.map((signal) => signal.kind);

export const openai503: Behaviour = (_req, res) =>
  json(res, 503, { error: { message: 'secret words', type: 'server_error' } });

/** For providers that fall silent. */
export const impatient: RigOptions = { settings: { timeouts: { ...roomyTimeouts, firstByteMs: 300, idleMs: 1_000 } } };
