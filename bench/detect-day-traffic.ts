// What an ordinary day brings, minute by minute: signals, lines of logs, metrics, containers, the audit log, the journal. Noisy, and with nothing wrong.
import type { JsonObject } from '../src/platform/base/json.ts';
import type { Signal, SignalKind } from '../src/platform/signals.ts';
import type { Chance } from './detect-day-random.ts';

export interface Minute {
  signals: Signal[];
  lines: { file: string; text: string; at: number }[];
  audit: string[];
  records: { event: JsonObject; time: number }[];
  containers: { action: string; name: string; attributes?: Record<string, string> }[];
  requests: number;
  errors: number;
  refused: number;
}

const users = Array.from({ length: 60 }, (_, index) => `key${index}`);
const services = ['gateway', 'core', 'model', 'web', 'db'];
const prompts = [
  'explain: 2026-01-01 10:00:00 ERROR something failed',
  'was bedeutet \\n in einem Text?',
  'écris « bonjour » en arabe : \u2067مرحبا\u2069',
  'how do I read MemoryError in Python',
  'what is %0a in a URL',
  'שלום, מה שלומך?',
  'is "DROP TABLE users" dangerous?',
  'traduis : out of memory',
];

/** `busy`: 1 at the busiest hour, times the traffic. A deployment at 10:30 and at 15:10 restarts containers and makes errors for a minute. */
export function ordinaryMinute(chance: Chance, at: number, minuteOfDay: number, busy: number): Minute {
  const isDeploy = minuteOfDay === 630 || minuteOfDay === 910;
  const requests = chance.poisson(12 * busy);
  const errors = isDeploy ? 6 : chance.poisson(requests * 0.01);
  const refused = chance.poisson(requests * 0.02);
  return {
    signals: signalsOf(chance, at, minuteOfDay, requests),
    lines: linesOf(chance, at, requests, errors, isDeploy),
    audit: auditOf(chance, at, minuteOfDay),
    records: recordsOf(chance, at, requests),
    containers: containersOf(chance, minuteOfDay, isDeploy),
    ...{ requests, errors, refused },
  };
}

function signalsOf(chance: Chance, at: number, minute: number, requests: number): Signal[] {
  const list: Signal[] = [];
  const emit = (kind: SignalKind, severity: Signal['severity'], facts: Signal['facts'] = {}, after = 0) =>
    list.push({ kind, severity, facts, time: at + after });
  const times = (mean: number, act: () => void) => {
    for (let count = chance.poisson(mean); count > 0; count--) act();
  };
  const credential = () => chance.one(users);
  times(requests * 0.008, () =>
    emit('prompt-attack', 'medium', {
      category: 'injection',
      role: 'user',
      action: 'block',
      score: 0.5 + chance.next() * 0.5,
    }),
  );
  times(requests * 0.0008, () =>
    emit('code-execution-attempt', 'high', {
      ...{ category: 'code-execution', role: 'user', action: 'block', score: 0.5 + chance.next() * 0.28 },
      credential: credential(),
    }),
  );
  times(requests * 0.001, () =>
    emit('code-execution-attempt', 'high', {
      category: 'code-execution',
      role: 'assistant',
      action: 'flag',
      score: 0.9,
    }),
  );
  times(requests * 0.015, () =>
    emit('behaviour-anomaly', 'medium', { credential: credential(), score: 0.8, action: 'flag' }),
  );
  times(requests * 0.001, () => emit('answer-blocked', 'medium', { category: 'system-prompt' }));
  times(0.03, () => emit('hostile-request', 'low', { rule: 'scanner-path', category: 'scanner', action: 'detect' }));
  times(0.01, () => emit('hostile-request', 'medium', { rule: 'traversal', category: 'traversal', action: 'block' }));
  times(0.015, () => emit('network-cut', 'low', { provider: 'mistral', healedByRetry: true }));
  times(0.01, () => emit('provider-unavailable', 'low', { provider: 'mistral', healedByRetry: true }));
  times(0.003, () => {
    emit('rate-limited', 'medium', { provider: 'mistral' });
    emit('provider-recovered', 'info', { provider: 'mistral' }, 20_000);
  });
  times(0.02, () => {
    emit('host-overload', 'high', { cpuPressure: 0.8, memoryPressure: 0.05, eventLoopDelayMs: 40 });
    emit('host-recovered', 'info', {}, 2_000 + chance.below(45_000));
  });
  // A client with an old key, for two hours each afternoon.
  if (minute >= 840 && minute < 960) emit('failed-auth', 'high', { reason: 'expired', count: 25 });
  times(0.02, () => emit('failed-auth', 'low', { reason: 'unknown', count: 1 }));
  times(0.002, () => emit('failed-auth', 'medium', { reason: 'unknown', count: 5 }));
  times(0.002, () => emit('alert-threshold', 'high', { rule: 'failed-auth', threshold: 10, windowSeconds: 60 }));
  times(0.01, () =>
    emit('alert-threshold', 'medium', { rule: 'suspicious-prompts', threshold: 5, windowSeconds: 3_600 }),
  );
  times(0.003, () => emit('dangerous-route', 'medium', { dialect: 'ollama', role: 'user', credential: credential() }));
  times(0.001, () => emit('screening-failed', 'high', { guard: 'prompt', action: 'refuse' }));
  times(0.001, () =>
    emit('network-crossing', 'medium', { kind: 'cross-network', from: 'dmz', to: 'management', port: 80 }),
  );
  times(0.001, () => emit('quota-warning', 'medium', { provider: 'mistral', usedPercent: 80 }));
  return list.sort((one, other) => one.time - other.time);
}

