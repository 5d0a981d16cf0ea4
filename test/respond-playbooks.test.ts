// A share of test/torture/respond-playbooks.ts that every run of the tests can afford.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { testCrashes } from './respond-playbooks-rig.ts';

const folder = mkdtempSync(join(tmpdir(), 'rempart-playbooks-store-'));
after(() => rmSync(folder, { recursive: true, force: true }));

testCrashes('SQLite', () => ({ path: join(folder, 'store.sqlite') }), { stride: 41, enabled: ['*'] });
