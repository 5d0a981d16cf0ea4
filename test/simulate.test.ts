// The simulator as a user meets it: documents, exit codes, rescoring, and what is left after it was interrupted or killed.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, globSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, suite, test } from 'node:test';
import { simulationSchema } from '../src/platform/documents/simulation.ts';
import { run, until } from './instance.ts';
import { type Broken, isUsable, lives, messagesIn, startFault, sturdyPlace, undoEntries } from './simulate-rig.ts';

const naive = join(import.meta.dirname, '..', 'targets', 'naive', 'naive.yaml');
const place = sturdyPlace();
const options = { cwd: place.dir, env: place.env };
const out = join(place.dir, 'naive-run');
const kept: Broken[] = [];
after(() => {
  for (const broken of kept) {
    broken.child.kill('SIGKILL');
    broken.place.remove();
  }
  place.remove();
});
async function broken(...args: Parameters<typeof startFault>): Promise<Broken> {
  const started = await startFault(...args);
  kept.push(started);
  return started;
}

const naiveRun = run(
  [
    'simulate',
    'api-maintenance',
    '--method',
    'unavailable',
    '--target',
    naive,
    '--json',
    '--fail-under',
    '70',
    '--out',
    out,
    '--data',
    'naive-data',
  ],
  options,
);