function linesOf(chance: Chance, at: number, requests: number, errors: number, isDeploy: boolean): Minute['lines'] {
  const list: Minute['lines'] = [];
  const add = (file: string, make: (time: string) => string) => {
    const time = at + chance.below(60_000);
    list.push({ file, at: time, text: make(new Date(time - chance.below(800)).toISOString()) });
  };
  for (let count = 0; count < requests; count++) {
    const id = chance.below(1e6);
    add('app.log', (time) => `{"time":"${time}","level":30,"msg":"answered","id":${id}}`);
    add('web.log', (time) => `${time} INFO request ${id} took ${chance.below(3_000)} ms`);
    if (chance.happens(0.1)) add('web.log', (time) => `${time} DEBUG prompt="${chance.one(prompts)}"`);
    if (chance.happens(0.05))
      add('app.log', (time) => JSON.stringify({ time, level: 30, msg: `${chance.one(prompts)}\nmore` }));
    if (chance.happens(0.02)) add('web.log', (time) => `\u001b[33m${time} WARN\u001b[0m slow answer`);
  }
  for (let count = 0; count < errors; count++) {
    add('app.log', (time) => `{"time":"${time}","level":50,"msg":"upstream answered 502"}`);
    add('web.log', (time) => `${time} ERROR timeout after 30 s`);
    list.push({ file: 'web.log', at, text: '    at process (worker.js:10:3)' });
  }
  if (chance.happens(0.004)) add('web.log', (time) => `${time} CRITICAL worker ended and was started anew`);
  if (chance.happens(0.01)) add('web.log', (time) => `${time} [SECURITY] input refused by the filter`);
  // The internet's background: three attempts of an address, then the next.
  if (chance.happens(0.04)) {
    const ip = `203.0.113.${chance.below(250)}`;
    const when = new Date(at).toUTCString().slice(8, 11);
    for (let count = 0; count < 3; count++)
      list.push({
        file: 'auth.log',
        at: at + count * 4_000,
        text: `${when} 14 10:00:0${count} host sshd[${chance.below(9_999)}]: Failed password for root from ${ip} port 4000${count} ssh2`,
      });
  }
  if (isDeploy) {
    for (const banner of [
      '  ____',
      ' |  _ \\  starting',
      'Server listening on 8080',
      'INFO:     Application startup complete.',
    ])
      list.push({ file: 'web.log', at, text: banner });
    list.push({ file: 'web.log', at, text: '\rdownloading 10 %\rdownloading 55 %\r\u001b[Kdone' });
  }
  return list.sort((one, other) => one.at - other.at);
}

