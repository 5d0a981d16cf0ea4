// Moves a model out of Ollama's sight: by rename inside the store's file system, with the evidence written first.
import { createHash } from 'node:crypto';
import { lstat, mkdir, readdir, readFile, readlink, rename, rm, rmdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { RempartError } from '../../../platform/base/errors.ts';
import type { Finding } from './finding.ts';
import { nameKey, parseModelName } from './name.ts';
import { syncFolder, writeWhole } from './signed-file.ts';
import { findBlob, type Store, type StoredModel } from './store.ts';
import { problemOf } from './trust.ts';
import type { Verification } from './verify-store.ts';

/** Ollama looks into manifests/ and blobs/ only, and a rename needs the same file system. */
export const quarantineFolder = 'rempart-quarantine';

export interface Quarantined {
  model: string;
  /** Absolute. */
  folder: string;
  /** Paths below the store's folder. */
  moved: readonly { from: string; to: string; sha256: string | null }[];
  /** What stays, since other models are made of it. */
  kept: readonly { path: string; models: readonly string[] }[];
  /** Other models that named a blob that was moved, since its bytes are not what its name says. */
  affected: readonly string[];
}

export interface QuarantineFacts {
  now: number;
  /** Who asked, for the evidence. */
  by: string;
}

/** Throws ERR_MODELS_UNKNOWN; ERR_MODELS_QUARANTINE when nothing was moved after all. */
export async function quarantineModel(
  verification: Verification,
  name: string,
  { now, by }: QuarantineFacts,
): Promise<Quarantined> {
  const { store, findings } = verification;
  const plan = await planMoves(verification, name);
  const own = findings.filter(({ model, path }) => model === plan.model || plan.paths.some((one) => one === path));
  const place = `${new Date(now).toISOString().replaceAll(/[:.]/g, '-')}-${plan.model.replaceAll(/[^a-z0-9.-]+/gi, '_')}`;
  const folder = join(store.root, quarantineFolder, place);
  const moved = await Promise.all(
    plan.paths.map(async (from) => ({
      from,
      to: `${quarantineFolder}/${place}/${from}`,
      sha256: await digestOf(join(store.root, from), verification, from),
    })),
  );
  const result = { model: plan.model, folder, moved, kept: plan.kept, affected: plan.affected };
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    // Before the first move: after a crash it says what went where, and why.
    writeWhole(join(folder, 'evidence.json'), `${JSON.stringify(evidence(result, own, now, by), null, 2)}\n`);
    await moveAll(store.root, moved);
  } catch (error) {
    await forget(store.root, folder, moved);
    throw new RempartError(
      'ERR_MODELS_QUARANTINE',
      { cause: (error as NodeJS.ErrnoException).code ?? 'unknown' },
      error,
    );
  }
  return result;
}

/** Evidence of a move that did not happen would mislead; where something could not be put back, it stays and says what. */
async function forget(root: string, folder: string, moves: readonly { to: string }[]): Promise<void> {
  const there = await Promise.all(
    moves.map(({ to }) =>
      lstat(join(root, to)).then(
        () => true,
        () => false,
      ),
    ),
  );
  if (!there.includes(true)) await rm(folder, { recursive: true, force: true }).catch(() => undefined);
}

function evidence(
  { model, moved, kept, affected }: Quarantined,
  findings: readonly Finding[],
  now: number,
  by: string,
) {
  return {
    schema: 'rempart/quarantine@1',
    model,
    at: new Date(now).toISOString(),
    by,
    findings: findings.map(({ what, layer, path, expected, found, detail }) => ({
      what,
      layer,
      path,
      expected,
      found,
      detail,
    })),
    moved,
    kept,
    affected,
  };
}

interface Plan {
  model: string;
  paths: string[];
  kept: { path: string; models: string[] }[];
  affected: string[];
}

