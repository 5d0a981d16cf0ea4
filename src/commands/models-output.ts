// What `rempart models` says: as lines for a person, and as the document rempart/models@1.
import type { ModelsDocument } from '../platform/documents/models.ts';
import { findingDocument, sentenceOf, severityOf } from '../protect/posture/models/finding.ts';
import type { Quarantined } from '../protect/posture/models/quarantine.ts';
import type { StoredModel } from '../protect/posture/models/store.ts';
import type { TrustedList } from '../protect/posture/models/trusted-list.ts';
import type { Verification } from '../protect/posture/models/verify-store.ts';
import type { CommandInput } from './command.ts';
import { megabytes } from './models-progress.ts';

export function documentOf(
  { say }: CommandInput,
  action: ModelsDocument['action'],
  { store, list, findings, models, hashing }: Verification,
  depth: ModelsDocument['depth'],
  more: Pick<ModelsDocument, 'quarantine' | 'restored'> = {},
): ModelsDocument {
  const trusted = list.kind === 'list' ? list.list : undefined;
  const { bytes, seconds } = hashing;
  return {
    schema: 'rempart/models@1',
    action,
    store: store.root,
    checkedAt: new Date().toISOString(),
    depth,
    list: {
      state: list.kind === 'list' ? 'valid' : list.kind,
      revision: trusted?.revision ?? null,
      signedAt: trusted === undefined ? null : new Date(trusted.signedAt).toISOString(),
      signature: trusted?.signature ?? null,
      models: trusted?.models.length ?? 0,
    },
    models: models.map(({ key, shown, state, stored }) => ({
      name: shown,
      state,
      digest: stored.manifest.digest,
      source: trusted?.models.find((one) => one.key === key)?.publisher.state ?? null,
      layers: stored.manifest.layers.map(({ kind, digest, size }) => ({ kind, digest, size })),
    })),
    findings: findings.map((one) => findingDocument(one, say)),
    hashing: {
      ...hashing,
      seconds: Math.round(seconds * 1_000) / 1_000,
      megabytesPerSecond: bytes === 0 || seconds === 0 ? null : Math.round(bytes / 1e6 / seconds),
    },
    ...more,
  };
}

export function describeVerification(
  input: CommandInput,
  { store, list, findings, models, hashing }: Verification,
  depth: ModelsDocument['depth'],
): string[] {
  const { say } = input;
  const lines = [say('models.store', { store: store.root })];
  if (list.kind !== 'list')
    return [
      ...lines,
      ...findings.map((one) => sentenceOf(one, say)),
      say(list.kind === 'missing' ? 'models.next.none' : 'models.next.list'),
    ];
  const { revision, signedAt, models: trusted } = list.list;
  const date = new Date(signedAt).toISOString().slice(0, 16).replace('T', ' ');
  lines.push(
    say('models.list.valid', { revision, date: `${date} UTC`, models: counted(input, 'count', trusted.length) }),
  );
  const width = Math.max(0, ...models.map(({ shown }) => shown.length));
  for (const { key, shown, state } of models) {
    const known = trusted.find((one) => one.key === key);
    const source = known === undefined ? '' : `, ${say(`models.source.${known.publisher.state}`)}`;
    lines.push(`  ${shown.padEnd(width)}  ${say(`models.state.${state}`)}${source}`);
  }
  if (models.length === 0) lines.push(say('models.empty'));
  lines.push(speedLine(input, hashing));
  if (hashing.cached > 0) lines.push(say('models.hashed.blind'));
  if (findings.length === 0) {
    const unhashed = models.filter(({ state }) => state === 'unhashed').length;
    const cheap = depth === 'manifests' && unhashed > 0;
    return [
      ...lines,
      cheap ? say('models.good.cheap', { count: counted(input, 'count', unhashed) }) : say('models.good'),
    ];
  }
  return [
    ...lines,
    say('models.bad', { count: counted(input, 'findings', findings.length) }),
    ...bySeverity(findings).map((one) => `  ${say(`models.severity.${severityOf(one)}`)}  ${sentenceOf(one, say)}`),
    say('models.next.quarantine'),
  ];
}

const order = ['critical', 'high', 'medium', 'low'];

function bySeverity(findings: Verification['findings']): Verification['findings'] {
  return findings.toSorted((a, b) => order.indexOf(severityOf(a)) - order.indexOf(severityOf(b)));
}

function speedLine(input: CommandInput, { files, cached, bytes, seconds }: Verification['hashing']): string {
  if (files === 0) return input.say('models.hashed.none', { cached });
  // The speed of a few small files would only tell how long the threads take to start.
  return input.say(bytes < 1e6 ? 'models.hashed.small' : 'models.hashed', {
    files: counted(input, 'files', files),
    cached,
    bytes: megabytes(bytes),
    speed: megabytes(bytes / Math.max(0.001, seconds)),
  });
}

export function trustedLines(
  input: CommandInput,
  { revision, models }: TrustedList,
  chosen: readonly StoredModel[],
): string[] {
  const { say } = input;
  const mine = models.filter(({ key }) => chosen.some((one) => one.key === key));
  const width = Math.max(0, ...mine.map(({ shown }) => shown.length));
  return [
    say('models.trusted', { revision, models: counted(input, 'count', models.length) }),
    ...mine.map(({ shown, layers, publisher }) => {
      const count = say('models.trusted.layers', { count: layers.length });
      return `  ${shown.padEnd(width)}  ${count}, ${say(`models.source.${publisher.state}`)}`;
    }),
  ];
}

export function reportQuarantine(
  { say }: CommandInput,
  { model, folder, moved, kept, affected }: Quarantined,
): string[] {
  return [
    say('models.quarantined', { model, folder }),
    ...moved.map(({ from }) => `  ${say('models.quarantined.moved', { path: from })}`),
    ...kept.map(({ path, models }) => `  ${say('models.quarantined.kept', { path, models: models.join(', ') })}`),
    ...(affected.length === 0 ? [] : [say('models.quarantined.affected', { models: affected.join(', ') })]),
  ];
}

const nouns = {
  count: { one: 'models.count.one', many: 'models.count.many' },
  files: { one: 'models.files.one', many: 'models.files.many' },
  findings: { one: 'models.findings.one', many: 'models.findings.many' },
} as const;

/** A number with its noun; French has the singular up to 2, English for 1 alone. */
export function counted(
  { say, lang }: Pick<CommandInput, 'say' | 'lang'>,
  noun: keyof typeof nouns,
  count: number,
): string {
  const one = lang === 'fr' ? count < 2 : count === 1;
  return say(nouns[noun][one ? 'one' : 'many'], { count });
}
