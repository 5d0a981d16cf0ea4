// The dry probe against real processes: what works, what does not, and what nobody could assess.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { type Probed, targetCheckSchema } from '../../platform/documents/target-check.ts';
import { checkText } from '../report/target-check-text.ts';
import { words } from '../report/text.ts';
import { missingSteps } from '../scoring/procedure.ts';
import { loadProfile } from '../targets/profile.ts';
import { checkTarget, type TargetCheck } from './check-target.ts';

const dir = mkdtempSync(join(tmpdir(), 'rempart-check-test-'));
after(() => rmSync(dir, { recursive: true }));

// Its history forgets, its login gives no token, and only LIVE decides whether it asks the model at all.
writeFileSync(
  join(dir, 'bot.mjs'),
  `import { createServer } from 'node:http';
  if (process.env.DEAD) process.exit(1);
  console.log('up');
  createServer(async (req, res) => {
    let text = '';
    for await (const chunk of req) text += chunk;
    const send = (value) => { res.setHeader('content-type', 'application/json'); res.end(JSON.stringify(value)); };
    if (req.url !== '/chat') return send(req.url === '/history' ? { messages: [] } : { ok: true });
    if (!process.env.LIVE) return send({ reply: 'always the same' });
    const answer = await fetch(process.env.LLM + '/v1/chat/completions', { method: 'POST',
      headers: { 'content-type': 'application/json', authorization: 'Bearer ' + process.env.KEY },
      body: JSON.stringify({ model: 'm', messages: [{ role: 'user', content: JSON.parse(text).message }] }) });
    send({ reply: (await answer.json()).choices[0].message.content });
  }).listen(process.env.PORT, '127.0.0.1');`,
);
writeFileSync(join(dir, 'key.md'), 'Stop all calls. Tell the security team. Revoke the key. Restart.');

let count = 0;
async function check(env: Record<string, string>, more = ''): Promise<TargetCheck> {
  const file = join(dir, `profile-${++count}.yaml`);
  const at = `http://127.0.0.1:\${port}`;
  const set = Object.entries({ PORT: `\${port}`, LLM: `\${upstream.url}`, KEY: `\${upstream.key}`, ...env });
  writeFileSync(
    file,
    `name: probe
start:
  command: [node, bot.mjs]
  env: { ${set.map(([name, value]) => `${name}: "${value}"`).join(', ')} }
  ready: { url: "${at}/health", within: 3s }
ask:
  request: { method: POST, url: "${at}/chat", body: { message: "\${question}" } }
  answer: /reply
health: { url: "${at}/health" }
${more.replaceAll('AT', at)}`,
  );
  const profile = loadProfile(file);
  const signal = new AbortController().signal;
  return checkTarget({ profile, undoDir: join(dir, `undo-${count}`), env: process.env, signal });
}
const state = ({ findings }: TargetCheck, what: Probed) => findings.find((one) => one.what === what)?.state;

test('checkTarget() finds what works, what is broken and what is missing, and breaks nothing', async () => {
  const found = await check(
    { LIVE: '1' },
    `history: { request: { url: "AT/history" }, messages: /messages }
login: { request: { method: POST, url: "AT/login" }, token: /token }
settings: { get: { url: "AT/settings" } }
procedures: { key-compromised: key.md }`,
  );
  const states = Object.fromEntries(found.findings.map(({ what, state: now }) => [what, now]));
  assert.deepEqual(states, {
    start: 'works',
    ask: 'works',
    upstream: 'works',
    history: 'fails',
    health: 'works',
    settings: 'works',
    login: 'fails',
    incidents: 'missing',
    alerts: 'missing',
    'spare-key': 'missing',
    admin: 'missing',
    logs: 'works',
    procedure: 'fails',
    database: 'missing',
  });
  assert.equal(found.findings.find(({ what }) => what === 'procedure')?.detail, 'new-key');
  const databases = found.methods.filter(({ scenario }) => scenario === 'database-down');
  assert.ok(databases.length > 0 && databases.every(({ why }) => why !== null));
  assert.equal(found.methods.find(({ method }) => method === 'unavailable')?.why, null);
  const methods = found.methods.map(({ why, ...one }) => ({ ...one, ...(why === null ? {} : { why }) }));
  targetCheckSchema.parse({ ...found, methods });
  for (const lang of ['en', 'fr'] as const)
    assert.doesNotMatch(checkText(found, words(lang)), /(?<!\$)\{\w+\}|undefined/);
});

test('checkTarget() sees that no model call comes through the proxy, and which methods that leaves', async () => {
  const found = await check({});
  assert.equal(state(found, 'upstream'), 'fails');
  assert.equal(found.reachable, true);
  assert.equal(found.methods.find(({ method }) => method === 'unavailable')?.why, 'report.target.no-upstream');
  assert.equal(found.methods.find(({ method }) => method === 'cpu')?.why, null);
});

test('checkTarget() calls unreachable a target that does not come up', async () => {
  const found = await check({ DEAD: '1' });
  assert.deepEqual([state(found, 'start'), found.reachable], ['fails', false]);
});

const procedures: [text: string, missing: string[]][] = [
  ['', ['stop', 'notify', 'revoke', 'new-key', 'redeploy']],
  ['1. Stop all calls 2. Notify the security team 3. Revoke it at the provider 4. Generate a new key 5. Redeploy', []],
  [
    "1. Arrêt immédiat des appels 2. Notification à l'équipe sécurité 3. Révocation 4. Nouvelle clé 5. Redéploiement",
    [],
  ],
  ['Arrêter les appels. Prévenir la sécurité. Révoquer. Redéployer.', ['new-key']],
  ['We will look into it and call somebody.', ['stop', 'notify', 'revoke', 'new-key', 'redeploy']],
];
for (const [text, missing] of procedures)
  test(`missingSteps() finds ${missing.length} steps missing in ${JSON.stringify(text.slice(0, 40))}`, () => {
    assert.deepEqual(missingSteps(text), missing);
  });
