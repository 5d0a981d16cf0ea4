// What a credential may be used for: one spelling per model, patterns that match what they say and no more.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertCpu } from '../../platform/base/test-time.ts';
import { canonicalModel, checkScopes, mayUseModel, mayUseRoute } from './scopes.ts';

for (const [pattern, model, expected] of [
  ['mistral-*', 'mistral-small-latest', true],
  ['mistral-*', 'MISTRAL-Small', true],
  ['mistral-*', ' mistral-small ', true],
  ['mistral-*', 'open-mistral-7b', false],
  ['mistral-*', 'mistral-x/evil', false],
  ['mistral-*', 'mistral', false],
  ['llama3', 'registry.ollama.ai/library/Llama3:latest', true],
  ['llama3', 'library/llama3', true],
  ['llama3', 'llama3:8b', false],
  ['llama3:*', 'llama3:8b', true],
  ['LLAMA3:latest', 'llama3', true],
  ['*', 'anything/at-all:x', true],
  ['*-small-*', 'a-small-b-small-c', true],
  ['a*b*c', 'aXbXb', false],
  ['gpt.4', 'gptx4', false],
  ['team/*', 'team/model', true],
  ['team/*', 'team/model/more', false],
] as const)
  test(`mayUseModel() says ${expected} to "${model}" for "${pattern}"`, () => {
    assert.equal(mayUseModel({ models: [pattern] }, model), expected);
  });

for (const [pattern, operation, expected] of [
  ['/v1/*', 'POST /v1/chat/completions', true],
  ['/v1/*', 'POST /api/chat', false],
  ['POST /chat', 'POST /chat', true],
  ['POST /chat', 'GET /chat', false],
  ['/chat', 'GET /chat/conversations', false],
  ['/chat*', 'GET /chat/conversations/1', true],
  ['/v1/models', 'ask', true],
] as const)
  test(`mayUseRoute() says ${expected} to "${operation}" for "${pattern}"`, () => {
    assert.equal(mayUseRoute({ routes: [pattern] }, operation), expected);
  });

test('checkScopes() lets all pass where nothing is given, and nothing where the list is empty', () => {
  checkScopes(undefined, { operation: 'POST /chat', model: 'm' });
  checkScopes({}, { operation: 'POST /chat', model: 'm' });
  assert.throws(() => checkScopes({ models: [] }, { operation: 'POST /chat', model: 'm' }), {
    code: 'ERR_SCOPE_MODEL',
  });
  assert.throws(() => checkScopes({ routes: [] }, { operation: 'POST /chat' }), { code: 'ERR_SCOPE_ROUTE' });
});

test('mayUseModel() takes no longer for a pattern of many stars', () => {
  assertCpu('a hundred stars', 500, () => mayUseModel({ models: [`${'a*'.repeat(100)}b`] }, 'a'.repeat(256)));
});

test('canonicalModel() is the same for what it gave', () => {
  for (const name of ['HTTP://registry.ollama.ai/library/x:latest', 'library/x', 'x:LATEST', 'y/z:1'])
    assert.equal(canonicalModel(canonicalModel(name)), canonicalModel(name));
});
