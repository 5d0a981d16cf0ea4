// The whole way from files to a report's material, where several conversations come together.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { analyse } from './analyse.ts';
import { renderSarif } from './report/sarif.ts';

const folder = mkdtempSync(join(tmpdir(), 'rempart-analyse-'));
after(() => rmSync(folder, { recursive: true }));

const compose = (service: string) =>
  `\`\`\`yaml\nservices:\n  ${service}:\n    image: nginx:1.27.3\n    privileged: true\n\`\`\``;

test('analyse() names no service of one conversation where it speaks of several, nor does SARIF where it describes a rule', async () => {
  const chats = ['shop', 'ledger'].map((service) => ({
    uuid: service,
    name: service,
    chat_messages: [{ sender: 'assistant', text: compose(service) }],
  }));
  const path = join(folder, 'two.json');
  writeFileSync(path, JSON.stringify(chats));
  const result = await analyse({ paths: [path], lang: 'en', date: '2026-01-31T00:00:00Z', version: '0', workers: 1 });
  try {
    const privileged = result.source.across.recurring.find(({ rule }) => rule === 'containers.compose.privileged');
    assert.match(privileged?.title ?? '', /^Service "…" runs privileged/);
    const [run] = (JSON.parse([...renderSarif(result.source)].join('')) as Sarif).runs;
    assert.doesNotMatch(JSON.stringify(run!.tool.driver.rules), /shop|ledger/);
    assert.match(JSON.stringify(run!.results), /Service \\"shop\\".*Service \\"ledger\\"/);
  } finally {
    result.close();
  }
});

interface Sarif {
  runs: { tool: { driver: { rules: object[] } }; results: object[] }[];
}
