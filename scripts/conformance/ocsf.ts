// Every kind of event that the journal gets, held against the compiled OCSF schema: DIR/ocsf/ocsf-1.8.0.json.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { RempartError } from '../../src/platform/base/errors.ts';
import type { JsonObject } from '../../src/platform/base/json.ts';
import { createLog } from '../../src/platform/base/log.ts';
import { applicationLifecycle, journalRecovered } from '../../src/platform/journal/ocsf.ts';
import { createRecorder, type OutcomeFacts } from '../../src/protect/gateway/record.ts';
import { createRecordActivity } from '../../src/protect/record-activity.ts';
import { respondEvents } from './respond-events.ts';
import { respondRun } from './respond-run.ts';
import type { Checked } from './sarif.ts';

interface Attribute {
  type: string;
  object_type?: string;
  is_array?: boolean;
  requirement: string;
  profiles?: string[] | null;
  enum?: Record<string, unknown>;
  sibling?: string;
}

interface Shape {
  attributes: Record<string, Attribute>;
  constraints?: { at_least_one?: string[]; just_one?: string[] };
}

interface Schema {
  version: string;
  classes: Record<string, Shape & { uid: number; category_uid: number; profiles?: string[] }>;
  objects: Record<string, Shape>;
}

/** Each of them must be among the events, or nothing was proved about it. */
const classesTold = [2004, 2005, 3002, 6002, 6003, 7001, 7002, 7003, 7004];

export async function checkOcsf(dir: string): Promise<Checked> {
  const what = 'OCSF 1.8.0';
  const file = join(dir, 'ocsf', 'ocsf-1.8.0.json');
  if (!existsSync(file)) return { what, checked: 0, problems: [`${file} is not there`] };
  const schema = JSON.parse(readFileSync(file, 'utf8')) as Schema;
  const run = await respondRun();
  const events = [...eventsOf(), ...run];
  const problems = events.flatMap((event) =>
    problemsOf(schema, event).map((problem) => `${nameOf(event)}: ${problem}`),
  );
  for (const uid of classesTold)
    if (!events.some(({ class_uid }) => class_uid === uid)) problems.push(`no event of class ${uid} was written`);
  return { what, checked: events.length, problems, lines: [`${run.length} events by a run of every type's playbook`] };
}

/** What is wrong with one event; nothing when it conforms. */
export function problemsOf(schema: Schema, event: JsonObject): string[] {
  const { class_uid, activity_id, type_uid, category_uid, metadata } = event as Record<string, unknown>;
  const shape = Object.values(schema.classes).find(({ uid }) => uid === class_uid);
  if (shape === undefined) return [`class_uid ${String(class_uid)} is not known`];
  const { profiles = [], version } = (metadata ?? {}) as { profiles?: string[]; version?: string };
  return [
    ...(type_uid === Number(class_uid) * 100 + Number(activity_id) ? [] : ['type_uid does not fit class and activity']),
    ...(category_uid === shape.category_uid ? [] : ['category_uid does not fit the class']),
    ...(version === schema.version ? [] : [`metadata.version is ${String(version)}`]),
    ...profiles.filter((one) => !shape.profiles?.includes(one)).map((one) => `profile ${one} is not one of the class`),
    ...objectProblems(schema, shape, event, profiles, ''),
  ];
}

function objectProblems(schema: Schema, shape: Shape, value: object, profiles: string[], path: string): string[] {
  const has = (name: string) => Object.hasOwn(value, name);
  const missing = Object.entries(shape.attributes)
    .filter(
      ([name, { requirement, profiles: of }]) => requirement === 'required' && applies(of, profiles) && !has(name),
    )
    .map(([name]) => `${path}${name} is required`);
  const { at_least_one, just_one } = shape.constraints ?? {};
  if (just_one !== undefined && just_one.filter(has).length !== 1)
    missing.push(`${path} needs exactly one of ${just_one.join(', ')}`);
  if (at_least_one !== undefined && !at_least_one.some(has))
    missing.push(`${path} needs one of ${at_least_one.join(', ')}`);
  return [
    ...missing,
    ...Object.entries(value).flatMap(([name, one]) => {
      const attribute = shape.attributes[name];
      const at = `${path}${name}`;
      if (attribute === undefined) return [`${at} is not known`];
      if (!applies(attribute.profiles, profiles)) return [`${at} belongs to a profile that is not declared`];
      if (Array.isArray(one) !== (attribute.is_array ?? false)) return [`${at} is or is not a list`];
      const several = Array.isArray(one) ? one : [one];
      return several.flatMap((single) => valueProblems(schema, attribute, single, value, profiles, at));
    }),
  ];
}

function applies(of: string[] | null | undefined, declared: string[]): boolean {
  return of === null || of === undefined || of.length === 0 || of.some((one) => declared.includes(one));
}

