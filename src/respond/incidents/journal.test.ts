// What respond writes in the journal, whatever happened: the fields that OCSF 1.8.0 asks of these classes, and no text that a reader would obey.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { canonicalJson, type JsonObject } from '../../platform/base/json.ts';
import {
  escalationLevels,
  type Incident,
  incidentMoments,
  incidentSchema,
  incidentVerdicts,
} from '../../platform/documents/incident.ts';
import type { Detection } from '../detectors/detector.ts';
import type { ActionClass } from '../engine/action.ts';
import type { RunRecord } from '../engine/durable.ts';
import type { StepEvent } from '../engine/perform.ts';
import { loadTaxonomy } from '../taxonomy/load-taxonomy.ts';
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
} from './change-incident.ts';
import { harmlessDetection } from './harmless.ts';
import { detectionEvent, incidentEvent } from './journal-incident.ts';
import { runEvent, stepEvent } from './journal-step.ts';

const now = Date.UTC(2026, 10, 22, 7, 30);
const types = loadTaxonomy().all;

/** What OCSF 1.8.0 requires of each class beside what every event has; read off its schema. */
const required: Readonly<Record<number, readonly string[]>> = {
  2004: ['finding_info'],
  2005: ['finding_info_list', 'status_id'],
  6002: ['app'],
  7001: ['command_uid'],
  7002: ['command_uid', 'file'],
  7003: ['command_uid', 'process'],
  7004: ['command_uid', 'connection_info'],
};
const activities: Readonly<Record<number, readonly number[]>> = {
  2004: [1, 2, 3],
  2005: [1, 2, 3],
  6002: [1, 2, 3, 4, 5, 6, 7, 8],
  7001: [1, 2, 3, 4, 5],
  7002: [1, 2, 3, 4, 5],
  7003: [1, 2, 3, 4, 5],
  7004: [1, 2, 3, 4, 5],
};

function check(body: JsonObject): void {
  const uid = Number(body['class_uid']);
  const activity = Number(body['activity_id']);
  for (const field of ['category_uid', 'metadata', 'severity_id', 'time', 'type_uid', ...(required[uid] ?? ['?'])])
    assert.ok(field in body, `${uid} lacks ${field}`);
  assert.ok(activities[uid]?.includes(activity), `${uid} has the activity ${activity}`);
  assert.equal(body['type_uid'], uid * 100 + activity);
  assert.equal(body['category_uid'], Math.floor(uid / 1_000));
  if (uid === 2005) {
    assert.ok('assignee_group' in body, 'somebody answers for an incident');
    const findings = body['finding_info_list'] as JsonObject[];
    assert.ok(findings.length > 0);
    for (const { uid: id, title } of findings) assert.ok(typeof id === 'string' && typeof title === 'string');
  }
  if (uid === 7002) assert.ok('type_id' in (body['file'] as JsonObject) && 'name' in (body['file'] as JsonObject));
  if (uid === 7003) assert.ok('uid' in (body['process'] as JsonObject));
  if (uid === 7004) assert.ok('direction_id' in (body['connection_info'] as JsonObject));
  const text = canonicalJson(body);
  assert.deepEqual(JSON.parse(text), body, 'nothing in it is lost in JSON');
  assert.ok(text.length < 1_000_000);
}

const hostileText = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc.constantFrom('\u001b[2J', 'a\r\nb', '\u202Eexe.pdf', '../../etc/passwd', '__proto__', '{{7*7}}', '$(x)', '\ud800'),
);
const scalar = fc.oneof(hostileText, fc.double(), fc.boolean());
const detections = fc.record({
  detector: hostileText,
  type: fc.constantFrom(...types.map(({ id }) => id)),
  subject: hostileText,
  occurredAt: fc.oneof(fc.double(), fc.integer({ min: now - 1e9, max: now + 1e9 })),
  detectedAt: fc.oneof(fc.double(), fc.integer({ min: now - 1e9, max: now })),
  severity: fc.constantFrom('low', 'medium', 'high', 'critical') as fc.Arbitrary<Detection['severity']>,
  facts: fc.dictionary(hostileText, scalar, { maxKeys: 60 }),
});
const changes: fc.Arbitrary<Change> = fc.oneof(
  detections.map((detection) => repeated(harmlessDetection(detection, now))),
  hostileText.map((by) => acknowledged(by)),
  fc.tuple(fc.constantFrom(...incidentMoments), hostileText).map(([moment, by]) => marked(moment, by)),
  fc.constantFrom(...escalationLevels).map((level) => escalated(level, 'rempart')),
  hostileText.map((by) => resolved(by)),
  fc.constantFrom(...incidentVerdicts).map((verdict) => closed(verdict, 'ada')),
  fc
    .tuple(hostileText, hostileText, fc.dictionary(hostileText, scalar, { maxKeys: 5 }))
    .map(([kind, by, facts]) => noted({ kind, by, facts })),
  fc.array(hostileText).map((lessons) => amended({ lessons }, 'ada')),
  fc
    .tuple(fc.constantFrom('waiting', 'running', 'done', 'failed', 'cancelled'), hostileText)
    .map(([state, playbook]) => ranPlaybook({ run: 'run_1', playbook, state })),
);
const obeyed = /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]|\p{Cs}/u;

/** Every text in a document, names of fields too. */
function textsOf(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, entry]) => [name, ...textsOf(entry)]);
}

