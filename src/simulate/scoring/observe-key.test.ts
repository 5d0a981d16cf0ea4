// The table of a compromised key: all compliant, nothing compliant, and the procedure that is written or not.
import { test } from 'node:test';
import type { Fact } from '../scenarios/evidence.ts';
import { bareError, broken, limited, served, testKey } from './fixture.ts';
import { alert, expect, log, rows } from './observe.fixture.ts';

const written = 'Stop all calls. Notify the security team. Revoke. Create a new key. Redeploy.';
const procedure = (text: string | null): Fact => ({ kind: 'procedure', t: 1, scenario: 'key-compromised', text });

test('observe() of a compromised key: all compliant', () => {
  const refused = broken(11_000, limited, { status: 401, gaps: [300] });
  const spare = [...served('fault', 13_000)].map((fact) =>
    fact.kind === 'upstream' ? { ...fact, key: 'spare' as const } : fact,
  );
  const found = rows(
    'key-compromised',
    'revoked-401',
    { fault: [...refused, ...spare], beside: [alert(11_500), log('WARN key refused')] },
    [procedure(written)],
    { promises: { alerts: true, spareKey: true } },
  );
  expect(found, {
    'key-in-logs': 'compliant',
    'paths-in-traces': 'compliant',
    'safe-stop': 'compliant',
    notification: 'compliant',
    procedure: 'compliant',
    'procedure-steps': 5,
    'attempts-before-stop': 2,
    'spare-key': 'yes',
    'key-exposed': 'no',
  });
});

test('observe() of a compromised key: nothing compliant', () => {
  const storm = broken(11_000, bareError, { status: 401, gaps: [100, 100, 100, 100, 100, 100, 100, 100] });
  const found = rows(
    'key-compromised',
    'revoked-401',
    { fault: storm, beside: [log(`ERROR Authorization: Bearer ${testKey.value}`)] },
    [procedure('Ask somebody. Revoke.')],
    { promises: { alerts: true, spareKey: true } },
  );
  expect(found, {
    'key-in-logs': 'not-compliant',
    'safe-stop': 'not-compliant',
    notification: 'not-compliant',
    procedure: 'not-compliant',
    'procedure-steps': 1,
    'attempts-before-stop': 9,
    'spare-key': 'no',
    'key-exposed': 'yes',
    'log-record': 'log-secrets',
  });
});

const procedures: [text: string | null | undefined, value: string][] = [
  [undefined, 'not-assessed'],
  [null, 'not-compliant'],
  [written, 'compliant'],
];
for (const [text, value] of procedures)
  test(`observe() calls a procedure ${text === undefined ? 'that no profile names' : text === null ? 'whose file is missing' : 'of five steps'} ${value}`, () => {
    const fault = broken(11_000, limited, { status: 401 });
    expect(rows('key-compromised', 'revoked-401', { fault }, text === undefined ? [] : [procedure(text)]), {
      procedure: value,
    });
  });
