// Diffs read as two states of the code, and lists of prose left alone.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CodeBlock } from '../conversation.ts';
import { withDiffsRead } from './diffs.ts';

function block(text: string, language = 'unknown'): CodeBlock {
  const place = { messageIndex: 1, author: 'assistant' as const, branch: 'main', messageLine: 3 };
  return { ...place, language, languageBy: 'label', text, before: '', after: '' };
}

test('withDiffsRead() gives the old state to the user and the new one to who wrote it, each line at its place', () => {
  const text = '--- a/x.py\n+++ b/x.py\n@@ -1,2 +1,2 @@\n def f():\n-    return eval(a)\n+    return int(a)';
  const { blocks, old } = withDiffsRead([block(text)]);
  assert.deepEqual(
    blocks.map(({ author, language, file, text }) => [author, language, file, text]),
    [
      ['user', 'python', 'x.py', '\n\n\ndef f():\n    return eval(a)\n'],
      ['assistant', 'python', 'x.py', '\n\n\ndef f():\n\n    return int(a)'],
    ],
  );
  assert.deepEqual([...old], [blocks[0]]);
});

test('withDiffsRead() reads marks without a heading, and a diff that only adds as one state', () => {
  const marked = withDiffsRead([block('-x = eval(y)\n+x = int(y)')]).blocks;
  assert.deepEqual([marked.length, marked[1]?.text], [2, '\nx = int(y)']);
  const added = withDiffsRead([block('@@ -0,0 +1 @@\n+x = 1')]);
  assert.deepEqual([added.blocks.length, added.old.size], [1, 0]);
  const fenced = withDiffsRead([block('+import os\n+os.system("ls " + name)')]);
  assert.deepEqual(
    fenced.blocks.map(({ language, text }) => [language, text]),
    [['python', 'import os\nos.system("ls " + name)']],
  );
});

test('withDiffsRead() leaves YAML lists, arithmetic and prose as they are', () => {
  for (const text of ['- one\n- two', 'a = b\n- c\n+ d', '-1\n-2', '+ fast\n- slow\nso it is']) {
    const { blocks } = withDiffsRead([block(text, 'yaml')]);
    assert.deepEqual(
      blocks.map((one) => one.text),
      [text],
    );
  }
});
