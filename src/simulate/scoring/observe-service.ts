// The tables of a provider in maintenance and of a cut network: what was shown, for how long nobody knew, what was kept.
import { ids } from './check.ts';
import { affectedAsks } from './method-run.ts';
import {
  graded,
  informationRow,
  leakEvidence,
  measured,
  type Observation,
  recoveryRow,
  type Seen,
  type Table,
  worded,
  yesNo,
} from './observation.ts';

export const maintenanceTable: Table = (seen) => [
  messageRow(seen),
  ...technicalRows(seen),
  ...fallbackRows(seen),
  informationRow(seen, 'understandable'),
  recoveryRow(seen, 'recovery'),
  graded(seen, 'state', ['history'], ['state-total', 'state-partial', 'state-lost']),
  alertRow(seen),
];

export const networkTable: Table = (seen) => [
  detectionRow(seen),
  informationRow(seen, 'information'),
  graded(seen, 'retry', ['retried', 'rode-out'], ['yes', 'partial', 'no']),
  graded(seen, 'state', ['history'], ['state-total', 'state-partial', 'state-lost']),
  recoveryRow(seen, 'recovery'),
];

function messageRow(seen: Seen): Observation {
  const shown = seen.scored.flatMap(({ leaks }) =>
    leaks.filter(({ channel }) => channel === 'reply' || channel === 'header'),
  );
  return worded(seen, 'message-reveals', shown.length > 0 ? 'yes' : 'no', yesNo, leakEvidence(shown));
}

/** Address, key and inner structure, each for itself. */
function technicalRows(seen: Seen): Observation[] {
  const kinds = [
    ['exposed-address', ['host']],
    ['exposed-key', ['key']],
    ['exposed-structure', ['path', 'trace', 'version']],
  ] as const;
  return kinds.map(([id, mine]) => {
    const leaks = seen.scored.flatMap(({ leaks: all }) =>
      all.filter(({ kind }) => (mine as readonly string[]).includes(kind)),
    );
    return worded(seen, id, leaks.length > 0 ? 'yes' : 'no', yesNo, leakEvidence(leaks));
  });
}

export function fallbackRows(seen: Seen): Observation[] {
  const asks = seen.scored.flatMap(({ run }) => affectedAsks(run));
  const useful = asks.filter(({ kind }) => kind === 'limited' || kind === 'served');
  const share = asks.length === 0 ? 0 : useful.length / asks.length;
  const evidence = ids(useful.map(({ ask }) => ask));
  return [
    worded(seen, 'fallback', share >= 0.9 ? 'yes' : share > 0 ? 'partial' : 'no', ['yes', 'partial', 'no'], evidence),
    measured('fallback-share', 100 * share, '%', evidence),
  ];
}

export function detectionRow(seen: Seen): Observation {
  // Where nobody could notice anything there is nothing to detect.
  const due = seen.scored.filter(({ checks }) => checks.some(({ dimension }) => dimension === 'detection'));
  const scale = ['under-5', 'to-15', 'over-15'] as const;
  if (due.length === 0) return worded(seen, 'detection-time', 'not-needed', scale, []);
  const times = due.map(({ detectMs }) => detectMs ?? Number.POSITIVE_INFINITY);
  const slowest = Math.max(...times);
  const checks = due.flatMap(({ checks: all }) => all.filter(({ dimension }) => dimension === 'detection'));
  const value =
    slowest === Number.POSITIVE_INFINITY
      ? 'never'
      : slowest < 5000
        ? 'under-5'
        : slowest <= 15_000
          ? 'to-15'
          : 'over-15';
  return worded(
    seen,
    'detection-time',
    value,
    scale,
    checks.flatMap(({ evidence }) => evidence),
  );
}

export function alertRow(seen: Seen): Observation {
  const checks = seen.scored.flatMap(({ checks: all }) => all.filter(({ id }) => id === 'alert'));
  if (checks.length === 0) return worded(seen, 'alerted', 'not-assessed', yesNo, []);
  const all = checks.every(({ points }) => points > 0);
  return worded(
    seen,
    'alerted',
    all ? 'yes' : 'no',
    yesNo,
    checks.flatMap(({ evidence }) => evidence),
  );
}
