// The signed ordinary state: taken on purpose, kept in the data directory, and compared with what is there now.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { JsonObject } from '../../../platform/base/json.ts';
import { type Drift, type DriftChange, driftAreas } from '../../../platform/documents/drift.ts';
import type { Signal } from '../../../platform/signals.ts';
import { openSigner, readSigned, readSigner, type Signer, signDocument, writeSigned } from '../models/signed-file.ts';
import { type BaselineInputs, type Fact, nameOf, observe } from './observe.ts';
import { type Deed, whoChanged } from './who-changed.ts';

const baselineSchemaName = 'rempart/baseline@1';
const markSchema = 'rempart/baseline-mark@1';

const baselineDocument = z.strictObject({
  schema: z.literal(baselineSchemaName),
  revision: z.number().int().min(1),
  takenAt: z.number(),
  by: z.string(),
  areas: z.array(z.enum(driftAreas)),
  facts: z.array(
    z.strictObject({
      area: z.enum(driftAreas),
      key: z.string(),
      shown: z.string(),
      digest: z.string(),
      changedAt: z.number().optional(),
    }),
  ),
});

export interface Baseline extends z.output<typeof baselineDocument> {
  signature: string;
}

export type ReadBaseline =
  | { kind: 'baseline'; baseline: Baseline }
  | { kind: 'missing' }
  | { kind: 'bad'; why: 'unreadable' | 'signature' | 'key' | 'older' };

function filesOf(data: string) {
  return {
    file: join(data, 'baseline.json'),
    mark: join(data, 'baseline.mark.json'),
    key: join(data, 'models.key.pem'),
  };
}

/** Looks, signs and keeps what is there as the ordinary state. */
export function takeBaseline(inputs: BaselineInputs, { now, by }: { now: number; by: string }): Baseline {
  const { file, mark, key } = filesOf(inputs.data);
  const signer = openSigner(key);
  const before = readSigned(mark, markSchema, signer);
  const revision = (before.kind === 'signed' ? Number(before.signed.document['revision']) : 0) + 1;
  const document = { schema: baselineSchemaName, revision, takenAt: now, by, ...observe(inputs) } as const;
  const signed = signDocument(JSON.parse(JSON.stringify(document)) as JsonObject, signer);
  writeSigned(mark, signDocument({ schema: markSchema, revision }, signer));
  writeSigned(file, signed);
  return { ...document, signature: signed.signature };
}

/** Never throws: a baseline that cannot be believed is an answer, and never "nothing changed". */
export function readBaseline(data: string): ReadBaseline {
  const { file, mark, key } = filesOf(data);
  const signer = signerOf(key);
  const read = readSigned(file, baselineSchemaName, signer);
  if (read.kind === 'missing') return existsSync(mark) ? { kind: 'bad', why: 'older' } : read;
  if (read.kind === 'bad') return read;
  const parsed = baselineDocument.safeParse(read.signed.document);
  if (!parsed.success) return { kind: 'bad', why: 'unreadable' };
  const newest = readSigned(mark, markSchema, signer);
  // An older one is well signed too: put back by hand, it would call ordinary what no longer is.
  if (newest.kind !== 'signed' || newest.signed.document['revision'] !== parsed.data.revision)
    return { kind: 'bad', why: 'older' };
  return { kind: 'baseline', baseline: { ...parsed.data, signature: read.signed.signature } };
}

/** What is added, removed or changed since; `deeds`: what the journal tells of who did what (`whoChanged`). */
export function compareBaseline(
  read: ReadBaseline,
  inputs: BaselineInputs,
  now: number,
  deeds: readonly Deed[] = [],
): Drift {
  const comparedAt = new Date(now).toISOString();
  if (read.kind !== 'baseline') {
    const why = read.kind === 'bad' ? read.why : null;
    const baseline = { state: read.kind, why, takenAt: null, by: null, signature: null };
    return { schema: 'rempart/drift@1', baseline, comparedAt, changes: [] };
  }
  const { takenAt, by, signature, areas, facts } = read.baseline;
  const observed = observe(inputs);
  // What nobody looked at, then or now, has not changed.
  const both = (fact: Fact) => areas.includes(fact.area) && observed.areas.includes(fact.area);
  const before = new Map(facts.filter(both).map((fact) => [nameOf(fact), fact]));
  const after = new Map(observed.facts.filter(both).map((fact) => [nameOf(fact), fact]));
  const changes: DriftChange[] = [];
  for (const name of new Set([...before.keys(), ...after.keys()])) {
    const change = changeOf(before.get(name), after.get(name), takenAt, deeds);
    if (change !== undefined) changes.push(change);
  }
  changes.sort((a, b) => driftAreas.indexOf(a.area) - driftAreas.indexOf(b.area) || (a.key < b.key ? -1 : 1));
  const baseline = { state: 'valid' as const, why: null, takenAt: new Date(takenAt).toISOString(), by, signature };
  return { schema: 'rempart/drift@1', baseline, comparedAt, changes };
}

function changeOf(
  was: Fact | undefined,
  is: Fact | undefined,
  takenAt: number,
  deeds: readonly Deed[],
): DriftChange | undefined {
  const fact = is ?? was;
  if (fact === undefined || was?.digest === is?.digest) return undefined;
  const { area, key } = fact;
  const deed = deeds.findLast(
    (one) => one.area === area && one.time > takenAt && (one.keys === null || one.keys.includes(key)),
  );
  const written = is?.changedAt !== undefined && is.changedAt > takenAt ? is.changedAt : undefined;
  const at = deed?.time ?? written;
  return {
    area,
    key,
    kind: was === undefined ? 'added' : is === undefined ? 'removed' : 'changed',
    before: was?.shown ?? null,
    after: is?.shown ?? null,
    at: at === undefined ? null : new Date(at).toISOString(),
    by: deed?.by ?? null,
  };
}

/** The signal that a drift is worth; undefined when there is none. Keys only: no value leaves. */
export function driftSignal({ baseline, changes }: Drift, now: number): Signal | undefined {
  if (baseline.state === 'missing' || (baseline.state === 'valid' && changes.length === 0)) return undefined;
  const bad = baseline.state === 'bad';
  const [first] = changes;
  return {
    kind: 'configuration-drift',
    time: now,
    severity: bad ? 'critical' : changes.some(({ area }) => area === 'models' || area === 'port') ? 'high' : 'medium',
    facts: {
      changes: changes.length,
      ...(bad ? { baseline: baseline.why ?? 'bad' } : {}),
      ...(first === undefined ? {} : { area: first.area, ...(first.area === 'config' ? { setting: first.key } : {}) }),
    },
  };
}

/** Who changed what since a baseline was taken, by the journal in the data directory. */
export async function deedsSince(data: string, since: number): Promise<Deed[]> {
  return whoChanged(join(data, 'journal'), since);
}

function signerOf(file: string): Signer | undefined {
  try {
    return readSigner(file);
  } catch {
    return undefined;
  }
}
