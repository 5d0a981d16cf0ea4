// What the journal is told of a run: its start and end, and each step by what it does to the world.
import type { JsonObject } from '../../platform/base/json.ts';
import { applicationLifecycle } from '../../platform/journal/ocsf.ts';
import { type Remediation, type RemediationKind, remediation } from '../../platform/journal/ocsf-incident.ts';
import type { ActionClass } from '../engine/action.ts';
import type { RunRecord } from '../engine/durable.ts';
import type { StepEvent } from '../engine/perform.ts';

const kinds: Readonly<Record<Exclude<ActionClass, 'notify'>, RemediationKind>> = {
  observe: 'detect',
  contain: 'isolate',
  restore: 'restore',
  destroy: 'evict',
};
/** Actions that do something else than most of their class. */
const otherKinds: Readonly<Record<string, RemediationKind>> = {
  'containers.kill': 'evict',
  'compose.down': 'evict',
  'limits.tighten': 'harden',
  'mode.switch': 'harden',
  'providers.use-spare': 'restore',
};
/** What an action is about, by the beginning of its name. */
const subjects: readonly [beginning: string, on: 'file' | 'process' | 'network'][] = [
  ['containers.disconnect', 'network'],
  ['network.', 'network'],
  ['sources.', 'network'],
  ['containers.', 'process'],
  ['compose.', 'process'],
  ['states.', 'file'],
  ['models.', 'file'],
  ['config.', 'file'],
  ['source.', 'file'],
];

/** OCSF 7001–7004; telling people is no remediation, and is class 6002 of the part that told them. */
export function stepEvent(event: StepEvent, actionClass: ActionClass | undefined): JsonObject {
  const { kind, run, incident, key, step, action, time, idempotencyKey, targets = [], code, already } = event;
  const isBad = kind === 'failed' || kind === 'undo-failed';
  const isOver = isBad || kind === 'done' || kind === 'undone';
  const facts = {
    time,
    ...(incident === null ? {} : { correlation: incident }),
    ...(isOver ? { status: isBad ? ('failure' as const) : ('success' as const) } : {}),
    ...(code === undefined ? {} : { statusCode: code }),
    unmapped: {
      phase: kind,
      run,
      key,
      step,
      action,
      targets: [...targets],
      ...(actionClass === undefined ? {} : { class: actionClass }),
      ...(already === true ? { already } : {}),
      ...(event.evidence === undefined ? {} : { evidence: event.evidence }),
    },
  };
  if (actionClass === 'notify') return applicationLifecycle({ ...facts, activity: 'update', app: action });
  // What is undone gives back what was taken.
  const isUndo = kind === 'undone' || kind === 'undo-failed';
  return remediation({
    ...facts,
    severity: isBad ? 'high' : 'medium',
    kind: isUndo ? 'restore' : (otherKinds[action] ?? kinds[actionClass ?? 'observe']),
    commandUid: idempotencyKey,
    description: `${action}: ${step}`,
    on: objectOf(action, targets),
  });
}

function objectOf(action: string, [name]: readonly string[]): Remediation['on'] {
  const on = subjects.find(([beginning]) => action.startsWith(beginning))?.[1];
  return on === undefined || name === undefined ? { kind: 'other' } : { kind: on, name };
}

/** OCSF 6002: a playbook began or came to its end. */
export function runEvent(run: RunRecord, time: number, handled: boolean): JsonObject {
  const isOver = run.state !== 'running' && run.state !== 'waiting';
  return applicationLifecycle({
    time,
    activity: isOver ? 'stop' : 'start',
    app: `playbook ${run.playbookName}`,
    severity: run.state === 'failed' ? 'high' : 'informational',
    ...(run.incident === null ? {} : { correlation: run.incident }),
    ...(isOver ? { status: run.state === 'done' ? ('success' as const) : ('failure' as const) } : {}),
    ...(run.code === null ? {} : { statusCode: run.code }),
    unmapped: {
      run: run.id,
      playbook: run.playbook,
      playbookHash: run.playbookHash,
      state: run.state,
      requestedBy: run.requestedBy,
      ...(handled ? { handled } : {}),
    },
  });
}
