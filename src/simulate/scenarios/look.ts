// What is read of the target beside the talk: its health page, the functions of the continuity grid, the histories.
import { setTimeout as sleep } from 'node:timers/promises';
import type { TargetClient } from '../targets/client.ts';
import { parseJsonObject } from '../targets/json-text.ts';
import { atPointer, type Places, type Profile } from '../targets/profile.ts';
import type { Phase } from './evidence.ts';
import type { Recorder } from './recorder.ts';
import type { User } from './users.ts';

export interface LookParts {
  profile: Profile;
  client: TargetClient;
  recorder: Recorder;
  places: Places;
  signal: AbortSignal;
}

export const healthEveryMs = 250;
const mostOfBody = 16_384;

/** Until `state` says that it is over; while paused the page is not read, since it would tell of the simulator's own doing. */
export async function watchHealth(
  { profile, client, recorder, places, signal }: LookParts,
  state: () => { over: boolean; paused: boolean; phase: Phase },
): Promise<void> {
  const { health } = profile;
  while (health !== undefined && !state().over && !signal.aborted) {
    if (state().paused) {
      await sleep(20);
      continue;
    }
    const page = { method: 'GET', url: health.url, headers: health.headers } as const;
    const reply = await client.send(page, places, { timeoutMs: 2000 });
    const { paused, phase } = state();
    if (paused) continue;
    const { t, status, error } = reply;
    recorder.record({ kind: 'health', t, phase, status, body: reply.body.slice(0, mostOfBody), error });
    await sleep(healthEveryMs);
  }
}

/** The functions of the continuity grid, tried once. */
export async function tryFunctions(
  { profile, client, recorder, places }: LookParts,
  phase: Phase,
  conversation: string,
): Promise<void> {
  const { history, settings, login, incidents } = profile;
  const tried = [
    ['history', history?.request],
    ['settings', settings?.get],
    ['login', login?.request],
    ['incidents', incidents?.request],
  ] as const;
  for (const [name, request] of tried) {
    if (request === undefined) continue;
    const { t, status, body } = await client.send(request, { ...places, conversation }, { timeoutMs: 8000 });
    const found = name === 'history' ? atPointer(parseJsonObject(body), history?.messages ?? '') : true;
    const right = name !== 'history' || (Array.isArray(found) && found.length > 0);
    const works = status !== null && status < 300 && right;
    recorder.record({ kind: 'function', t, phase, name, status, body: body.slice(0, mostOfBody), works });
  }
}

/** Each user reads its own history, with the rights it talks with. */
export async function readHistories(
  { profile, client, recorder, places }: LookParts,
  users: readonly User[],
): Promise<void> {
  const { history } = profile;
  if (history === undefined) return;
  for (const user of users.filter((one) => one.conversation() !== '')) {
    const conversation = user.conversation();
    const options = { timeoutMs: 8000, headers: user.headers };
    const { t, status, body } = await client.send(history.request, { ...places, conversation }, options);
    const messages = atPointer(parseJsonObject(body), history.messages);
    const told = messages === undefined ? body.slice(0, 4096) : JSON.stringify(messages);
    recorder.record({ kind: 'history', t, conversation, status, body: told });
  }
}