let auditId = 0;

function auditOf(chance: Chance, at: number, minute: number): string[] {
  const lines: string[] = [];
  const add = (call: number, more: string, auid = '4294967295') => {
    const head = `msg=audit(${Math.floor(at / 1_000)}.${String(++auditId % 1_000).padStart(3, '0')}:${auditId})`;
    lines.push(
      `type=SYSCALL ${head}: arch=c000003e syscall=${call} success=yes exit=0 ppid=1 pid=${chance.below(30_000)} auid=${auid} ${more}`,
      `type=EOE ${head}: `,
    );
  };
  const inside = 'uid=100000 gid=100000 subj=docker-default key="containers"';
  for (let count = chance.poisson(4); count > 0; count--) add(59, `${inside} comm="sh" exe="/bin/dash"`);
  if (minute % 2 === 0) add(59, 'uid=33 comm="sh" exe="/usr/bin/dash" key="www"');
  if (chance.happens(0.1)) add(59, 'uid=33 comm="sh" exe="/usr/bin/dash" key="www"');
  if (chance.happens(0.05)) add(165, 'uid=0 comm="mount" exe="/usr/lib/systemd/systemd" key="mount"');
  if (chance.happens(0.05)) add(308, 'uid=0 comm="runc" exe="/usr/bin/runc" key="ns"');
  if (chance.happens(0.02)) add(165, 'uid=0 comm="mount" exe="/usr/bin/mount" key="mount"', '1000');
  if (chance.happens(0.02)) add(101, 'uid=1000 comm="gdb" exe="/usr/bin/gdb" key="trace"', '1000');
  return lines;
}

function recordsOf(chance: Chance, at: number, requests: number): Minute['records'] {
  const list: Minute['records'] = [];
  const failed = (detail: string, ip: string): JsonObject => ({
    ...{ class_uid: 3002, status_id: 2, status_detail: detail },
    ...{ src_endpoint: { ip }, user: { name: 'unknown', uid: chance.one(users) } },
  });
  const ip = () => `192.0.2.${chance.below(200)}`;
  for (let count = 0; count < requests; count++)
    list.push({
      time: at + chance.below(60_000),
      event: {
        class_uid: 6003,
        status_id: 1,
        api: { operation: 'POST /v1/chat/completions' },
        src_endpoint: { ip: ip() },
      },
    });
  if (chance.happens(0.05)) list.push({ time: at, event: failed('unknown', ip()) });
  if (chance.happens(0.02))
    for (let count = 0; count < 4; count++) list.push({ time: at, event: failed('login', ip()) });
  if (chance.happens(0.01)) list.push({ time: at, event: failed('revoked', ip()) });
  if (chance.happens(0.01))
    list.push({
      time: at,
      event: {
        ...{ class_uid: 6003, status_code: 'ERR_SCOPE_MODEL', api: { operation: 'POST /v1/chat/completions' } },
        actor: { user: { name: 'ann', credential_uid: chance.one(users) } },
      },
    });
  if (chance.happens(0.01))
    list.push({
      time: at,
      event: { class_uid: 2004, finding_info: { types: ['crlf'] }, unmapped: { sourceIp: ip() } },
    });
  return list.sort((one, other) => one.time - other.time);
}

function containersOf(chance: Chance, minute: number, isDeploy: boolean): Minute['containers'] {
  const list: Minute['containers'] = [];
  for (const name of services)
    for (let count = 0; count < 2; count++) list.push({ action: 'exec_create: /bin/sh -c check', name });
  if (isDeploy)
    for (const name of services)
      list.push(
        { action: 'die', name, attributes: { exitCode: chance.one(['0', '143', '137']) } },
        { action: 'start', name },
      );
  if (chance.happens(0.002))
    list.push({ action: 'die', name: 'web', attributes: { exitCode: '1' } }, { action: 'start', name: 'web' });
  // Somebody looks after something, twice a day.
  if ((minute >= 600 && minute < 603) || (minute >= 1_000 && minute < 1_003))
    list.push({ action: 'exec_create: sh', name: 'core' });
  return list;
}
