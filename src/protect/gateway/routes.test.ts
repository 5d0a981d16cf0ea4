// Any routes that are taken when they are read lead every name to targets of the configuration, in order and with an end.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { ChatCall } from './dialects/dialect.ts';
import { dialectByName } from './dialects/index.ts';
import type { Provider } from './route.ts';
import { createRoutes } from './routes.ts';
import { routesIssue, routesSchema } from './routes-config.ts';
import type { RouteSettings } from './settings.ts';

const names = ['p', 'q', 'r'];
const providers = names.map((name): Provider => {
  const { openai: dialect } = dialectByName;
  return { name, dialect, keys: [], prefix: '', remote: { refusesNames: false, looks: false } } as unknown as Provider;
});
const settings = names.map((name) => ({ name, dialect: 'openai' as const, url: 'https://llm.example.org' }));

const model = fc.constantFrom('a', 'b', 'a-1', 'A:latest', 'library/b', 'c-long-name', 'd/e');
const pattern = fc.constantFrom('a', 'b', 'a-*', '*', 'c-*', '*-1', 'd/*', 'library/B');
const target = fc.record(
  {
    provider: fc.constantFrom(...names),
    model,
    weight: fc.integer({ min: 1, max: 5 }),
    priority: fc.integer({ min: 1, max: 3 }),
  },
  { requiredKeys: ['provider'] },
);
const rule = fc.oneof(
  fc.record({ model: pattern, targets: fc.array(target, { minLength: 1, maxLength: 5 }) }),
  fc.record({ model: pattern, aliasOf: model }),
);
const call = (asked: string): ChatCall => ({
  dialect: 'openai',
  model: asked,
  stream: false,
  includeUsage: false,
  turns: [],
  sampling: {},
  native: {},
});

test('createRoutes() leads any name through any routes that were taken to an end, in the order of their priorities', () => {
  let taken = 0;
  fc.assert(
    fc.property(
      fc.array(rule, { maxLength: 6 }),
      model,
      fc.double({ min: 0, max: 0.99, noNaN: true }),
      (given, asked, random) => {
        const rules = routesSchema.parse(given) as RouteSettings[];
        if (routesIssue(rules, settings) !== undefined) return;
        taken++;
        const routes = createRoutes(providers, rules, () => random);
        for (let time = 0; time < 3; time++) {
          const targets = routes.route(call(asked));
          assert.ok(targets.length > 0);
          const steps = targets.map(({ step }) => step);
          assert.deepEqual(
            steps,
            steps.toSorted((one, other) => one - other),
          );
          const whole = routes.targetsOf(asked);
          assert.deepEqual(
            targets.map(({ name, model: named = '' }) => `${name} ${named}`).toSorted(),
            whole.map(({ name, model: named = '' }) => `${name} ${named}`).toSorted(),
          );
          for (const one of targets) assert.notEqual(one.model, asked, 'nothing is renamed to what it is called');
        }
      },
    ),
    { numRuns: 2_000 },
  );
  assert.ok(taken > 300, `${taken} were taken`);
});

test('routesIssue() finds each circle of aliases, and no other', () => {
  const alias = fc.record({ model: pattern, aliasOf: model });
  fc.assert(
    fc.property(fc.uniqueArray(alias, { selector: (one) => one.model.toLowerCase(), maxLength: 6 }), (rules) => {
      const issue = routesIssue(rules, settings);
      if (issue?.key === 'routes.issue.twice') return;
      let circles = false;
      try {
        const routes = createRoutes(providers, rules);
        for (const { model: asked } of rules) if (!asked.includes('*')) routes.targetsOf(asked);
        for (const { aliasOf } of rules) routes.targetsOf(aliasOf);
      } catch (error) {
        assert.ok(error instanceof TypeError, String(error));
        circles = true;
      }
      assert.equal(issue?.key === 'routes.issue.cycle', circles, JSON.stringify(rules));
    }),
    { numRuns: 2_000 },
  );
});
