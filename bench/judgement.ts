// How well whole conversations are judged: findings, states, practices, domains and score against a reviewer's word.
import { join } from 'node:path';
import { type Case, type Compared, compare, readCases } from '../test/judgement-cases.ts';

const folder = process.argv[2] ?? join(import.meta.dirname, '..', 'test', 'fixtures', 'judgement');
const only = process.argv[3];
const cases = readCases(folder).filter(({ name, file }) => only === undefined || name.includes(only) || file === only);
const compared = cases.map((one) => ({ one, result: compare(one) }));

for (const { one, result } of compared) {
  if (result.differences.length === 0) continue;
  console.log(
    `${one.file} | ${one.name} | score ${result.score} (reviewed ${one.expect.score ?? one.expect.scoreRange ?? 'none'})`,
  );
  for (const difference of result.differences) console.log(`    ${difference}`);
}
console.log(
  row('cases', ['n', 'findings P', 'R', 'states', 'practices P', 'R', 'domains', 'score ±1', 'mean off', 'rank']),
);
const files = [...new Set(compared.map(({ one }) => one.file))];
for (const file of [...files, null]) {
  const group = compared.filter(({ one }) => file === null || one.file === file);
  console.log(row(file ?? 'all', summed(group)));
}

function summed(group: readonly { one: Case; result: Compared }[]): string[] {
  const sum = (count: (result: Compared) => number) => group.reduce((total, { result }) => total + count(result), 0);
  const right = sum(({ findings }) => findings.right);
  const practised = sum(({ practices }) => practices.right);
  const states = sum(({ states }) => states.right);
  const domains = sum(({ domains }) => domains.right);
  const scored = group.flatMap(({ result }) => (result.scoreOff === null ? [] : [result.scoreOff]));
  const numbered = scored.filter((off) => off < 10);
  return [
    String(group.length),
    share(right, right + sum(({ findings }) => findings.extra)),
    share(right, right + sum(({ findings }) => findings.missed)),
    share(states, states + sum(({ states }) => states.wrong)),
    share(practised, practised + sum(({ practices }) => practices.extra)),
    share(practised, practised + sum(({ practices }) => practices.missed)),
    share(domains, domains + sum(({ domains }) => domains.wrong)),
    share(scored.filter((off) => off <= 1).length, scored.length),
    (numbered.reduce((total, off) => total + off, 0) / Math.max(1, numbered.length)).toFixed(2),
    agreement(group),
  ];
}

/** Of the pairs that the reviewer puts a point or more apart, how many stand in that order. */
function agreement(group: readonly { one: Case; result: Compared }[]): string {
  const scored = group.flatMap(({ one, result }) =>
    typeof one.expect.score === 'number' && result.score !== null ? [[one.expect.score, result.score] as const] : [],
  );
  let pairs = 0;
  let ordered = 0;
  for (const [wanted, got] of scored)
    for (const [other, otherGot] of scored)
      if (wanted - other >= 1) {
        pairs += 1;
        if (got > otherGot) ordered += 1;
      }
  return share(ordered, pairs);
}

function share(part: number, whole: number): string {
  return whole === 0 ? '-' : `${((100 * part) / whole).toFixed(1)} %`;
}

function row(name: string, cells: readonly string[]): string {
  return name.padEnd(16) + cells.map((cell) => cell.padStart(12)).join('');
}
