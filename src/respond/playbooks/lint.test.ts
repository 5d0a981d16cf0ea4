// The linter: a sound playbook has no problems, and each fault alone is named.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JsonObject } from '../../platform/base/json.ts';
import { createActions } from '../engine/action.ts';
import { actionStep, exampleActions, examplePlaybook, stepId } from '../engine/example.ts';
import { actionExtension } from './playbook.ts';
import { readPlaybook } from './read-playbook.ts';

const then = (type: string, n: number) => ({ on_completion: stepId(type, n) });
const sound: JsonObject = {
  [stepId('action', 1)]: actionStep('example.note', { line: '__x__:value' }, then('end', 1)),
  [stepId('end', 1)]: { type: 'end' },
};
const variables = { playbook_variables: { __x__: { type: 'integer', value: '1' } } };

/** Rules that speak of the example with one thing changed. */
function problemsOf(change: (playbook: JsonObject, steps: Record<string, JsonObject>) => void): string[] {
  const playbook = JSON.parse(examplePlaybook(sound, variables).text) as JsonObject;
  change(playbook, playbook['workflow'] as Record<string, JsonObject>);
  const read = readPlaybook(JSON.stringify(playbook), 'example.json');
  return (Array.isArray(read) ? read : read.problems).map(({ rule }) => rule.replace('playbook.lint.', ''));
}

const first = stepId('action', 1);
/** In place of the first step's end: a step that opens branches, and the end that they come to. */
function opens(steps: Record<string, JsonObject>, type: string, step: JsonObject): void {
  steps[first]!['on_completion'] = stepId(type, 6);
  steps[stepId(type, 6)] = { type, ...step, ...then('end', 1) };
  steps[stepId('end', 6)] = { type: 'end' };
}

test('lintPlaybook() finds nothing in a sound playbook', () => {
  assert.deepEqual(
    problemsOf(() => undefined),
    [],
  );
});

const faults: [string, (playbook: JsonObject, steps: Record<string, JsonObject>) => void][] = [
  ['revoked', (playbook) => (playbook['revoked'] = true)],
  ['timestamp', (playbook) => (playbook['created'] = '2026-01-01T00:00:00Z')],
  ['activities', (playbook) => (playbook['playbook_types'] = ['mitigation'])],
  ['start', (playbook) => (playbook['workflow_start'] = stepId('end', 1))],
  ['missing-step', (playbook) => (playbook['workflow_exception'] = stepId('action', 77))],
  ['missing-step', (_, steps) => (steps[first]!['on_completion'] = stepId('end', 77))],
  ['two-successors', (_, steps) => (steps[first]!['on_failure'] = stepId('end', 1))],
  ['end-successor', (_, steps) => (steps[stepId('end', 1)]!['on_completion'] = first)],
  ['missing-agent', (_, steps) => (steps[first]!['agent'] = stepId('organization', 77))],
  ['missing-agent', (_, steps) => (steps[first]!['targets'] = [stepId('linux', 77)])],
  ['variable', (_, steps) => (steps[first]!['out_args'] = ['__y__'])],
  ['variable-value', (playbook) => (playbook['playbook_variables'] = { __x__: { type: 'integer', value: 'one' } })],
  ['extension', (_, steps) => (steps[first]!['step_extensions'] = { [actionExtension]: { args: {} } })],
  ['extension-undefined', (playbook) => (playbook['extension_definitions'] = {})],
  ['endless', (_, steps) => (steps[first]!['on_completion'] = first)],
  ['unreachable', (_, steps) => (steps[stepId('end', 5)] = { type: 'end' })],
  [
    'unreachable-notice',
    (_, steps) => (steps[stepId('action', 5)] = actionStep('notify.send', { what: 'alert' }, then('end', 1))),
  ],
  [
    'unbounded',
    (_, steps) => opens(steps, 'while-condition', { condition: "__x__:value = '2'", on_true: stepId('end', 6) }),
  ],
  [
    'shared-end',
    (_, steps) =>
      opens(steps, 'if-condition', {
        condition: "__x__:value = '2'",
        on_true: stepId('end', 6),
        on_false: stepId('end', 6),
      }),
  ],
  ['undo-step', (_, steps) => (steps[first] = actionStep('step.undo', { step: 'no such step' }, then('end', 1)))],
  [
    'approval-timeout',
    (_, steps) => (steps[first] = actionStep('a.b', {}, { ...then('end', 1), timeout: 1_000 }, { approval: {} })),
  ],
  [
    'activity-unused',
    (playbook, steps) => {
      Object.assign(playbook, { playbook_types: ['mitigation'], playbook_activities: ['scan-system'] });
      steps[first]!['commands'] = [{ type: 'manual', command: 'x', playbook_activity: 'restore-data' }];
    },
  ],
  ['summary', (playbook) => (playbook['playbook_processing_summary'] = { if_logic: true })],
  ['shape', (_, steps) => (steps[first]!['commands'] = [])],
];
for (const [index, [rule, change]] of faults.entries())
  test(`lintPlaybook() names ${rule} (fault ${index + 1} of ${faults.length})`, () => {
    assert.ok(problemsOf(change).includes(rule), problemsOf(change).join(', '));
  });

test('lintPlaybook() refuses commands that nothing here carries out, and start lines that are none', () => {
  const commanded = (command: JsonObject) =>
    problemsOf((_, steps) => {
      delete steps[first]!['step_extensions'];
      steps[first]!['commands'] = [command];
    });
  assert.deepEqual(commanded({ type: 'bash', command: 'uptime __x__:value' }), []);
  assert.deepEqual(commanded({ type: 'http-api', command: 'POST /stop HTTP/1.1' }), []);
  assert.deepEqual(commanded({ type: 'http-api', command: 'POST stop' }), ['http-line']);
  assert.deepEqual(commanded({ type: 'kestrel', command_b64: 'eA==' }), ['command-type']);
  assert.deepEqual(commanded({ type: 'bash' }), ['no-command']);
  assert.deepEqual(commanded({ type: 'bash', command: 'echo __y__:value' }), ['variable']);
  assert.deepEqual(commanded({ type: 'bash', command: '__x__:value --now' }), ['command-place']);
  assert.deepEqual(commanded({ type: 'ssh', command_b64: btoa('sh -c "stop __x__:value"') }), ['command-place']);
});

test('lintPlaybook() asks whether there is such an action, with such arguments, that can be undone', () => {
  const actions = createActions(exampleActions('/dev/null'));
  const rulesOf = (step: JsonObject) => {
    const read = readPlaybook(examplePlaybook({ ...sound, [first]: step }, variables).text, 'example.json', actions);
    return (Array.isArray(read) ? read : read.problems).map(({ rule }) => rule.replace('playbook.lint.', ''));
  };
  assert.deepEqual(
    rulesOf(actionStep('example.note', { line: '__x__:value' }, then('end', 1), { undo_after: 1_000 })),
    [],
  );
  assert.deepEqual(rulesOf(actionStep('example.none', {}, then('end', 1))), ['action']);
  assert.deepEqual(rulesOf(actionStep('example.note', { line: 1 }, then('end', 1))), ['action-args']);
  assert.deepEqual(
    rulesOf(actionStep('example.slow', { ms: '__x__:value' }, then('end', 1))),
    [],
    'known when it runs',
  );
  assert.deepEqual(rulesOf(actionStep('example.fail', {}, then('end', 1), { compensate: true })), ['irreversible']);
});
