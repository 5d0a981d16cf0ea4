import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CodeBlock } from '../conversation.ts';
import { stitchFiles } from './stitch-files.ts';

function block(messageIndex: number, text: string, file: string | null = 'app.py', branch = 'main'): CodeBlock {
  return {
    messageIndex,
    author: 'assistant',
    branch,
    messageLine: 1,
    language: 'python',
    languageBy: 'label',
    text,
    before: '',
    after: '',
    ...(file === null ? {} : { file }),
  };
}

test('stitchFiles() puts the pieces of a file together, replaces what is given anew, and knows where each line came from', () => {
  const [file] = stitchFiles([
    block(1, 'import os\n\ndef a():\n    return os\n\ndef b():\n    return 1'),
    block(3, 'import re\ndef b():\n    return re'),
    block(5, 'def c():\n    return b()'),
  ]);
  assert.equal(
    file!.text,
    'import re\nimport os\n\ndef a():\n    return os\n\ndef b():\n    return re\ndef c():\n    return b()',
  );
  assert.deepEqual(
    file!.lines.map(({ block: { messageIndex }, line }) => `${messageIndex}:${line}`),
    ['3:1', '1:1', '1:2', '1:3', '1:4', '1:5', '3:2', '3:3', '5:1', '5:2'],
  );
});

test('stitchFiles() takes a block that gives the file again as the whole file', () => {
  const [file] = stitchFiles([
    block(1, 'def a():\n    return 1\ndef b():\n    return 2'),
    block(2, 'def a():\n    return 3\ndef b():\n    return 4'),
  ]);
  assert.equal(file!.text, 'def a():\n    return 3\ndef b():\n    return 4');
});

test('stitchFiles() keeps files, branches and code without a file apart', () => {
  assert.deepEqual(
    stitchFiles([
      block(1, 'a = 1'),
      block(2, 'b = 2', 'other.py'),
      block(3, 'c = 3', null),
      block(4, 'd = 4', 'app.py', 'branch-1'),
    ]),
    [],
  );
});

test('stitchFiles() goes on from a beginning that defines nothing, unless the next piece gives it again', () => {
  const beginning = block(1, 'import os\nROOT = os.getcwd()');
  const [gone] = stitchFiles([beginning, block(3, 'def a():\n    return ROOT')]);
  assert.equal(gone!.text, 'import os\nROOT = os.getcwd()\ndef a():\n    return ROOT');
  const [again] = stitchFiles([beginning, block(3, 'import os\nROOT = os.getcwd()\ndef a():\n    return ROOT')]);
  assert.equal(again!.text, 'import os\nROOT = os.getcwd()\ndef a():\n    return ROOT');
  assert.equal(again!.lines[0]!.block.messageIndex, 3);
});
