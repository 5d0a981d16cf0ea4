// `rempart analyze` as a user meets it: files in, reports out, exit codes, and what is said on the way.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { after, test } from 'node:test';
import { analyze, withOwnExit } from '../src/commands/analyze.ts';
import { outputsOf } from '../src/commands/analyze-output.ts';
import type { CommandInput } from '../src/commands/command.ts';
import { RempartError } from '../src/platform/base/errors.ts';
import { type Analysis, analysisSchema } from '../src/platform/documents/analysis.ts';
import { sayer } from '../src/platform/i18n/say.ts';
import { makePlace, run } from './instance.ts';

const place = makePlace();
after(place.remove);
const cwd = place.dir;
const date = ['--date', '2025-10-26T21:52:37+01:00'];

interface Turn {
  role: 'user' | 'assistant';
  text: string;
}

/** A ChatGPT export of straight threads. */
function chatgpt(conversations: readonly { title: string | null; id?: string; turns: readonly Turn[] }[]): string {
  return JSON.stringify(
    conversations.map(({ title, id, turns }, index) => ({
      title,
      create_time: 1,
      update_time: 2,
      conversation_id: id ?? `conversation-${index}`,
      current_node: `n${turns.length}`,
      mapping: Object.fromEntries([
        ['n0', { id: 'n0', message: null, parent: null, children: ['n1'] }],
        ...turns.map(({ role, text }, at) => [
          `n${at + 1}`,
          {
            id: `n${at + 1}`,
            parent: `n${at}`,
            children: at + 1 < turns.length ? [`n${at + 2}`] : [],
            message: {
              id: `m${at}`,
              author: { role },
              create_time: at,
              content: { content_type: 'text', parts: [text] },
              metadata: role === 'assistant' ? { model_slug: 'gpt-4o' } : {},
            },
          },
        ]),
      ]),
    })),
  );
}

const vulnerable = [
  'Here it is:',
  '```python',
  'import sqlite3',
  'from flask import Flask, request',
  'app = Flask(__name__)',
  '@app.route("/user")',
  'def user():',
  '    name = request.args["name"]',
  '    db = sqlite3.connect("app.db")',
  '    return str(db.execute("SELECT * FROM users WHERE name = \'" + name + "\'").fetchall())',
  '```',
].join('\n');
// Put together here, so that no scanner of this repository takes it for one.
const secret = ['ghp', '_', 'a8Kd03LmQz7RtYw52XcVbN19HjFgS6PeUi4o'].join('');

writeFileSync(
  join(cwd, 'chats.json'),
  chatgpt([
    {
      title: 'Flask user page',
      turns: [
        { role: 'user', text: 'A user page in Flask' },
        { role: 'assistant', text: vulnerable },
      ],
    },
    {
      title: null,
      turns: [
        { role: 'user', text: `My token is ${secret} for GitHub` },
        { role: 'assistant', text: 'Revoke it.' },
      ],
    },
    {
      title: `About ${secret}`,
      id: `${secret}-1`,
      turns: [
        { role: 'user', text: 'What is 2 + 2?' },
        { role: 'assistant', text: '4' },
      ],
    },
  ]),
);
writeFileSync(
  join(cwd, 'calm.json'),
  chatgpt([
    {
      title: 'Soup',
      turns: [
        { role: 'user', text: 'A soup?' },
        { role: 'assistant', text: 'Leeks.' },
      ],
    },
  ]),
);

/** The command without a process: for what is decided before anything is read. */
function inputOf(args: string[], options: CommandInput['options'] = {}): CommandInput {
  const nowhere = new PassThrough();
  return {
    args,
    options,
    lang: 'en',
    say: sayer('en'),
    json: false,
    data: join(cwd, '.rempart'),
    configFile: join(cwd, 'none.yaml'),
    configAsked: false,
    stdout: nowhere,
    stderr: nowhere,
    signal: new AbortController().signal,
    env: {},
  };
}

const wrong: [options: CommandInput['options'], says: RegExp, more?: string][] = [
  [{ format: 'pdf' }, /"pdf" is not one of: md, html, json, sarif, junit/],
  [{ format: ',' }, /is not one of: md, html/],
  [{ format: 'md,html' }, /Several formats need --out/],
  [{ 'fail-on': 'huge' }, /"huge" is not one of: critical, high, medium, low, info/],
  [{ narrator: 'gpt' }, /"gpt" is not one of: none, ollama, mistral, openai/],
  [{ date: 'yesterday' }, /"yesterday" is no date like/],
  [{ date: '2025-02-30' }, /"2025-02-30" is no date like/],
  [{ date: '2025-13-45' }, /"2025-13-45" is no date like/],
  [{ date: '2025-02-28T25:00:00Z' }, /is no date like/],
  [{}, /only once, alone/, '-'],
];
for (const [options, says, more] of wrong) {
  test(`rempart analyze refuses ${JSON.stringify(options)} ${more ?? ''} before it reads`, async () => {
    const paths = ['not-there.json', ...(more === undefined ? [] : [more])];
    await assert.rejects(analyze.run(inputOf(paths, options)), (error: RempartError) => {
      assert.equal(error.code, 'ERR_USAGE');
      assert.match(error.message, says);
      return true;
    });
  });
}

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

