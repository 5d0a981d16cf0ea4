// One conversation judged as a whole: the five that a reviewer scored, and single cases of findings, secrets and prose.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { type AnalysedConversation, type Author, conversationSchema } from '../platform/documents/analysis.ts';
import { analyseConversation } from './analyse-conversation.ts';
import { readExports } from './read/read-exports.ts';
import { talk } from './talk.fixture.ts';

const five = join(import.meta.dirname, '..', '..', 'test', 'fixtures', 'five');

function judge(turns: readonly (readonly [Author, string])[], lang: 'en' | 'fr' = 'en'): AnalysedConversation {
  return conversationSchema.parse(analyseConversation(talk(turns), { lang }, 1));
}

test('analyseConversation() scores the five reviewed conversations within a point and in their order', async () => {
  const expected = new Map([
    ['Machine Learning Model Deployment', 3],
    ['example_lechat', 5],
    ['Python Security Best Practices', 6],
    ['Can you review', 7],
    ['How should we harden', 8],
  ]);
  const scores: [string, number][] = [];
  let number = 0;
  for await (const item of readExports([five])) {
    assert.equal(item.kind, 'conversation');
    if (item.kind !== 'conversation') continue;
    number += 1;
    const first = item.conversation.messages[0]?.parts[0]?.text ?? '';
    const name = item.conversation.title ?? [...expected.keys()].find((key) => first.startsWith(key)) ?? '';
    const { score } = analyseConversation(item.conversation, { lang: 'fr' }, number).maturity;
    const wanted = expected.get(name);
    assert.ok(
      wanted !== undefined && score !== null && Math.abs(score - wanted) <= 1,
      `${name}: ${score}, reviewed ${wanted}`,
    );
    scores.push([name, score]);
  }
  const order = scores.sort((a, b) => a[1] - b[1]).map(([name]) => name);
  assert.deepEqual(order, [...expected.keys()]);
  assert.equal(new Set(scores.map(([, score]) => score)).size, 5, 'no two are equal');
});

test('analyseConversation() masks a leaked key in every text and asks for its revocation', () => {
  const key = `sk-proj-${'Ab3dE7gH9kLmN2pQrS5tUvW8xYz1'.repeat(2)}`;
  const analysed = judge([
    ['user', `Why does this fail?\n\n\`\`\`python\nclient = OpenAI(api_key="${key}")\n\`\`\``],
    ['assistant', 'Read the key from the environment.'],
  ]);
  assert.ok(!JSON.stringify(analysed).includes(key));
  const leaked = analysed.findings.filter(({ rule }) => rule.startsWith('secrets.'));
  assert.equal(leaked.length, 1);
  assert.deepEqual([leaked[0]?.state, leaked[0]?.author, leaked[0]?.line], ['introduced', 'user', 4]);
});

test('analyseConversation() tells a key that the assistant made up from one that was sent', () => {
  const key = `ghp_${'a8Kd03Lq9ZxPw27TnB5vYc1RfH6mJsE4uGiO'}`;
  const [finding] = judge([['assistant', `\`\`\`bash\nexport GITHUB_TOKEN=${key}\n\`\`\``]]).findings;
  assert.equal(finding?.state, 'example');
});

test('analyseConversation() counts a key that the assistant writes into a program or an image as hard-coded', () => {
  const key = `ghp_${'a8Kd03Lq9ZxPw27TnB5vYc1RfH6mJsE4uGiO'}`;
  const cases = [
    ['python', `GITHUB_TOKEN = "${key}"`, 'python.secret-literal'],
    ['dockerfile', `FROM node:22.1.0\nARG GITHUB_TOKEN=${key}\nUSER node`, 'containers.dockerfile.secret'],
  ] as const;
  for (const [language, code, rule] of cases) {
    const { findings } = judge([['assistant', `\`\`\`${language}\n${code}\n\`\`\``]]);
    const hardCoded = findings.filter(({ cwe }) => cwe.includes('CWE-798'));
    assert.deepEqual(
      hardCoded.map((one) => [one.rule, one.state]),
      [[rule, 'introduced']],
    );
    assert.doesNotMatch(JSON.stringify(findings), /a8Kd03Lq9Zx/);
  }
});

