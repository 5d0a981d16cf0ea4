// Renders the document as JUnit XML for CI: a suite per scenario, a case per check of each method.
import {
  type MethodResult,
  type ScenarioId,
  type Simulation,
  scenarioIds,
} from '../../platform/documents/simulation.ts';
import { escapeHtml } from './escape.ts';

export function renderJunit(doc: Simulation): string {
  const suites = scenarioIds.map((id) =>
    suite(id, doc.scenarios.find((scenario) => scenario.id === id)?.methods ?? null),
  );
  const sum = (pick: (counted: Suite) => number) => suites.reduce((total, counted) => total + pick(counted), 0);
  const totals = {
    tests: sum((s) => s.tests),
    failures: sum((s) => s.failures),
    errors: sum((s) => s.errors),
    skipped: sum((s) => s.skipped),
  };
  return `<?xml version="1.0" encoding="UTF-8"?>
<testsuites${attributes({ name: `rempart simulate ${doc.target}`, ...totals, time: span(doc.startedAt, doc.finishedAt) })}>
<properties>
${properties(doc)
  .map(([name, value]) => `<property${attributes({ name, value })}/>`)
  .join('\n')}
</properties>
${suites.map(({ xml }) => xml).join('\n')}
</testsuites>
`;
}

interface Suite {
  xml: string;
  tests: number;
  failures: number;
  errors: number;
  skipped: number;
}

type Outcome = { kind: 'passed' } | { kind: 'failure' | 'error' | 'skipped'; message: string };
interface Case {
  classname: string;
  name: string;
  outcome: Outcome;
}

function suite(id: ScenarioId, methods: readonly MethodResult[] | null): Suite {
  const cases: Case[] =
    methods === null || methods.length === 0
      ? [{ classname: id, name: id, outcome: { kind: 'skipped', message: 'not run' } }]
      : methods.flatMap((method) => casesOf(id, method));
  const count = (kind: Outcome['kind']) => cases.filter(({ outcome }) => outcome.kind === kind).length;
  const counts = { tests: cases.length, failures: count('failure'), errors: count('error'), skipped: count('skipped') };
  const begun = (methods ?? []).flatMap(({ injectedAt }) => (injectedAt === null ? [] : [injectedAt])).sort()[0];
  const head = attributes({
    name: id,
    ...counts,
    ...(begun === undefined ? {} : { timestamp: begun }),
    time: faultTime(methods ?? []),
  });
  return { xml: `<testsuite${head}>\n${cases.map(testcase).join('\n')}\n</testsuite>`, ...counts };
}

/** An invalid method is an error of the test bed, not a result of the target; an inconclusive one is skipped. */
function casesOf(id: ScenarioId, method: MethodResult): Case[] {
  const classname = `${id}.${method.id}`;
  if (method.outcome === 'scored') {
    return method.checks.map((check) => ({
      classname,
      name: check.id,
      outcome: check.passed
        ? { kind: 'passed' }
        : { kind: 'failure', message: `${check.because} (${check.points}/${check.of})` },
    }));
  }
  const kind = method.outcome === 'invalid' ? 'error' : 'skipped';
  return [{ classname, name: method.id, outcome: { kind, message: method.why ?? method.outcome } }];
}

function testcase({ classname, name, outcome }: Case): string {
  const head = `<testcase${attributes({ classname, name })}`;
  return outcome.kind === 'passed'
    ? `${head}/>`
    : `${head}><${outcome.kind}${attributes({ message: outcome.message })}/></testcase>`;
}

function properties(doc: Simulation): [string, string | number | boolean][] {
  return [
    ['score', doc.score],
    ['assessable', doc.assessable],
    ['percent', doc.percent],
    ['level', doc.level],
    ['provisional', doc.provisional],
    ['restored', doc.restored],
    ['evidence.sha256', doc.evidence.sha256],
    ['rubric.sha256', doc.rubric.sha256],
  ];
}

function faultTime(methods: readonly MethodResult[]): string {
  const ms = methods.reduce(
    (sum, { injectedAt, clearedAt }) =>
      sum + (injectedAt === null || clearedAt === null ? 0 : Date.parse(clearedAt) - Date.parse(injectedAt)),
    0,
  );
  return (ms / 1000).toFixed(3);
}

function span(from: string, to: string): string {
  return ((Date.parse(to) - Date.parse(from)) / 1000).toFixed(3);
}

function attributes(facts: Readonly<Record<string, string | number | boolean>>): string {
  return Object.entries(facts)
    .map(
      ([name, value]) => ` ${name}="${escapeHtml(String(value)).replaceAll('\n', '&#10;').replaceAll('\t', '&#9;')}"`,
    )
    .join('');
}
