// The continuity grid of a lost database: five functions with it, without it and in degraded mode; and the verdict with its criteria.
import type { EvidenceOf } from '../scenarios/evidence.ts';
import { stringsOf } from '../targets/json-text.ts';
import { ids } from './check.ts';
import { affectedAsks } from './method-run.ts';
import {
  clarity,
  leakEvidence,
  logRecord,
  type Observation,
  recoveryOf,
  type Seen,
  shareOf,
  type Table,
  type Value,
  worded,
  worstCheck,
  yesNo,
} from './observation.ts';
import { judgeWording } from './wording.ts';

export const continuityTable: Table = (seen) => [...grid(seen), ...verdict(seen)];

/** One cell of the grid: null where the profile does not offer the function. */
interface Cells {
  with: boolean | null;
  without: boolean | null;
  /** Not the function itself, but an open word on it. */
  announced: boolean;
  evidence: string[];
}

function grid(seen: Seen): Observation[] {
  const rows = [
    ['conversations', conversations(seen)],
    ['history', functionCells(seen, 'history')],
    ['settings', functionCells(seen, 'settings')],
    ['incidents', incidents(seen)],
    ['login', functionCells(seen, 'login')],
  ] as const;
  return rows.flatMap(([name, cells]) => {
    const plain = (value: boolean | null): Value => (value === null ? 'not-assessed' : value ? 'yes' : 'no');
    const degraded: Value =
      cells.without === null
        ? 'not-assessed'
        : cells.announced
          ? cells.without
            ? 'yes'
            : 'announced'
          : cells.without
            ? 'as-usual'
            : 'no';
    return [
      worded(seen, `continuity.${name}.with`, plain(cells.with), yesNo, cells.evidence),
      worded(seen, `continuity.${name}.without`, plain(cells.without), yesNo, cells.evidence),
      worded(seen, `continuity.${name}.degraded`, degraded, ['yes', 'announced', 'no'], cells.evidence),
    ];
  });
}

/** A new conversation is one that begins under the fault. */
function conversations({ scored }: Seen): Cells {
  const before = scored.flatMap(({ run }) => run.asks.filter(({ ask }) => ask.phase === 'baseline'));
  const fresh = scored.flatMap(({ run }) => affectedAsks(run).filter(({ ask }) => ask.user === 'newcomer'));
  const told = scored.some(({ checks }) => checks.some(({ id, points }) => id === 'says-what' && points > 0));
  return {
    with: before.length === 0 ? null : before.every(({ kind }) => kind === 'served'),
    without: fresh.length === 0 ? null : fresh.every(({ kind }) => kind === 'served' || kind === 'limited'),
    announced: told,
    evidence: ids(fresh.map(({ ask }) => ask)),
  };
}

function functionCells({ scored, begin }: Seen, name: EvidenceOf<'function'>['name']): Cells {
  const facts = scored.flatMap(({ run }) => run.functions.filter((fact) => fact.name === name));
  const [calm, under] = (['baseline', 'fault'] as const).map((phase) => facts.filter((fact) => fact.phase === phase));
  const all = (some: typeof facts | undefined) =>
    some === undefined || some.length === 0 ? null : some.every(({ works }) => works);
  return {
    with: all(calm),
    without: all(under),
    announced: (under ?? []).some(({ body, works }) => !works && judgeWording(stringsOf(body), begin.language).what),
    evidence: ids(under ?? []),
  };
}

/** By the target's own incident log where the profile has one, else by what it wrote to its logs meanwhile. */
function incidents(seen: Seen): Cells {
  const own = functionCells(seen, 'incidents');
  if (own.without !== null) return own;
  const { found, evidence } = logRecord(seen);
  // What is written to a log on ordinary days is no incident.
  return { with: null, without: found, announced: false, evidence };
}

type Criterion = readonly [name: string, met: boolean | null, evidence: string[]];

