// A weakness that spans two answers is found once, in the block and line that hold it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { analyseConversation } from '../analyse-conversation.ts';
import { talk } from '../talk.fixture.ts';

const fence = (code: string) => `Here you are:\n\n\`\`\`python\n# show.py\n${code}\n\`\`\`\n`;
const reads = 'from flask import request\n\ntarget = request.args["file"]';
const opens = 'def show():\n    return open(target).read()';

test('stitchedMatches() finds in a later block what an earlier one feeds', () => {
  const { findings } = analyseConversation(
    talk([
      ['user', 'Read the name of the file.'],
      ['assistant', fence(reads)],
      ['user', 'Now show it.'],
      ['assistant', fence(opens)],
    ]),
    { lang: 'en' },
    1,
  );
  const paths = findings.filter(({ cwe }) => cwe.includes('CWE-22'));
  assert.deepEqual(
    paths.map(({ messageIndex, block, line, excerpt }) => ({ messageIndex, block, line, excerpt })),
    [{ messageIndex: 3, block: 1, line: 3, excerpt: 'return open(target).read()' }],
  );
});

test('stitchedMatches() finds nothing in pieces of different files', () => {
  const other = fence(opens).replace('show.py', 'other.py');
  const { findings } = analyseConversation(
    talk([
      ['assistant', fence(reads)],
      ['assistant', other],
    ]),
    { lang: 'en' },
    1,
  );
  assert.deepEqual(
    findings.filter(({ cwe, line, state }) => cwe.includes('CWE-22') && line > 0 && state === 'introduced'),
    [],
  );
});

test('stitchedMatches() leaves a weakness that a block shows by itself told once', () => {
  const whole = fence(`${reads}\n${opens}`);
  const more = fence('def count():\n    return 1');
  const { findings } = analyseConversation(
    talk([
      ['assistant', whole],
      ['assistant', more],
    ]),
    { lang: 'en' },
    1,
  );
  assert.equal(findings.filter(({ cwe, state }) => cwe.includes('CWE-22') && state === 'introduced').length, 1);
});
