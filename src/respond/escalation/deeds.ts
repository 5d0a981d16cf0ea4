// What has really been done about an incident, read from what its runs remember: an action counts once its outcome is on disk.
import type { JsonObject } from '../../platform/base/json.ts';
import type { Incident } from '../../platform/documents/incident.ts';
import type { RunLog } from '../engine/durable.ts';
import { type DeedName, deedNames } from './notice.ts';

/** One action of a playbook that came to its end. */
export interface DoneAction {
  run: string;
  action: string;
  at: number;
  evidence: JsonObject;
  undone: boolean;
}

const actionsOf: Readonly<Record<DeedName, readonly string[]>> = {
  services: ['containers.stop', 'containers.kill', 'containers.pause', 'compose.down', 'models.stop'],
  states: ['states.backup', 'states.keep-evidence'],
  logs: ['containers.save-logs'],
  monitoring: ['monitoring.heighten'],
};

/** In the order in which they were done. */
export async function doneActions(
  runs: Pick<RunLog, 'memory'>,
  { playbookRuns }: Pick<Incident, 'playbookRuns'>,
): Promise<DoneAction[]> {
  const all = await Promise.all(
    playbookRuns.map(async ({ run }) => {
      const memory = await runs.memory(run);
      const byKey = new Map(memory.map((one) => [one.key, one]));
      return memory.flatMap(({ key, value }) => {
        const begun = /^(.*)\/intent$/.exec(key)?.[1];
        const outcome = begun === undefined ? undefined : byKey.get(`${begun}/outcome`);
        const done = (outcome?.value as JsonObject | undefined)?.['done'] as JsonObject | undefined;
        if (outcome === undefined || done === undefined) return [];
        const action = String((value as JsonObject)['action']);
        const evidence = (done['evidence'] ?? {}) as JsonObject;
        return [{ run, action, at: outcome.at, evidence, undone: byKey.has(`${begun}/undone`) }];
      });
    }),
  );
  return all.flat().sort((a, b) => a.at - b.at);
}

/** What may be ticked: something of the kind was done, and was not put back since. */
export function deedsIn(actions: readonly DoneAction[]): Record<DeedName, boolean> {
  const isDone = (name: DeedName) => actions.some(({ action, undone }) => !undone && actionsOf[name].includes(action));
  return Object.fromEntries(deedNames.map((name) => [name, isDone(name)])) as Record<DeedName, boolean>;
}