test('incidentEvent() and detectionEvent() say what OCSF asks for, of any incident after any changes', () => {
  fc.assert(
    fc.property(detections, fc.array(changes, { maxLength: 12 }), (given, all) => {
      const detection = harmlessDetection(given, now);
      const type = types.find(({ id }) => id === detection.type)!;
      let incident: Incident = newIncident('INC-20261122-073000', type, detection, null);
      check(detectionEvent(detection, incident.id, type, false));
      for (const change of all)
        try {
          incident = change(incident, now) ?? incident;
        } catch (error) {
          assert.equal((error as { code?: string }).code, 'ERR_INCIDENT_OVER');
        }
      incidentSchema.parse(incident);
      const body = incidentEvent(incident, type.title.en, now);
      check(body);
      for (const text of textsOf([incident, body])) assert.doesNotMatch(text, obeyed);
      assert.equal(body['status_id'] === 5, incident.status === 'closed');
    }),
    { numRuns: 300 },
  );
});

test('repeated() and noted() keep an incident small, however much comes', () => {
  const [type] = types;
  const seen = (index: number) =>
    harmlessDetection(
      {
        detector: `d${index}`,
        type: type!.id,
        subject: 's',
        occurredAt: now,
        detectedAt: now,
        severity: 'high',
        facts: {},
      },
      now,
    );
  let incident = newIncident('INC-20261122-073000', type!, seen(0), null);
  for (let index = 1; index < 3_000; index++) {
    incident = repeated(seen(index))(incident, now)!;
    incident = noted({ kind: 'note', by: 'ada', facts: { text: 'x'.repeat(2_000) } })(incident, now)!;
  }
  assert.equal(incident.signals.length, 50);
  assert.equal(
    incident.signals.reduce((sum, { repeats }) => sum + repeats + 1, 0),
    3_000,
  );
  assert.ok(incident.timeline.length <= 1_000);
  const counted = incident.timeline.filter(({ kind }) => kind === 'more');
  assert.equal(counted.length, 1);
  assert.equal(Number(counted[0]?.facts['count']) + 999, 2_999 + 50);
  assert.equal(closed('test', 'ada')(incident, now)?.timeline.at(-1)?.kind, 'closed', 'the newest is told');
});

const classes = fc.constantFrom<ActionClass | undefined>(
  'observe',
  'notify',
  'contain',
  'restore',
  'destroy',
  undefined,
);
const steps: fc.Arbitrary<StepEvent> = fc.record(
  {
    kind: fc.constantFrom('planned', 'asked', 'intent', 'done', 'failed', 'undone', 'undo-failed'),
    run: fc.constant('run_1'),
    incident: fc.constantFrom(null, 'INC-20261122-073000'),
    key: fc.constant('0.1/0'),
    step: fc.string(),
    action: fc.constantFrom(
      'containers.kill',
      'containers.disconnect',
      'network.isolate',
      'states.restore',
      'models.quarantine',
      'keys.revoke',
      'mode.switch',
      'own.action',
    ),
    time: fc.constant(now),
    idempotencyKey: fc.constant('abc'),
    targets: fc.array(fc.string(), { maxLength: 3 }),
    code: fc.constant('ERR_ACTION_OFF'),
    already: fc.boolean(),
  },
  { requiredKeys: ['kind', 'run', 'incident', 'key', 'step', 'action', 'time', 'idempotencyKey'] },
) as fc.Arbitrary<StepEvent>;

test('stepEvent() says what OCSF asks for, of any step', () => {
  fc.assert(
    fc.property(steps, classes, (step, actionClass) => {
      const body = stepEvent(step, actionClass);
      check(body);
      const isOver = ['done', 'failed', 'undone', 'undo-failed'].includes(step.kind);
      assert.equal('status_id' in body, isOver, 'what is not over has neither succeeded nor failed');
    }),
  );
});

const kinds: [action: string, actionClass: ActionClass, kind: StepEvent['kind'], uid: number, activity: number][] = [
  ['containers.kill', 'contain', 'done', 7003, 2],
  ['containers.stop', 'contain', 'done', 7003, 1],
  ['containers.disconnect', 'contain', 'done', 7004, 1],
  ['containers.disconnect', 'contain', 'undone', 7004, 3],
  ['network.isolate', 'contain', 'done', 7004, 1],
  ['states.restore', 'restore', 'done', 7002, 3],
  ['states.backup', 'observe', 'done', 7002, 5],
  ['models.quarantine', 'contain', 'done', 7002, 1],
  ['keys.revoke', 'destroy', 'done', 7001, 2],
  ['limits.tighten', 'contain', 'done', 7001, 4],
  ['notify.send', 'notify', 'done', 6002, 8],
];
for (const [action, actionClass, kind, uid, activity] of kinds)
  test(`stepEvent() tells of ${action} ${kind} in class ${uid}, activity ${activity}`, () => {
    const event = { kind, run: 'r', incident: null, key: '0', step: 's', action, time: now, idempotencyKey: 'k' };
    const body = stepEvent({ ...event, targets: ['core'] }, actionClass);
    assert.deepEqual([body['class_uid'], body['activity_id']], [uid, activity]);
  });

test('runEvent() tells of a start and of how a run ended', () => {
  const run: RunRecord = {
    id: 'run_1',
    playbook: 'playbook--1',
    playbookName: 'Container escape',
    playbookHash: 'ab',
    playbookText: '{}',
    incident: 'INC-20261122-073000',
    given: {},
    requestedBy: 'rempart',
    state: 'running',
    code: null,
    node: null,
    epoch: 1,
    createdAt: now,
    endedAt: null,
  };
  check(runEvent(run, now, false));
  const ended = runEvent({ ...run, state: 'failed', code: 'ERR_ACTION_OFF' }, now, true);
  check(ended);
  assert.deepEqual([ended['activity_id'], ended['status_id'], ended['status_code']], [4, 2, 'ERR_ACTION_OFF']);
});
