// What runs of playbooks do, written where it belongs: in the journal, then in the timeline of their incident.
import { RempartError } from '../../platform/base/errors.ts';
import type { Log } from '../../platform/base/log.ts';
import type { Incident } from '../../platform/documents/incident.ts';
import type { Journal } from '../../platform/journal/journal.ts';
import type { Actions } from '../engine/action.ts';
import type { RunRecord } from '../engine/durable.ts';
import type { EngineParts } from '../engine/engine.ts';
import type { Interpreted } from '../engine/interpret.ts';
import type { StepEvent } from '../engine/perform.ts';
import type { Incidents } from './incidents.ts';
import { runEvent, stepEvent } from './journal-step.ts';

export interface FollowRunsParts {
  incidents: Pick<Incidents, 'note' | 'run' | 'mark'>;
  journal: Pick<Journal, 'append'>;
  actions: Pick<Actions, 'find'>;
  log: Log;
  now: () => number;
  /** As the file is called, which is how people name it. */
  nameOf?: (playbook: string) => string | undefined;
  ended?: (state: Incident['playbookRuns'][number]['state']) => void;
}

const lines: Readonly<Partial<Record<StepEvent['kind'], string>>> = {
  asked: 'step-asked',
  done: 'step-done',
  failed: 'step-failed',
  undone: 'step-undone',
  'undo-failed': 'undo-failed',
};
const changesTheWorld = ['contain', 'restore', 'destroy'];

export function followRuns(parts: FollowRunsParts): Pick<EngineParts, 'tell' | 'tellRun'> {
  const { incidents, journal, actions, log, now } = parts;

  /** The journal has it already: an incident that cannot take its line does not hold the run up. */
  async function inTimeline(work: () => Promise<unknown>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (!(error instanceof RempartError)) throw error;
      log.warn({ err: error }, 'the timeline of an incident lacks a line that the journal has');
    }
  }

  return {
    async tell(event) {
      const { class: actionClass } = actions.find(event.action) ?? {};
      await journal.append(stepEvent(event, actionClass));
      const { incident, kind, action, step, run, targets = [], code } = event;
      const line = lines[kind];
      if (incident === null || line === undefined) return;
      const facts = {
        run,
        step,
        ...(targets.length === 0 ? {} : { targets: targets.join(', ') }),
        ...(code === undefined ? {} : { code }),
      };
      await inTimeline(() => incidents.note(incident, { kind: line, by: action, facts }));
      if (kind === 'done' && changesTheWorld.includes(actionClass ?? ''))
        await inTimeline(() => incidents.mark(incident, 'firstActionAt', action));
    },
    async tellRun(run: RunRecord, end?: Interpreted) {
      await journal.append(runEvent(run, now(), end?.handled === true));
      if (end !== undefined) parts.ended?.(run.state);
      const { incident, id, state } = run;
      const playbook = parts.nameOf?.(run.playbook) ?? run.playbookName;
      if (incident !== null) await inTimeline(() => incidents.run(incident, { run: id, playbook, state }));
    },
  };
}
