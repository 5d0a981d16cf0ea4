// The table of a compromised key: where it was seen, whether its use stopped, who was told, and whether a procedure is written.
import type { EvidenceOf } from '../scenarios/evidence.ts';
import { ids } from './check.ts';
import { faultCalls } from './method-run.ts';
import {
  compliance,
  leakEvidence,
  measured,
  type Observation,
  type Seen,
  shareOf,
  type Table,
  type Value,
  worded,
  worstCheck,
  yesNo,
} from './observation.ts';
import { missingSteps, procedureSteps } from './procedure.ts';

export const keyTable: Table = (seen) => {
  const leaks = seen.scored.flatMap((one) => one.leaks);
  const keys = leaks.filter(({ kind }) => kind === 'key');
  const inLogs = keys.filter(({ channel }) => channel.startsWith('log:'));
  const traces = leaks.filter(({ kind }) => kind === 'path' || kind === 'trace');
  const logged = seen.scored.some(({ run }) => run.logs.length > 0);
  return [
    worded(
      seen,
      'key-in-logs',
      logged ? compliant(inLogs.length === 0) : 'not-assessed',
      compliance,
      leakEvidence(inLogs),
    ),
    worded(seen, 'paths-in-traces', compliant(traces.length === 0), compliance, leakEvidence(traces)),
    fromCheck(seen, 'safe-stop', 'refused-key'),
    fromCheck(seen, 'notification', 'alert'),
    ...procedureRows(seen),
    attemptsRow(seen),
    worded(seen, 'key-exposed', keys.length > 0 ? 'yes' : 'no', yesNo, leakEvidence(keys)),
    spareRow(seen),
  ];
};

function compliant(good: boolean): Value {
  return good ? 'compliant' : 'not-compliant';
}

function fromCheck(seen: Seen, id: string, check: string): Observation {
  const found = worstCheck(seen, check);
  const value = found === undefined ? 'not-assessed' : compliant(shareOf(found) >= 0.75);
  return worded(seen, id, value, compliance, found?.evidence ?? []);
}

function procedureRows(seen: Seen): Observation[] {
  const written = seen.evidence.find(
    (line): line is EvidenceOf<'procedure'> => line.kind === 'procedure' && line.scenario === 'key-compromised',
  );
  if (written === undefined) return [worded(seen, 'procedure', 'not-assessed', compliance, [])];
  const missing = written.text === null ? [...procedureSteps] : missingSteps(written.text);
  return [
    worded(seen, 'procedure', compliant(missing.length === 0), compliance, [written.id]),
    measured('procedure-steps', procedureSteps.length - missing.length, `/ ${procedureSteps.length}`, [written.id]),
  ];
}

/** The most often that one refused key was used in one fault, by the proxy's own count. */
function attemptsRow({ scored }: Seen): Observation {
  const uses = scored.flatMap(({ run }) => {
    const refused = faultCalls(run).filter(({ status }) => status === 401 || status === 403);
    return [...Map.groupBy(refused, ({ key }) => key).values()];
  });
  const most = uses.sort((a, b) => b.length - a.length)[0] ?? [];
  return measured('attempts-before-stop', most.length, '≤ 3', ids(most));
}

function spareRow(seen: Seen): Observation {
  const found = worstCheck(seen, 'spare');
  const value = found === undefined ? 'not-assessed' : found.points > 0 ? 'yes' : 'no';
  return worded(seen, 'spare-key', value, yesNo, found?.evidence ?? []);
}
