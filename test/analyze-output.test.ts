// Where `rempart analyze` writes its reports, in which forms, and what it does where it cannot.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { outputsOf } from '../src/commands/analyze-output.ts';
import type { CommandInput } from '../src/commands/command.ts';
import type { RempartError } from '../src/platform/base/errors.ts';
import { type Analysis, analysisSchema } from '../src/platform/documents/analysis.ts';
import { cwd, date, inputOf, secret } from './analyze-command-rig.ts';
import { run } from './instance.ts';

test('rempart analyze does not write its report over the export that it reads, by whatever name it is called', () => {
  const file = join(cwd, 'kept.json');
  writeFileSync(file, '[]');
  symlinkSync(file, join(cwd, 'linked.json'));
  for (const [read, out] of [
    [file, `${cwd}/./kept.json`],
    [join(cwd, 'linked.json'), file],
  ] as const)
    assert.throws(
      () => outputsOf(inputOf([read], { out })),
      (error: RempartError) => error.code === 'ERR_USAGE',
    );
  assert.equal(outputsOf(inputOf([file], { out: `${file}.html` })).length, 1);
});

test('rempart analyze says where it cannot write, for what it keeps as for what it reports', async () => {
  writeFileSync(join(cwd, 'a-file'), '');
  writeFileSync(join(cwd, 'none.json'), '[]');
  for (const more of [
    ['--resume', '--data', 'a-file/data'],
    ['--out', 'a-file/report.md'],
  ]) {
    const { code, stderr } = await run(['analyze', 'none.json', ...more], { cwd });
    assert.match(stderr, /a-file.* cannot be written.*ERR_OUTPUT_UNWRITABLE/, more.join(' '));
    assert.equal(code, 3);
  }
});

test('rempart analyze writes Markdown, exits 0 with findings; --resume takes what it knows and gives the same bytes', async () => {
  const args = ['analyze', 'chats.json', '--resume', ...date];
  const first = await run(args, { cwd });
  assert.equal(first.code, 0, first.stderr);
  assert.match(first.stdout, /^# Conversation analysis results\n\n\*\*Date\*\*: 26 October 2025 at 21:52:37/);
  assert.match(first.stdout, /## 2\. Untitled/);
  assert.match(first.stdout, /CWE-89/);
  assert.match(first.stderr, /3 conversations \(3 read, 0 in error\), weaknesses open: /);
  const kept = join(cwd, '.rempart', 'analyses', 'done.jsonl');
  const size = statSync(kept).size;
  const second = await run(args, { cwd });
  assert.equal(second.stdout, first.stdout);
  assert.equal(statSync(kept).size, size);
});

test('rempart analyze writes every form, each with its ending, in French, for its owner alone, with secrets masked; --json prints the document', async () => {
  const { code, stdout, stderr } = await run(
    [
      'analyze',
      'chats.json',
      ...date,
      '--lang',
      'fr',
      '--json',
      '--out',
      'all/report.md',
      '--format',
      'md,html,json,sarif,junit',
    ],
    { cwd },
  );
  assert.equal(code, 0, stderr);
  const files = readdirSync(join(cwd, 'all')).sort();
  assert.deepEqual(files, ['report.html', 'report.json', 'report.junit.xml', 'report.md', 'report.sarif']);
  for (const file of files) {
    const text = readFileSync(join(cwd, 'all', file), 'utf8');
    assert.ok(!text.includes(secret), file);
    assert.ok(text.includes('ghp_'), `${file} shows where it was`);
    if (process.platform !== 'win32') assert.equal(statSync(join(cwd, 'all', file)).mode & 0o777, 0o600, file);
  }
  const markdown = readFileSync(join(cwd, 'all', 'report.md'), 'utf8');
  assert.match(markdown, /^# Résultats d'analyse de conversations\n\n\*\*Date\*\*: 26\/10\/2025 à 21:52:37/);
  assert.match(markdown, /## 2\. Sans titre/);
  assert.match(markdown, /\(CRITIQUE\)/);
  assert.match(stderr, /failles ouvertes/);
  assert.equal(readFileSync(join(cwd, 'all', 'report.json'), 'utf8'), stdout);
  const document: Analysis = analysisSchema.parse(JSON.parse(stdout));
  assert.deepEqual(document.statistics, { conversations: 3, ok: 3, errors: 0 });
  const [first] = document.conversations;
  assert.ok(first!.findings.some(({ cwe, state }) => cwe.includes('CWE-89') && state === 'introduced'));
});

const places: [options: CommandInput['options'], files: (string | null)[]][] = [
  [{}, [null]],
  [{ format: 'html' }, [null]],
  [{ out: 'a/report.html' }, ['a/report.html']],
  [{ out: 'a/report' }, ['a/report']],
  [{ out: 'a/any.txt', format: 'sarif' }, ['a/any.txt']],
  [{ out: 'a/r.md', format: 'md,sarif' }, ['a/r.md', 'a/r.sarif']],
  [{ out: 'a/r.junit.xml', format: 'junit, html,junit' }, ['a/r.junit.xml', 'a/r.html']],
  [{ out: 'a/', format: 'junit,md' }, ['a/analysis.junit.xml', 'a/analysis.md']],
  [{ out: 'a/v1.2', format: 'md,html' }, ['a/v1.2.md', 'a/v1.2.html']],
];
for (const [options, files] of places) {
  test(`outputsOf() writes ${JSON.stringify(options)} to ${files.join(', ')}`, () => {
    assert.deepEqual(
      outputsOf(inputOf(['x'], options)).map(({ file }) => file),
      files,
    );
  });
}

test('outputsOf() knows the form by the ending', () => {
  const formats = ['r.html', 'r.JSON', 'r.sarif', 'r.xml', 'r'].map(
    (out) => outputsOf(inputOf(['x'], { out }))[0]?.format,
  );
  assert.deepEqual(formats, ['html', 'json', 'sarif', 'junit', 'md']);
});

test('rempart analyze says that a place cannot be written', async () => {
  const { code, stderr } = await run(['analyze', 'calm.json', '--out', 'calm.json/report.md'], { cwd });
  assert.match(stderr, /ERR_OUTPUT_UNWRITABLE/);
  assert.equal(code, 3);
});