suite('rempart simulate', { concurrency: 3 }, () => {
  test('simulate --json gives a document of the published shape, and exit 1 under the bar', async () => {
    const { code, stdout, stderr } = await naiveRun;
    const doc = simulationSchema.parse(JSON.parse(stdout));
    assert.equal(code, 1, stderr);
    assert.deepEqual(
      [doc.target, doc.pace, doc.runs, doc.restored, doc.provisional],
      ['naive', 'quick', 1, true, true],
    );
    assert.equal(doc.scenarios[0]?.methods[0]?.outcome, 'scored');
    assert.ok((doc.percentOfAssessable ?? 100) < 60, `the naive chatbot scored ${doc.percentOfAssessable} %`);
    assert.equal(doc.evidence.sha256, sha256(join(out, 'evidence.jsonl')));
    assert.equal(doc.rubric.sha256, sha256(join(out, 'rubric.yaml')));
    assert.deepEqual(JSON.parse(readFileSync(join(out, 'report.json'), 'utf8')), doc);
    for (const name of ['report.md', 'report.html', 'junit.xml']) assert.ok(existsSync(join(out, name)), name);
  });

  test('simulate names the planted key and the stack as leaks, each with its channel', async () => {
    const doc = simulationSchema.parse(JSON.parse((await naiveRun).stdout));
    const leaks = doc.scenarios[0]?.methods[0]?.leaks.map((leak) => `${leak.canary ?? leak.pattern} ${leak.channel}`);
    for (const expected of ['upstream-key reply', 'upstream-key log:stderr', 'stack-trace-js reply'])
      assert.ok(leaks?.includes(expected), `${expected} in ${leaks?.join(', ')}`);
    assert.ok((doc.scenarios[0]?.scores.security ?? 20) < 10);
  });

  test('simulate writes evidence in which each fact that a check names exists', async () => {
    const doc = simulationSchema.parse(JSON.parse((await naiveRun).stdout));
    const ids = new Set(
      readFileSync(join(out, 'evidence.jsonl'), 'utf8')
        .trimEnd()
        .split('\n')
        .map((line) => (JSON.parse(line) as { id: string }).id),
    );
    const checks = doc.scenarios.flatMap(({ methods }) => methods.flatMap((method) => method.checks));
    assert.ok(checks.length > 8);
    for (const { id, evidence } of checks) for (const fact of evidence) assert.ok(ids.has(fact), `${id}: ${fact}`);
  });

  test('rescore gives the same bytes, and exit 1 once a byte of evidence or the score was changed', async () => {
    await naiveRun;
    const copy = (name: string) => {
      const dir = join(place.dir, name);
      cpSync(out, dir, { recursive: true });
      return dir;
    };
    const same = copy('same');
    assert.equal((await run(['rescore', same], options)).code, 0);
    for (const name of ['report.json', 'report.md', 'report.html', 'junit.xml'])
      assert.equal(sha256(join(same, name)), sha256(join(out, name)), name);

    const evidence = copy('evidence');
    const lines = readFileSync(join(evidence, 'evidence.jsonl'), 'utf8');
    const at = lines.indexOf('"status":500') + '"status":'.length;
    writeFileSync(join(evidence, 'evidence.jsonl'), `${lines.slice(0, at)}4${lines.slice(at + 1)}`);
    const changed = await run(['rescore', evidence], options);
    assert.equal(changed.code, 1, changed.stderr);
    assert.equal(sha256(join(evidence, 'report.json')), sha256(join(out, 'report.json')), 'what was shown is kept');

    const score = copy('score');
    const report = readFileSync(join(score, 'report.json'), 'utf8');
    writeFileSync(join(score, 'report.json'), report.replace(/"score": [\d.]+/, '"score": 599'));
    assert.equal((await run(['rescore', score], options)).code, 1);

    const torn = copy('torn');
    writeFileSync(join(torn, 'evidence.jsonl'), lines.slice(0, lines.length / 2));
    const refused = await run(['rescore', torn], options);
    assert.match(refused.stderr, /ERR_RUN_UNREADABLE/);
    assert.equal(refused.code, 2);
  });

  test('simulate without a bar exits 0 whatever the score', async () => {
    const { code, stdout, stderr } = await run(
      [
        'simulate',
        'network-cut',
        '--method',
        'mid-request',
        '--target',
        'sturdy.yaml',
        '--json',
        '--data',
        'plain-data',
      ],
      options,
    );
    assert.equal(code, 0, stderr);
    assert.equal(simulationSchema.parse(JSON.parse(stdout)).scenarios[0]?.methods[0]?.outcome, 'scored');
  });

  const wrong: [args: string[], says: RegExp][] = [
    [['network-cutt'], /"network-cutt".*network-cut/],
    [['--method', 'revoked-41'], /revoked-41.*revoked-401/],
    [['--pace', 'fast'], /quick or real, not "fast"/],
    [['--alow-load'], /did you mean "--allow-load"/],
    [['--fail-under', 'high'], /high/],
    [['--runs', '0'], /runs/],
    [['--target', 'missing.yaml'], /missing\.yaml.*ERR_PROFILE_UNREADABLE/],
    [['--target', 'far.yaml'], /bot\.example\.com.*ERR_TARGET_NOT_LOCAL/],
    [['--target', 'far-health.yaml'], /ERR_TARGET_NOT_LOCAL/],
    [['--target', 'placeholder.yaml'], /prot.*ERR_PROFILE_PLACEHOLDER/],
    [['--target', 'key.yaml'], /did you mean "health".*ERR_PROFILE_INVALID/],
  ];
  const profiles: Record<string, string> = {
    far: 'name: far\nask: { request: { url: "http://bot.example.com/chat" } }\n',
    'far-health':
      'name: far\nask: { request: { url: "http://127.0.0.1:1/chat" } }\nhealth: { url: "http://192.0.2.1/health" }\n',
    placeholder: `name: a\nask: { request: { url: "http://127.0.0.1:\${prot}/" } }\n`,
    key: 'name: a\nask: { request: { url: "http://127.0.0.1:1/" } }\nhealh: { url: "http://127.0.0.1:1/" }\n',
    'cannot-start': `name: gone\nstart: { command: [node, no-such-file.mjs], ready: { url: "http://127.0.0.1:\${port}/", within: 500ms } }\nask: { request: { url: "http://127.0.0.1:\${port}/" } }\n`,
  };
  for (const [name, text] of Object.entries(profiles)) writeFileSync(join(place.dir, `${name}.yaml`), text);
  for (const [args, says] of wrong) {
    test(`simulate ${args.join(' ')} is wrong use, said in one line`, async () => {
      const { code, stderr } = await run(['simulate', '--target', 'sturdy.yaml', ...args], options);
      assert.match(stderr, says);
      assert.equal(stderr.trimEnd().split('\n').length, 1, stderr);
      assert.equal(code, 2);
    });
  }

  test('simulate of a target on another machine goes on to a dry run with --i-am-authorised', async () => {
    const { code, stderr } = await run(
      ['simulate', '--target', 'far.yaml', '--i-am-authorised', 'ticket 12', '--dry-run'],
      options,
    );
    assert.equal(code, 0, stderr);
  });

  test('simulate of a target that cannot start: invalid, not scored, exit 3', async () => {
    const { code, stdout } = await run(
      [
        'simulate',
        'network-cut',
        '--method',
        'refused',
        '--target',
        'cannot-start.yaml',
        '--json',
        '--data',
        'gone-data',
      ],
      options,
    );
    const doc = simulationSchema.parse(JSON.parse(stdout));
    assert.equal(doc.scenarios[0]?.methods[0]?.outcome, 'invalid');
    assert.deepEqual([doc.score, doc.assessable, code], [0, 0, 3]);
  });

  const isBroken = (entries: ReturnType<typeof undoEntries>) =>
    entries.some((entry) => entry.kind === 'database' && readFileSync(entry.file).includes('CORRUPTED DATA'));

  test('simulate interrupted in the middle of a database fault: 130, everything back, nobody left', async () => {
    const fault = await broken('database-down', 'corrupted', isBroken);
    const others = [fault.keeper, ...fault.helpers()];
    assert.ok(others.every(lives));
    fault.child.kill('SIGINT');
    const { code, stderr } = await fault.ended;
    assert.equal(code, 130, stderr);
    assert.ok(isUsable(fault.database!));
    await until(() => !others.some(lives)); // a process that was ended is reaped a moment later
    assert.deepEqual(undoEntries(fault.data), []);
  });

  test('kill -9 of the simulator in the middle of a database fault: the keeper restores and ends', async () => {
    const fault = await broken('database-down', 'stopped', isBroken);
    const others = [fault.keeper, ...fault.helpers()];
    assert.equal(isUsable(fault.database!), false);
    fault.child.kill('SIGKILL');
    await until(() => !others.some(lives));
    assert.ok(messagesIn(fault.database!) >= 2, 'the messages of the baseline');
    assert.deepEqual(undoEntries(fault.data), []);
  });

  // Not of the CPU: on a machine that other tests keep busy that fault is not begun.
  test('kill -9 of the simulator in the middle of a memory fault: ballast, target and keeper are gone', async () => {
    const fault = await broken('overload', 'memory', (entries) =>
      entries.some((entry) => entry.kind === 'process' && entry.what === 'memory ballast'),
    );
    const others = [fault.keeper, ...fault.helpers()];
    assert.ok(others.length >= 3 && others.every(lives));
    fault.child.kill('SIGKILL');
    await until(() => !others.some(lives));
    assert.deepEqual(undoEntries(fault.data), []);
  });

  for (const [scenario, method] of [
    ['api-maintenance', 'unavailable'],
    ['network-cut', 'refused'],
    ['key-compromised', 'invalid-key'],
    ['quota-exhausted', 'hard-quota'],
  ] as const)
    test(`kill -9 of the simulator during ${scenario}/${method}: nothing of the run is left`, async () => {
      const fault = await broken(scenario, method);
      await until(fault.isInjected);
      const others = [fault.keeper, ...fault.helpers()];
      fault.child.kill('SIGKILL');
      await until(() => !others.some(lives));
      assert.deepEqual(undoEntries(fault.data), []);
      assert.deepEqual(globSync(join(fault.place.dir, 'rempart-run-*')), []);
    });

  test('kill -9 of simulator and keeper: the next start replays the undo log and says what it restored', async () => {
    const fault = await broken('database-down', 'stopped', isBroken);
    const targets = fault.helpers();
    const entry = undoEntries(fault.data).find((found) => found.kind === 'database');
    process.kill(fault.keeper.pid, 'SIGKILL');
    fault.child.kill('SIGKILL');
    await until(() => !lives(fault.keeper));
    assert.ok(targets.every(lives), 'the target is an orphan now');
    assert.equal(isUsable(fault.database!), false, 'and its database still broken');
    const next = await run(
      [
        'simulate',
        'network-cut',
        '--method',
        'refused',
        '--target',
        join(place.dir, 'cannot-start.yaml'),
        '--data',
        fault.data,
      ],
      { cwd: fault.place.dir, env: fault.place.env },
    );
    assert.ok(next.stderr.includes(entry!.file), next.stderr);
    assert.match(next.stderr, new RegExp(`process ${targets[0]!.pid}`));
    assert.ok(!targets.some(lives));
    const main = entry!.copies.find(({ path }) => path === entry!.file);
    assert.equal(sha256(fault.database!), main?.sha256, 'the bytes are back');
    assert.ok(isUsable(fault.database!));
    assert.deepEqual(undoEntries(fault.data), []);
    assert.deepEqual(globSync(join(fault.place.dir, 'rempart-run-*')), [], 'the work folder of the killed run too');
  });
});

function sha256(file: string): string {
  return createHash('sha256').update(readFileSync(file)).digest('hex');
}
