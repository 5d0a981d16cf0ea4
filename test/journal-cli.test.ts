// The evidence log at the command line: what is kept elsewhere, what was cut, where an export goes.
import assert from 'node:assert/strict';
import { cpSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { openJournals } from '../src/platform/journal/journals.ts';
import { makePlace, run } from './instance.ts';

const place = makePlace();
after(place.remove);
const cwd = place.dir;

/** Checkpoints: 1 signs nothing, 2 signs a:4, 3 signs a:5. */
before(async () => {
  mkdirSync(join(cwd, 'whole'));
  const journals = await openJournals({ dir: join(cwd, 'whole', 'journal'), keyFile: join(cwd, 'journal.key.pem') });
  const stream = await journals.stream('a');
  const received = { unmapped: { phase: 'received' }, metadata: { correlation_uid: 'r1' } };
  for (const event of [{ n: 1 }, { n: 2 }, { n: 3 }, received]) await stream.append(event);
  await journals.checkpoint();
  await stream.append({ unmapped: { phase: 'outcome' }, metadata: { correlation_uid: 'r1' } });
  await journals.close();
});

/** A copy in which the last `count` lines of a file are gone. */
function cut(name: string, records: number, checkpoints: number): void {
  cpSync(join(cwd, 'whole'), join(cwd, name), { recursive: true });
  const dir = join(cwd, name, 'journal');
  const [segment = ''] = readdirSync(join(dir, 'a'));
  for (const [file, lines] of [
    [join(dir, 'a', segment), records],
    [join(dir, 'checkpoints.jsonl'), checkpoints],
  ] as const) {
    const kept = readFileSync(file, 'utf8').split('\n').slice(0, -1);
    writeFileSync(
      file,
      kept
        .slice(0, kept.length - lines)
        .map((line) => `${line}\n`)
        .join(''),
    );
  }
}

const verify = (data: string, ...more: string[]) => run(['journal', 'verify', '--data', data, ...more], { cwd });

test('journal verify says what to keep elsewhere, and takes it as the proof against a cut of everything', async () => {
  const whole = await verify('whole');
  assert.equal(whole.code, 0, whole.stdout);
  assert.match(whole.stdout, /^a: 5 records, unbroken; signed up to no\. 5$/m);
  assert.match(whole.stdout, /Keep this elsewhere/);
  const kept = /--expect (a:5:[0-9a-f]{64})$/m.exec(whole.stdout)?.[1] ?? '';
  assert.equal((await verify('whole', '--expect', kept)).code, 0);

  cut('both', 1, 1);
  assert.equal((await verify('both')).code, 0, 'cut together, they fit each other');
  const found = await verify('both', '--expect', kept);
  assert.equal(found.code, 1);
  assert.match(found.stdout, /the chain ends at 4 where 5 was noted/);
  const other = await verify('whole', '--expect', `a:5:${'0'.repeat(64)}`);
  assert.equal(other.code, 1);
  assert.match(other.stdout, /\(record 5\): this is not the record that was noted/);
});

test('journal verify names a cut by its checkpoint, its code, and blames no crash', async () => {
  cut('tail', 1, 0);
  const { code, stdout } = await verify('tail');
  assert.equal(code, 1);
  assert.match(stdout, /the chain ends at 4 where checkpoint 3 signed 5/);
  assert.match(stdout, /^ {2}1 request whose outcome does not stand in that part$/m);
  assert.match(stdout, /^The journal was altered: .* \(ERR_JOURNAL_TAMPERED\)\. Keep the files as evidence/m);
  assert.doesNotMatch(stdout, /crash|--expect/);
  const french = (await verify('tail', '--lang', 'fr')).stdout;
  assert.match(french, /^a : 4 enregistrements en ordre, puis : \S+ : la chaîne s'arrête à 4 alors que/m);
  assert.match(french, /^ {2}1 requête dont l'issue/m);
});

test('journal verify still says of one request after a crash that its outcome is unknown', async () => {
  cut('crash', 1, 1);
  assert.match((await verify('crash')).stdout, /^ {2}1 request whose outcome is unknown: a crash came before it$/m);
  assert.match((await verify('crash')).stdout, /^2 signed checkpoints, all valid$/m);
});

test('journal verify refuses an --expect that it never printed', async () => {
  const { code, stderr } = await verify('whole', '--expect', 'a:5');
  assert.equal(code, 2);
  assert.match(stderr, /"a:5" is not of the form STREAM:SEQ:HASH .*\(ERR_USAGE\)/);
});

test('journal export overwrites nothing without --force, and says why it cannot write', async () => {
  const save = (...more: string[]) => run(['journal', 'export', '--data', 'whole', '--out', ...more], { cwd });
  assert.equal((await save('copy.jsonl')).code, 0);
  assert.equal(readFileSync(join(cwd, 'copy.jsonl'), 'utf8').split('\n').length, 6);
  assert.equal(statSync(join(cwd, 'copy.jsonl')).mode & 0o777, 0o600);
  writeFileSync(join(cwd, 'copy.jsonl'), 'mine');
  const again = await save('copy.jsonl');
  assert.equal(again.code, 2);
  assert.match(again.stderr, /"copy\.jsonl" is already there \(ERR_OUTPUT_EXISTS\).*--force\.\n$/);
  assert.equal(readFileSync(join(cwd, 'copy.jsonl'), 'utf8'), 'mine');
  assert.equal((await save('copy.jsonl', '--force')).code, 0);
  assert.notEqual(readFileSync(join(cwd, 'copy.jsonl'), 'utf8'), 'mine');
  const nowhere = await save('nonexist/x');
  assert.equal(nowhere.code, 3);
  assert.match(
    nowhere.stderr,
    /^The file "nonexist\/x" cannot be written: its folder does not exist \(ERR_OUTPUT_UNWRITABLE\)/,
  );
  assert.equal(nowhere.stderr.trimEnd().split('\n').length, 1);
});
