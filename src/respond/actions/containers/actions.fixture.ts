// For tests: a shop of three services and a guest, an action planned and done upon them as the engine does it.
import { RempartError } from '../../../platform/base/errors.ts';
import { contextFor, type FakeContainer, profile, type Rig, startRig } from './engine.fixture.ts';
import type { ContainerParts } from './parts.ts';

export const services = [
  { name: 'watch', role: 'monitoring', order: 1 },
  { name: 'core', role: 'core', order: 2, container: 'shop-core-1' },
  { name: 'model', role: 'model', order: 3 },
  { name: 'llm-host', role: 'model', order: 4, unit: 'ollama.service' },
];
export const three = (): FakeContainer[] => [
  { name: 'watch', state: 'running' },
  { name: 'shop-core-1', state: 'running', networks: ['front', 'back'] },
  { name: 'model', state: 'running' },
  { name: 'guest', state: 'running' },
];

export async function withRig<T>(
  use: (rig: Rig) => Promise<T>,
  more: Partial<ContainerParts> = {},
  given = three(),
): Promise<T> {
  const rig = await startRig(profile(services), given, more);
  try {
    return await use(rig);
  } finally {
    await rig.close();
  }
}

/** Planned and done as the engine does it. */
export async function carryOut(rig: Rig, name: string, given: object, context = contextFor()) {
  const action = rig.action(name);
  const args = action.args.parse(given);
  const plan = await action.plan(args, context);
  const before = JSON.parse(JSON.stringify(plan.before));
  const done = await action.act(args, context, before);
  return {
    plan,
    done,
    probe: () => action.probe(args, context, before),
    undo: () => action.undo!(args, context, before),
  };
}

export const code = (wanted: string) => (error: unknown) => error instanceof RempartError && error.code === wanted;
export const stateOf = (rig: Rig, name: string) => rig.containers.get(name)?.state;