/** The manifest first: from then on Ollama does not know the model. Then what no other model needs, and what is bad. */
async function planMoves({ store, findings, list }: Verification, name: string): Promise<Plan> {
  const model = chosenModel(store, findings, name);
  if (model === undefined) {
    const problem = problemOf(store, name);
    if (problem === undefined || problem.path === 'manifests')
      throw new RempartError('ERR_MODELS_UNKNOWN', { model: name, place: { key: 'models.place.store' } });
    return { model: problem.shown, paths: [problem.path], kept: [], affected: [] };
  }
  const plan: Plan = { model: model.shown, paths: [model.path], kept: [], affected: [] };
  const others = store.models.filter(({ path }) => path !== model.path);
  const trusted = list.kind === 'list' ? list.list.models : [];
  for (const digest of new Set(model.manifest.layers.map((layer) => layer.digest))) {
    const place = await findBlob(store.root, digest);
    // Where the folder itself leads out, nothing behind it is ours to move.
    if (place.kind === 'missing' || place.path === 'blobs') continue;
    const naming = others.filter(({ manifest }) => manifest.layers.some((layer) => layer.digest === digest));
    const vouched = trusted.filter(({ layers }) => layers.some((layer) => layer.digest === digest));
    const users = [
      ...new Set([...naming, ...vouched.filter(({ key }) => key !== model.key)].map(({ shown }) => shown)),
    ];
    const bad =
      place.kind !== 'file' || findings.some((one) => one.what.startsWith('blob-') && one.path === place.path);
    if (bad) {
      plan.paths.push(place.path);
      plan.affected.push(...naming.map(({ shown }) => shown));
    } else if (users.length > 0) plan.kept.push({ path: place.path, models: users });
    else plan.paths.push(place.path);
  }
  plan.affected = [...new Set(plan.affected)].sort();
  return plan;
}

/** Where two manifests share a name but for its case, the one that something was found about, spelled as given first. */
function chosenModel(store: Store, findings: readonly Finding[], name: string): StoredModel | undefined {
  const parsed = parseModelName(name);
  const named = parsed === undefined ? [] : store.models.filter(({ key }) => key === nameKey(parsed));
  if (named.length < 2) return named[0];
  const spelled = named.filter((one) => [one.shown, one.shown.replace(/:latest$/, '')].includes(name.trim()));
  const suspect = named.filter(({ path }) => findings.some((one) => one.path === path));
  return spelled.length === 1 ? spelled[0] : (suspect[0] ?? named[0]);
}

/** All or nothing: what was moved goes back when a later move fails. */
export async function moveAll(root: string, moves: readonly { from: string; to: string }[]): Promise<void> {
  const done: { from: string; to: string }[] = [];
  try {
    for (const move of moves) {
      await mkdir(dirname(join(root, move.to)), { recursive: true, mode: 0o700 });
      await rename(join(root, move.from), join(root, move.to));
      done.push(move);
    }
  } catch (error) {
    // One that cannot go back keeps none of the others away.
    for (const { from, to } of done.reverse()) await rename(join(root, to), join(root, from)).catch(() => undefined);
    throw error;
  }
  for (const folder of new Set(moves.flatMap(({ from, to }) => [dirname(from), dirname(to)])))
    syncFolder(join(root, folder));
  for (const { from } of moves) await removeEmptyAbove(root, from);
}

/** Ollama removes the folders of a model with its last tag; one that is left empty would still be listed by some tools. */
async function removeEmptyAbove(root: string, path: string): Promise<void> {
  const parts = path.split('/').slice(0, -1);
  // manifests/HOST/NAMESPACE stays: only the folder of the model itself goes.
  if (parts[0] !== 'manifests' || parts.length !== 4) return;
  const folder = join(root, ...parts);
  if ((await readdir(folder)).length === 0) await rmdir(folder);
}

/** What the evidence says a file was: known for blobs that were hashed, read for what is small, the target for a link. */
async function digestOf(file: string, { findings }: Verification, path: string): Promise<string | null> {
  const found = findings.find((one) => one.path === path)?.found;
  if (found?.startsWith('sha256:')) return found.slice(7);
  const stat = await lstat(file);
  const sha256 = (bytes: Buffer | string) => createHash('sha256').update(bytes).digest('hex');
  if (stat.isSymbolicLink()) return sha256(await readlink(file));
  if (path.startsWith('blobs/')) return /[-:]([0-9a-f]{64})$/.exec(path)?.[1] ?? null;
  return stat.isFile() && stat.size <= 67_108_864 ? sha256(await readFile(file)) : null;
}
