// After an incident, with a real instance: people told by mail over a crash, the checklist, the report and its proof.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type Instance, makePlace, run, startInstance, until } from './instance.ts';
import { headerOf, type MailServer, startMailServer } from './smtp-rig.ts';

const place = makePlace();
const cwd = place.dir;
const canary = 'pw-canary-6f1c';
const address = 'on-call-canary@example.org';
let mail: MailServer;
let instance: Instance;
let logs = '';
const env = { SMTP_USER: 'rempart', SMTP_PASSWORD: canary };

const up = () => startInstance(['--data', 'data', '--config', 'rempart.yaml'], { cwd, env });
const rempart = (...args: string[]) => run([...args, '--data', 'data', '--config', 'rempart.yaml'], { cwd, env });

before(async () => {
  mail = await startMailServer(cwd, { user: env.SMTP_USER, password: canary });
  const service = { name: 'gateway', role: 'gateway', order: 1 };
  const security = { name: 'Security', role: 'security', from: 'info', mail: address };
  const management = { name: 'Board', role: 'management', from: 'critical', phone: '+33 1 00 00 00 00' };
  const profile = { name: 'test', language: 'en', services: [service], contacts: [security, management] };
  writeFileSync(join(cwd, 'deployment.yaml'), JSON.stringify(profile));
  const smtp = {
    host: 'localhost',
    port: mail.port,
    tls: 'starttls',
    ca: `file:${mail.caFile}`,
    user: 'env:SMTP_USER',
    password: 'env:SMTP_PASSWORD',
    from: 'rempart@example.org',
  };
  const config = { deployment: 'deployment.yaml', respond: { notify: { smtp } } };
  writeFileSync(join(cwd, 'rempart.yaml'), JSON.stringify(config));
  instance = await up();
});
after(async () => {
  logs += (await instance.stop()).stderr;
  await mail.close();
  place.remove();
});

async function open(subject: string): Promise<string> {
  const args = ['incident', 'open', '--type', 'unauthorised-access', '--subject', subject, '--no-playbook', '--json'];
  const ended = await rempart(...args);
  assert.equal(ended.code, 0, ended.stderr);
  return (JSON.parse(ended.stdout) as { id: string }).id;
}

async function followUp(id: string) {
  const ended = await rempart('incident', 'follow-up', id, '--json');
  assert.equal(ended.code, 0, ended.stderr);
  return JSON.parse(ended.stdout) as {
    deadlines: { kind: string; state: string; dueAt: string }[];
    notifications: { contact: string; channel: string; state: string; attempts: number }[];
  };
}

test('an instance tells people of an incident by mail, and the journal has it without their address', async () => {
  const id = await open('gateway');
  await until(() => mail.got.length === 1);
  const [{ to, raw } = { to: '', raw: '' }] = mail.got;
  assert.equal(to, address);
  assert.equal(headerOf(raw, 'subject'), '[REMPART URGENT] unauthorised-access - HIGH');
  assert.equal(headerOf(raw, 'x-rempart-incident'), id);
  await until(async () => (await followUp(id)).notifications[0]?.state === 'sent');
  const journal = await rempart('journal', 'export');
  assert.match(journal.stdout, /"operation":"notify mail"/);
  assert.ok(!journal.stdout.includes(address) && !journal.stdout.includes(canary));
});

test('an instance that is killed in the middle of a message sends it again after its restart, as the same message', async () => {
  mail.hang.on = true;
  const seen = mail.hang.seen;
  const id = await open('crash');
  await until(() => mail.hang.seen > seen);
  instance.child.kill('SIGKILL');
  logs += (await instance.ended).stderr;
  mail.hang.on = false;
  const before = mail.got.length;
  instance = await up();
  await until(() => mail.got.length > before);
  const again = mail.got.at(-1)!;
  assert.equal(headerOf(again.raw, 'x-rempart-incident'), id);
  assert.equal(headerOf(again.raw, 'message-id'), `<${id}.alert.Security.mail@rempart.invalid>`);
  await until(async () => (await followUp(id)).notifications.every(({ state }) => state === 'sent'));
  assert.equal(mail.got.filter(({ raw }) => headerOf(raw, 'x-rempart-incident') === id).length, 1);
});

test('acknowledging ends the deadline, and resolving sets the one of the post-mortem', async () => {
  const id = await open('steps');
  const open1 = (await followUp(id)).deadlines.filter(({ state }) => state === 'open').map(({ kind }) => kind);
  assert.ok(open1.includes('acknowledge') && open1.includes('contain'), open1.join());
  await rempart('incident', 'ack', id);
  await until(
    async () => !(await followUp(id)).deadlines.some(({ kind, state }) => kind === 'acknowledge' && state === 'open'),
  );
  await rempart('incident', 'resolve', id);
  await until(async () =>
    (await followUp(id)).deadlines.some(({ kind, state }) => kind === 'post-mortem' && state === 'open'),
  );
  const shown = await rempart('incident', 'show', id, '--lang', 'fr');
  assert.match(shown.stdout, /retour d’expérience à tenir/);
  assert.equal((await rempart('incident', 'follow-up', id, '--held')).code, 0);
  const held = await rempart('incident', 'follow-up', id, '--held');
  assert.equal(held.code, 1);
  assert.match(held.stderr, /ERR_POSTMORTEM_NONE/);
});

test('the checklist asks the gateway a real question, and the report proves where the journal stood', async () => {
  const id = await open('end');
  const checked = await rempart('incident', 'checklist', id, '--run', '--json');
  assert.equal(checked.code, 1);
  const { points } = JSON.parse(checked.stdout) as { points: { point: string; state: string }[] };
  assert.equal(points.length, 8);
  assert.equal(points.find(({ point }) => point === 'functional')?.state, 'ok');
  const amend = ['--cause', 'A weak <b>password</b>', '--corrective', 'Changed', '--done', '1', '--users', '0'];
  assert.equal((await rempart('incident', 'amend', id, ...amend)).code, 0);
  const written = await rempart('incident', 'report', id, '--out', 'report.html');
  assert.equal(written.code, 0, written.stderr);
  const html = readFileSync(join(cwd, 'report.html'), 'utf8');
  assert.match(html, /A weak &lt;b&gt;password/);
  const expect = /--expect (respond:\d+:[0-9a-f]{64})/.exec(html)?.[1] ?? '';
  assert.equal((await rempart('journal', 'verify', '--expect', expect)).code, 0);
  const forged = expect.replace(/.$/, (last) => (last === '0' ? '1' : '0'));
  assert.equal((await rempart('journal', 'verify', '--expect', forged)).code, 1);
  const twice = await rempart('incident', 'report', id, '--out', 'report.html');
  assert.equal(twice.code, 2);
  assert.match(twice.stderr, /ERR_OUTPUT_EXISTS/);
});

test('kpi speaks of these incidents from the journal alone', async () => {
  const ended = await rempart('kpi', '--json');
  const { incidents, kpis } = JSON.parse(ended.stdout) as {
    incidents: { all: number };
    kpis: { id: string; n: number; state: string }[];
  };
  assert.equal(incidents.all, 4);
  assert.deepEqual(
    kpis.find(({ id }) => id === 'coverage'),
    {
      ...kpis.find(({ id }) => id === 'coverage'),
      state: 'no-data',
      n: 0,
    },
  );
});

test('no log line of all this holds an address, a number or a password', async () => {
  logs += instance.stderr();
  for (const secret of [address, canary, '+33 1 00']) assert.ok(!logs.includes(secret), secret);
});
