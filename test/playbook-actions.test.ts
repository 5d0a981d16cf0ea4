// Every action that a shipped playbook names is one that an instance has, with arguments that it takes.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { openRespond } from '../src/app/respond.ts';
import { loadConfig } from '../src/config.ts';
import { createLog } from '../src/platform/base/log.ts';
import { openJournals } from '../src/platform/journal/journals.ts';
import { openStore } from '../src/platform/store/store.ts';
import { readPlaybook } from '../src/respond/playbooks/read-playbook.ts';

const data = mkdtempSync(join(tmpdir(), 'rempart-playbook-actions-'));
const closers: (() => Promise<void>)[] = [];
after(async () => {
  for (let end = closers.pop(); end !== undefined; end = closers.pop()) await end();
  rmSync(data, { recursive: true, force: true });
});

test('openRespond() has every action that a shipped playbook names, with arguments that it takes', async () => {
  const config = loadConfig({ file: join(data, 'rempart.yaml'), asked: false, env: {} });
  const journals = await openJournals({ dir: join(data, 'journal'), keyFile: join(data, 'journal.key.pem') });
  closers.push(() => journals.close());
  const store = await openStore({ path: join(data, 'store.sqlite') });
  closers.push(() => store.close());
  const ground = { config, data, store, journals, log: createLog('silent'), now: Date.now };
  const { playbooks, actions } = await openRespond(ground, (end) => void closers.push(end));
  assert.ok(playbooks.all.length >= 24);
  const problems = playbooks.all.flatMap(({ name, file, text }) => {
    const read = readPlaybook(text, file, actions);
    return (Array.isArray(read) ? read : read.problems).map(({ at, rule, facts }) => [name, at, rule, facts]);
  });
  assert.deepEqual(problems, []);
});
