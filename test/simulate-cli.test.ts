// What `simulate`, `compare` and `target` tell without breaking anything: exit codes, documents, refusals.
import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { broken, type Case, evidenceOf, honestError, limited, methodFacts } from '../src/simulate/scoring/fixture.ts';
import { makePlace, run } from './instance.ts';

const place = makePlace();
after(place.remove);
const cwd = place.dir;
const rubric = join(import.meta.dirname, '..', 'scenarios', 'rubric.yaml');

/** A run directory with evidence made by hand. */
function runDir(name: string, one: Case): string {
  const dir = join(cwd, name);
  mkdirSync(dir);
  copyFileSync(rubric, join(dir, 'rubric.yaml'));
  const lines = evidenceOf(methodFacts(one)).map((line) => JSON.stringify(line));
  writeFileSync(join(dir, 'evidence.jsonl'), `${lines.join('\n')}\n`);
  return dir;
}

writeFileSync(
  join(cwd, 'far.yaml'),
  'name: far\nask: { request: { method: POST, url: "http://bot.example:81/chat" }, answer: /reply }\n',
);

test('simulate refuses a target on another machine, and plans against it with a written leave', async () => {
  const refused = await run(['simulate', '--target', 'far.yaml', '--dry-run'], { cwd });
  assert.match(refused.stderr, /bot\.example.*ERR_TARGET_NOT_LOCAL/);
  assert.equal(refused.code, 2);
  const checked = await run(['target', 'check', 'far.yaml'], { cwd });
  assert.equal(checked.code, 2);
  const args = ['simulate', '--target', 'far.yaml', '--dry-run', '--i-am-authorised', 'Ada, ticket 7', '--json'];
  const allowed = await run(args, { cwd });
  assert.equal(allowed.code, 0, allowed.stderr);
  const { schema, steps } = JSON.parse(allowed.stdout) as { schema: string; steps: { runs: boolean }[] };
  assert.equal(schema, 'rempart/simulation-plan@1');
  assert.ok(steps.some(({ runs }) => runs) && steps.some(({ runs }) => !runs));
});

test('compare exits 0 for a run beside itself and 1 for one that got worse', async () => {
  const good = runDir('good', { fault: broken(11_000, limited, { gaps: [500] }) });
  const bad = runDir('bad', {
    fault: broken(11_000, { ...honestError, headers: {}, body: '{"error":"fetch failed"}' }),
  });
  const same = await run(['compare', good, good], { cwd });
  assert.equal(same.code, 0, same.stderr);
  const worse = await run(['compare', good, bad, '--json'], { cwd });
  assert.equal(worse.code, 1, worse.stderr);
  const document = JSON.parse(worse.stdout) as { schema: string; worse: boolean; checks: unknown[] };
  assert.deepEqual([document.schema, document.worse], ['rempart/comparison@1', true]);
  assert.ok(document.checks.length > 0);
  assert.equal((await run(['compare', bad, good], { cwd })).code, 0);
});

const wrong: [args: string[], says: RegExp][] = [
  [['compare', 'a'], /"compare" needs DIR DIR/],
  [['compare', 'a', 'b', 'c'], /"c" is not expected/],
  [['compare', 'a', 'b'], /"a" cannot be read/],
  [['target', 'chek', 'x'], /"chek" is not one of: check/],
  [['target', 'check'], /"target check" needs PROFILE/],
  [['simulate', '--explain', 'honets'], /did you mean "honest"\?/],
  [['simulate', '--observations', 'none.yaml'], /"none\.yaml" cannot be used: ENOENT \(ERR_OBSERVATIONS_INVALID\)/],
  [['simulate', '--day-rate', 'much'], /whole number between 1 and 100000, not "much"/],
  [['simulate', '--stop-when', '0'], /whole number between 1 and 100, not "0"/],
];
for (const [args, says] of wrong)
  test(`rempart ${args.join(' ')} is wrong use, said in one line`, async () => {
    const { code, stdout, stderr } = await run(args, { cwd });
    assert.match(stderr, says);
    assert.deepEqual([stdout, code], ['', 2]);
  });

test('simulate --list, --explain and --blank-grid tell and start nothing', async () => {
  const list = await run(['simulate', '--list', '--json'], { cwd });
  const { methods } = JSON.parse(list.stdout) as { methods: { scenario: string; method: string }[] };
  assert.ok(methods.length >= 15);
  const explained = await run(['simulate', '--explain', 'no-key', '--lang', 'fr'], { cwd });
  assert.match(explained.stdout, /^no-key — Aucune clé ne fuit\nDimension : Sécurité/);
  const grid = await run(['simulate', '--blank-grid', 'grid.html', '--lang', 'fr'], { cwd });
  assert.deepEqual([list.code, explained.code, grid.code], [0, 0, 0]);
  assert.match(readFileSync(join(cwd, 'grid.html'), 'utf8'), /grilles d&#39;observation/);
});
