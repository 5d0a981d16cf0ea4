// The bodies against what OCSF 1.8.0 asks of these four classes, written down here from its schema.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { canonicalJson, type JsonObject } from '../base/json.ts';
import { apiActivity, applicationLifecycle, authentication, detectionFinding, journalRecovered } from './ocsf.ts';

const time = 1_795_298_400_000;
const required = ['activity_id', 'category_uid', 'class_uid', 'metadata', 'severity_id', 'time', 'type_uid'];
const bodies: [
  name: string,
  body: JsonObject,
  uid: number,
  category: number,
  required: string[],
  activities: number,
][] = [
  [
    'apiActivity()',
    apiActivity({
      activity: 'create',
      operation: 'chat',
      actor: { subject: 'ada', credential: 'k1' },
      sourceIp: '127.0.0.1',
      time,
      correlation: 'r1',
      status: 'failure',
      statusCode: 'ERR_RATE_LIMITED',
      ai: { provider: 'mistral', model: 'm', promptTokens: 3, completionTokens: 4 },
      control: { action: 'denied', disposition: 'blocked' },
      unmapped: { phase: 'outcome' },
    }),
    6003,
    6,
    ['actor', 'api', 'src_endpoint'],
    4,
  ],
  [
    'authentication()',
    authentication({ activity: 'logon', subject: 'ada', sourceIp: '::1', credential: 's1', time, status: 'success' }),
    3002,
    3,
    ['user'],
    7,
  ],
  [
    'detectionFinding()',
    detectionFinding({
      activity: 'create',
      uid: 'f1',
      title: 't',
      analytic: 'streak',
      types: ['a'],
      severity: 'high',
      time,
    }),
    2004,
    2,
    ['finding_info'],
    3,
  ],
  ['applicationLifecycle()', applicationLifecycle({ activity: 'start', time }), 6002, 6, ['app'], 8],
  ['journalRecovered()', journalRecovered(time, { tornBytes: 3 }), 6002, 6, ['app'], 99],
];

for (const [name, body, uid, category, more, activities] of bodies) {
  test(`${name} writes a body of class ${uid} with everything that OCSF 1.8.0 requires`, () => {
    for (const field of [...required, ...more]) assert.ok(field in body, field);
    const activity = body['activity_id'] as number;
    assert.ok(Number.isInteger(activity) && activity >= 1 && activity <= activities);
    assert.deepEqual(
      [body['class_uid'], body['category_uid'], body['type_uid'], body['time']],
      [uid, category, uid * 100 + activity, time],
    );
    assert.ok((body['severity_id'] as number) >= 1 && (body['severity_id'] as number) <= 6);
    const metadata = body['metadata'] as JsonObject;
    assert.equal(metadata['version'], '1.8.0');
    assert.equal((metadata['product'] as JsonObject)['name'], 'Rempart');
    assert.deepEqual(JSON.parse(canonicalJson(body)), body, 'nothing in it is lost in JSON');
  });
}

test('apiActivity() declares the profiles whose fields it uses, and no other', () => {
  const profiles = (body: JsonObject) => (body['metadata'] as JsonObject)['profiles'];
  const [, full] = bodies[0]!;
  assert.deepEqual(profiles(full), ['ai_operation', 'security_control']);
  assert.deepEqual(full['ai_model'], { ai_provider: 'mistral', name: 'm' });
  const context = full['message_context'] as JsonObject;
  assert.deepEqual([context['prompt_tokens'], context['completion_tokens'], context['total_tokens']], [3, 4, 7]);
  assert.ok(context['application'], 'message_context needs an application or a service');
  assert.deepEqual([full['action_id'], full['disposition_id'], full['status_id']], [2, 2, 2]);
  const bare = apiActivity({ activity: 'read', operation: 'models', actor: { subject: 'a' }, sourceIp: '::1', time });
  assert.equal(profiles(bare), undefined);
  for (const field of ['ai_model', 'message_context', 'action_id', 'status_id', 'unmapped'])
    assert.ok(!(field in bare));
});