function valueProblems(
  schema: Schema,
  attribute: Attribute,
  value: unknown,
  parent: object,
  profiles: string[],
  at: string,
): string[] {
  const { type, object_type, enum: known, sibling } = attribute;
  if (type === 'object_t') {
    if (typeof value !== 'object' || value === null) return [`${at} is no object`];
    const shape = schema.objects[object_type ?? ''];
    // `unmapped` is an object of any form.
    if (object_type === 'object' || shape === undefined) return [];
    return objectProblems(schema, shape, value, profiles, `${at}.`);
  }
  if (known !== undefined && !Object.hasOwn(known, String(value))) return [`${at} ${String(value)} is not in the list`];
  if (value === 99 && sibling !== undefined && !Object.hasOwn(parent, sibling))
    return [`${at} is 99 without ${sibling}`];
  const whole = ['integer_t', 'long_t', 'timestamp_t', 'port_t'].includes(type);
  if (whole) return Number.isSafeInteger(value) ? [] : [`${at} is no whole number`];
  if (type === 'boolean_t') return typeof value === 'boolean' ? [] : [`${at} is no boolean`];
  if (type === 'float_t') return typeof value === 'number' ? [] : [`${at} is no number`];
  return type === 'json_t' || typeof value === 'string' ? [] : [`${at} is no text`];
}

function nameOf(event: JsonObject): string {
  const { class_uid, unmapped } = event as { class_uid?: number; unmapped?: { phase?: string; kind?: string } };
  return [class_uid, unmapped?.phase, unmapped?.kind].filter((part) => part !== undefined).join(' ');
}

/** One of each kind, by the code that writes them. */
function eventsOf(): JsonObject[] {
  const events: JsonObject[] = [];
  const journal = {
    append: async (event: JsonObject) => {
      events.push(JSON.parse(JSON.stringify(event)) as JsonObject);
      return { stream: 's', seq: events.length, hash: '' };
    },
    checkpoint: async () => undefined,
    close: async () => undefined,
  };
  const now = () => 1_790_000_000_000;
  const caller = { subject: 's', role: 'user' as const, credential: 'rmp_1', sourceIp: '192.0.2.1' };
  const recorder = createRecorder({ now, journal, log: createLog('silent'), promptKey: Buffer.alloc(32) });
  for (const operation of ['POST /v1/chat/completions', 'POST /v1/embeddings', 'GET /v1/models', 'ask'])
    for (const kind of ['answered', 'failed', 'cut', 'aborted', 'refused'] as const) {
      const request = { requestId: 'req_1', caller, operation, startedAt: now() - 5.5 };
      const isModel = !operation.startsWith('GET');
      const said = { model: 'm', stream: true, turns: [{ role: 'user', text: 'hello' }] };
      void recorder.received(request, { dialect: 'openai', ...(isModel ? said : {}) });
      recorder.finding(request, {
        ...{ category: 'injection', role: 'user', action: 'flag', score: 0.7, rules: ['r'], severity: 'high' as const },
        prompt: { hmacSha256: 'ab', length: 5 },
      });
      recorder.outcome(request, outcomeOf(kind, isModel));
    }
  recorder.failedAuth({ requestId: 'req_2', sourceIp: '::1', reason: 'unknown', credential: 'rmp_2' });
  recorder.suppressedAuth({ count: 3, since: now() - 1_000, sourceIp: '::1' });
  const activity = createRecordActivity({ journal, now });
  for (const done of ['create', 'read', 'update', 'delete'] as const)
    void activity.request({ activity: done, operation: 'DELETE /chat', caller, requestId: 'req_3' });
  const error = new RempartError('ERR_FORBIDDEN');
  void activity.request({ activity: 'read', operation: 'GET /chat', caller, requestId: 'req_4', error });
  for (const done of ['logon', 'logoff'] as const) void activity.session({ activity: done, caller });
  for (const done of ['start', 'stop', 'restart', 'enable', 'disable', 'update'] as const)
    events.push(
      applicationLifecycle({ activity: done, time: now(), status: 'success', unmapped: { phase: 'reload' } }),
    );
  events.push(journalRecovered(now(), { tornBytes: 3 }), ...respondEvents());
  return events;
}

function outcomeOf(kind: OutcomeFacts['kind'], isModel: boolean): OutcomeFacts {
  const failed = kind === 'answered' ? {} : { code: 'ERR_X', status: 503 };
  if (!isModel) return { kind, ...failed };
  const tokens = { promptTokens: 3, completionTokens: 2, tokensEstimated: false };
  return {
    kind,
    provider: 'p',
    modelAsked: 'm',
    modelUsed: 'm2',
    attempts: 1,
    firstByteMs: 2,
    responseSize: 9,
    ...tokens,
    ...failed,
  };
}