test('rempart analyze exits 3 where it fails itself, so that 1 always means --fail-on', async () => {
  const thrown = (error: unknown) => {
    try {
      return withOwnExit(error);
    } catch (told) {
      return told;
    }
  };
  for (const ours of [new TypeError('a fault'), new RempartError('ERR_INTERNAL'), 'a text']) {
    const told = thrown(ours) as RempartError;
    assert.deepEqual([told.code, told.exit, told.cause], ['ERR_ANALYSIS_INTERNAL', 3, ours]);
  }
  const known = new RempartError('ERR_EXPORT_MISSING', { path: 'x' });
  const aborted = new DOMException('stopped', 'AbortError');
  assert.deepEqual([thrown(known), thrown(aborted)], [known, aborted]);
  const broken = { ...inputOf([join(cwd, 'calm.json')]), say: () => assert.fail('a fault of the program') };
  await assert.rejects(
    async () => analyze.run({ ...broken, options: { 'fail-on': 'info', narrator: 'gpt' } }),
    (error: RempartError) => error.code === 'ERR_ANALYSIS_INTERNAL',
  );
});

test('rempart analyze counts no error where a file holds no conversation', async () => {
  mkdirSync(join(cwd, 'lists'), { recursive: true });
  writeFileSync(join(cwd, 'lists', 'tags.json'), '["a","b"]');
  writeFileSync(join(cwd, 'lists', 'numbers.json'), '[1,2,3]');
  const { code, stdout, stderr } = await run(['analyze', 'lists', '--json', ...date], { cwd });
  assert.equal(code, 3);
  assert.match(stderr, /tags\.json \(no conversation in it\)/);
  assert.deepEqual((JSON.parse(stdout) as Analysis).statistics, { conversations: 0, ok: 0, errors: 0 });
});

test('rempart analyze says what is not there and exits 3', async () => {
  const { code, stderr } = await run(['analyze', 'nowhere.json'], { cwd });
  assert.match(stderr, /nowhere\.json.*ERR_EXPORT_MISSING/);
  assert.equal(code, 3);
});

test('rempart analyze exits 3 where nothing can be read, and the report says what was there', async () => {
  mkdirSync(join(cwd, 'holiday'), { recursive: true });
  writeFileSync(join(cwd, 'holiday', 'photo.png'), Buffer.from([0x89, 0x50, 0x4e, 0x47]));
  const { code, stdout, stderr } = await run(['analyze', 'holiday', ...date], { cwd });
  assert.equal(code, 3);
  assert.match(stderr, /No conversation could be read/);
  assert.match(stdout, /\*\*Number of conversations\*\*: 0/);
  assert.match(stdout, /photo\.png/);
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

test('rempart analyze - reads standard input; --fail-on is 0 where nothing is open', async () => {
  const main = join(import.meta.dirname, '..', 'bin', 'rempart.js');
  const child = spawn(process.execPath, [main, 'analyze', '-', '--json', '--fail-on', 'info', ...date], {
    cwd,
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  let stdout = '';
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk.toString();
  });
  child.stdin.end(readFileSync(join(cwd, 'calm.json')));
  await once(child, 'close');
  assert.equal(child.exitCode, 0);
  assert.equal(analysisSchema.parse(JSON.parse(stdout)).conversations[0]?.title, 'Soup');
});

test('rempart analyze keeps the place of conversations that are given twice, each with an id of its own', async () => {
  const { stdout } = await run(['analyze', 'calm.json', 'calm.json', '--json', ...date], { cwd });
  const { conversations } = analysisSchema.parse(JSON.parse(stdout));
  assert.deepEqual(
    conversations.map(({ id }) => id),
    ['conversation-0', 'conversation-0~2'],
  );
});

test('rempart analyze --narrator asks the configured address, and only then is anything sent; --fail-on is 1 where something is open', async (t) => {
  const bodies: string[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => {
      body += chunk.toString();
    });
    request.on('end', () => {
      bodies.push(`${request.headers.authorization} ${body}`);
      const content = 'A query is built from text [F-1-1]. Nothing else matters.';
      response.end(JSON.stringify({ choices: [{ message: { content } }] }));
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  writeFileSync(join(cwd, 'narrator.yaml'), `narrator: { url: "http://127.0.0.1:${port}", key: env:NARRATOR_KEY }\n`);
  const args = ['analyze', 'chats.json', ...date, '--config', 'narrator.yaml'];
  const env = { NARRATOR_KEY: 'k-42' };
  const silent = await run([...args, '--fail-on', 'critical'], { cwd, env });
  assert.deepEqual([silent.code, bodies.length], [1, 0]);
  const { stdout, stderr, code } = await run([...args, '--narrator', 'openai'], { cwd, env });
  assert.equal(code, 0);
  assert.match(stderr, new RegExp(`asked of openai, gpt-4o-mini \\(127\\.0\\.0\\.1:${port}\\)`));
  assert.match(stdout, /A query is built from text \\\[F-1-1\\\]\./);
  assert.match(stdout, /Summing-up by openai, gpt-4o-mini: 1 sentences kept, \d refused and replaced/);
  assert.ok(bodies.length >= 1 && bodies.every((body) => body.startsWith('Bearer k-42')));
  for (const body of bodies)
    for (const said of ['Flask user page', 'request.args', secret]) assert.ok(!body.includes(said), said);
});
