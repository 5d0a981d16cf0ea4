// One event of each kind that respond writes, by the code that writes them.
import type { JsonObject } from '../../src/platform/base/json.ts';
import { type Incident, incidentVerdicts } from '../../src/platform/documents/incident.ts';
import type { ActionClass } from '../../src/respond/engine/action.ts';
import type { RunRecord } from '../../src/respond/engine/durable.ts';
import type { StepEvent } from '../../src/respond/engine/perform.ts';
import {
  acknowledged,
  amended,
  type Change,
  closed,
  escalated,
  marked,
  newIncident,
  noted,
  ranPlaybook,
  repeated,
  resolved,
} from '../../src/respond/incidents/change-incident.ts';
import { detectionEvent, incidentEvent } from '../../src/respond/incidents/journal-incident.ts';
import { runEvent, stepEvent } from '../../src/respond/incidents/journal-step.ts';
import { loadTaxonomy } from '../../src/respond/taxonomy/load-taxonomy.ts';

const now = 1_790_000_000_000;

export function respondEvents(): JsonObject[] {
  return [...incidentEvents(), ...stepEvents(), ...runEvents()];
}

function incidentEvents(): JsonObject[] {
  return loadTaxonomy().all.flatMap((type, index) => {
    const detection = {
      detector: 'signals',
      type: type.id,
      subject: 'core',
      occurredAt: now - 5,
      detectedAt: now,
      severity: (['low', 'medium', 'high', 'critical'] as const)[index % 4]!,
      facts: { count: 3, provider: 'p', grave: true },
    };
    const verdict = incidentVerdicts[index % incidentVerdicts.length]!;
    const changes: Change[] = [
      repeated({ ...detection, detector: 'log-files' }),
      escalated('emergency', 'rempart'),
      acknowledged('ada'),
      ranPlaybook({ run: 'run_1', playbook: type.playbook, state: 'running' }),
      noted({ kind: 'step-done', by: 'containers.kill', facts: { step: 's' } }),
      marked('containedAt', 'playbook'),
      amended({ causes: ['c'] }, 'ada'),
      resolved('ada'),
      closed(verdict, 'ada'),
    ];
    let incident: Incident = newIncident('INC-20260921-141320', type, detection, null);
    const events = [
      detectionEvent(detection, incident.id, type, false),
      detectionEvent(detection, incident.id, type, true),
      incidentEvent(incident, type.title.en, now),
    ];
    for (const change of changes) {
      incident = change(incident, now) ?? incident;
      events.push(incidentEvent(incident, type.title.en, now, index === 0));
    }
    return events;
  });
}

const actions: readonly [name: string, of: ActionClass][] = [
  ['containers.audit', 'observe'],
  ['containers.kill', 'contain'],
  ['containers.disconnect', 'contain'],
  ['containers.prune', 'destroy'],
  ['network.isolate', 'contain'],
  ['sources.block', 'contain'],
  ['states.restore', 'restore'],
  ['models.quarantine', 'contain'],
  ['keys.revoke', 'destroy'],
  ['mode.switch', 'contain'],
  ['notify.send', 'notify'],
  ['command.bash', 'contain'],
];

function stepEvents(): JsonObject[] {
  const kinds: StepEvent['kind'][] = ['asked', 'intent', 'done', 'failed', 'undone', 'undo-failed'];
  return actions.flatMap(([action, of]) =>
    kinds.flatMap((kind) =>
      [['core', 'api'], []].map((targets) =>
        stepEvent(
          {
            kind,
            run: 'run_1',
            incident: 'INC-20260921-141320',
            key: '0.1/0',
            step: 'A step',
            action,
            time: now,
            idempotencyKey: 'ab12',
            targets,
            ...(kind === 'failed' ? { code: 'ERR_ACTION_OFF' } : {}),
            ...(kind === 'done' ? { evidence: { files: 3 }, already: true } : {}),
          },
          of,
        ),
      ),
    ),
  );
}

function runEvents(): JsonObject[] {
  const run: RunRecord = {
    id: 'run_1',
    playbook: 'playbook--1',
    playbookName: 'Container escape',
    playbookHash: 'ab12',
    playbookText: '{}',
    incident: 'INC-20260921-141320',
    given: {},
    requestedBy: 'rempart',
    state: 'running',
    code: null,
    node: 'n',
    epoch: 1,
    createdAt: now,
    endedAt: null,
  };
  return [
    runEvent(run, now, false),
    runEvent({ ...run, state: 'done' }, now, false),
    runEvent({ ...run, state: 'failed', code: 'ERR_ACTION_FAILED', incident: null }, now, true),
    runEvent({ ...run, state: 'cancelled' }, now, false),
  ];
}