test('analyseConversation() follows a key that was sent in a talk without code until its owner has revoked it', () => {
  const key = `ghp_${'a8Kd03Lq9ZxPw27TnB5vYc1RfH6mJsE4uGiO'}`;
  const { findings } = judge([
    ['user', `Mine is ${key}`],
    ['assistant', 'Please revoke that key at once and rotate it.'],
    ['user', 'Done, I revoked it.'],
  ]);
  assert.deepEqual(
    findings.map(({ state, life }) => [state, life.map(({ event }) => event)]),
    [['fixed', ['introduced', 'discussed', 'fixed']]],
  );
});

test('analyseConversation() takes a weakness as discussed where the next answer names the remedy, whoever wrote the code', () => {
  const code = '```python\ncur.execute("SELECT * FROM users WHERE name = \'" + name + "\'")\n```';
  const answer = 'You are right: use parameterised queries instead.';
  const [own] = judge([
    ['assistant', code],
    ['user', 'That is not safe!'],
    ['assistant', answer],
  ]).findings;
  assert.deepEqual([own?.state, own?.life.at(-1)?.messageIndex], ['discussed', 2]);
  const [later] = judge([
    ['assistant', code],
    ['user', 'Thanks.'],
    ['assistant', 'You are welcome.'],
    ['user', 'Anything else?'],
    ['assistant', answer],
  ]).findings;
  assert.equal(later?.state, 'introduced');
});

test('analyseConversation() says that something is potential where nothing explicit was said', () => {
  const { findings } = judge([['assistant', 'Save the model with pickle and serve it.']], 'fr');
  assert.deepEqual(
    findings.map(({ rule, state }) => [rule, state]),
    [['topics.deserialisation', 'potential']],
  );
  assert.match(findings[0]?.title ?? '', /Désérialisation/);
});

test('analyseConversation() gives no score to a talk about something else', () => {
  const { maturity, findings, domains } = judge([
    ['user', 'How long do I boil an egg?'],
    ['assistant', 'Six minutes for a soft one.'],
  ]);
  assert.deepEqual([maturity.score, findings.length, domains.injection.state], [null, 0, 'not-applicable']);
});

test('analyseConversation() names the message that already mitigates a mentioned weakness', () => {
  const { findings } = judge([
    ['user', 'I fear CSRF on this form.'],
    ['assistant', 'Add CSRF tokens to it.'],
  ]);
  assert.deepEqual(findings[0]?.mitigatedBy, { messageIndex: 1, practice: 'csrf-tokens' });
});

test('analyseConversation() follows a query from the user to its mended form', () => {
  const { findings } = judge([
    ['user', '```python\ndef find(name):\n    cursor.execute(f"SELECT * FROM t WHERE name = \'{name}\'")\n```'],
    [
      'assistant',
      'Here:\n\n```python\ndef find(name):\n    cursor.execute("SELECT * FROM t WHERE name = %s", (name,))\n```',
    ],
  ]);
  const sql = findings.find(({ cwe }) => cwe.includes('CWE-89'));
  assert.deepEqual([sql?.state, sql?.life.map(({ event }) => event)], ['fixed', ['introduced', 'fixed']]);
});

test('analyseConversation() finds what a compose file grants, and what a Dockerfile writes into its image', () => {
  const { findings } = judge([
    [
      'assistant',
      '```yaml\nservices:\n  web:\n    image: nginx:latest\n    privileged: true\n```\n\n```dockerfile\nFROM python:3.12\nENV API_TOKEN=abc\nCMD ["python"]\n```',
    ],
  ]);
  const rules = findings.map(({ rule }) => rule);
  for (const rule of [
    'containers.compose.privileged',
    'containers.compose.image-latest',
    'containers.dockerfile.secret',
  ])
    assert.ok(rules.includes(rule), rule);
});