function verdict(seen: Seen): Observation[] {
  const unacceptable = [unhandled(seen), exposed(seen), lost(seen), byHand(seen)];
  const ideal = [inMemory(seen), serving(seen), told(seen), savedLater(seen)];
  const acceptable = [detected(seen), clear(seen), reconnects(seen), restored(seen)];
  const holds = ([, met]: Criterion) => met === true;
  // What could not be seen neither spoils nor earns a verdict; but nothing seen earns none.
  const allOf = (criteria: readonly Criterion[]) => criteria.some(holds) && criteria.every(([, met]) => met !== false);
  const value: Value = unacceptable.some(holds)
    ? 'unacceptable'
    : allOf(ideal)
      ? 'ideal'
      : allOf(acceptable)
        ? 'acceptable'
        : 'short-of-acceptable';
  const deciding = value === 'ideal' ? ideal : value === 'unacceptable' ? unacceptable.filter(holds) : acceptable;
  const evidence = deciding.flatMap(([, , own]) => own);
  const row = (kind: string) => (criterion: Criterion) => {
    const [name, met, own] = criterion;
    const told: Value = met === null ? 'not-assessed' : met ? 'yes' : 'no';
    return worded(seen, `verdict.${kind}.${name}`, told, yesNo, own);
  };
  return [
    worded(seen, 'verdict', value, ['ideal', 'acceptable', 'unacceptable'], evidence),
    ...ideal.map(row('ideal')),
    ...acceptable.map(row('acceptable')),
    ...unacceptable.map(row('unacceptable')),
  ];
}

function inMemory(seen: Seen): Criterion {
  const { without, evidence } = conversations(seen);
  return ['conversations', without, evidence];
}
function serving({ scored }: Seen): Criterion {
  const asks = scored.flatMap(({ run }) => affectedAsks(run));
  const useful = asks.every(({ kind }) => kind === 'served' || kind === 'limited');
  return ['service', asks.length === 0 ? null : useful, ids(asks.map(({ ask }) => ask))];
}
function told(seen: Seen): Criterion {
  const found = worstCheck(seen, 'says-what');
  return ['notice', found === undefined ? null : shareOf(found) >= 0.75, found?.evidence ?? []];
}
function savedLater(seen: Seen): Criterion {
  const found = worstCheck(seen, 'history');
  return ['saved-later', found === undefined ? null : found.points === found.of, found?.evidence ?? []];
}
function detected(seen: Seen): Criterion {
  const times = seen.scored.map(({ detectMs }) => detectMs ?? Number.POSITIVE_INFINITY);
  const checks = seen.scored.flatMap(({ checks: all }) => all.filter(({ dimension }) => dimension === 'detection'));
  return ['detected', Math.max(...times) < 15_000, checks.flatMap(({ evidence }) => evidence)];
}
function clear(seen: Seen): Criterion {
  const how = clarity(seen);
  return ['message', how === null ? null : how.share >= 0.5, how?.evidence ?? []];
}
function reconnects(seen: Seen): Criterion {
  const { value, evidence } = recoveryOf(seen);
  return ['reconnects', value === 'automatic', evidence];
}
function restored(seen: Seen): Criterion {
  const [, saved, evidence] = savedLater(seen);
  const back = recoveryOf(seen).value !== 'none';
  return ['restored', saved === null ? back : saved && back, evidence];
}
function unhandled({ scored }: Seen): Criterion {
  const ended = scored.flatMap(({ run }) => run.process.filter(({ state }) => state === 'exited'));
  const silent = scored.flatMap(({ run }) =>
    affectedAsks(run)
      .filter(({ kind }) => kind === 'silence')
      .map(({ ask }) => ask),
  );
  return ['unhandled', ended.length + silent.length > 0, ids([...ended, ...silent])];
}
function exposed({ scored }: Seen): Criterion {
  const leaks = scored.flatMap((one) => one.leaks);
  return ['exposed', leaks.length > 0, leakEvidence(leaks)];
}
function lost(seen: Seen): Criterion {
  const [, saved, evidence] = savedLater(seen);
  return ['lost', saved === null ? null : !saved, evidence];
}
function byHand(seen: Seen): Criterion {
  const { value, evidence } = recoveryOf(seen);
  return ['by-hand', value !== 'automatic', evidence];
}
