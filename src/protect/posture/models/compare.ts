// The manifests of a store against the trusted list: which models and layers are not what somebody vouched for.
import type { Finding } from './finding.ts';
import type { Layer } from './manifest.ts';
import { isCloudName } from './name.ts';
import type { Store, StoredModel, StoreProblem } from './store.ts';
import type { TrustedList, TrustedModel } from './trusted-list.ts';

export interface Pair {
  trusted: TrustedModel;
  stored: StoredModel;
}

export interface Compared {
  findings: Finding[];
  /** Trusted models that are there, with what is there in their place. */
  pairs: Pair[];
  /** Models that nobody vouched for. */
  unknown: StoredModel[];
}

export function compareStore(store: Store, list: TrustedList): Compared {
  const findings = store.problems.map(problemFinding);
  const pairs: Pair[] = [];
  const unknown: StoredModel[] = [];
  const byKey = Map.groupBy(store.models, ({ key }) => key);
  for (const trusted of list.models) {
    const candidates = byKey.get(trusted.key) ?? [];
    const [stored, ...twins] = candidates.toSorted((a, b) => rank(a, trusted) - rank(b, trusted));
    if (stored === undefined) {
      // A manifest that cannot be read is told as such: the model is not gone.
      if (!store.problems.some((problem) => covers(problem, trusted.key)))
        findings.push({ what: 'model-missing', model: trusted.shown });
      continue;
    }
    pairs.push({ trusted, stored });
    findings.push(...compareModel({ trusted, stored }));
    for (const twin of twins)
      findings.push({ what: 'model-alias', model: twin.shown, path: twin.path, detail: trusted.shown });
  }
  const trustedKeys = new Set(list.models.map(({ key }) => key));
  for (const stored of store.models.filter(({ key }) => !trustedKeys.has(key))) {
    unknown.push(stored);
    const original = originalOf(stored, list);
    findings.push(
      original === undefined
        ? { what: 'model-unknown', model: stored.shown, path: stored.path }
        : { what: 'model-alias', model: stored.shown, path: stored.path, detail: original.shown },
    );
    if (isCloudName(stored.name)) findings.push({ what: 'model-remote', model: stored.shown, path: stored.path });
  }
  return { findings, pairs, unknown };
}

/** Of two manifests under one name, the one that is as trusted is the model, and the other its shadow. */
function rank({ manifest, path }: StoredModel, trusted: TrustedModel): number {
  return (manifest.digest === trusted.manifest ? 0 : 2) + (path.toLowerCase() === path ? 0 : 1);
}

/** The trusted model whose manifest or weights another name serves. */
function originalOf(stored: StoredModel, list: TrustedList): TrustedModel | undefined {
  const weights = new Set(weightsOf(stored.manifest.layers));
  return list.models.find(
    ({ manifest, layers }) =>
      manifest === stored.manifest.digest || weightsOf(layers).some((digest) => weights.has(digest)),
  );
}

function weightsOf(layers: readonly Pick<Layer, 'kind' | 'digest'>[]): string[] {
  return layers.filter(({ kind }) => kind === 'weights' || kind === 'tensor').map(({ digest }) => digest);
}

/** Every layer that is other, new or gone; when none is, the manifest differs in what it says of them. */
export function compareModel({ trusted, stored }: Pair): Finding[] {
  if (trusted.manifest === stored.manifest.digest) return [];
  const { shown: model, path } = stored;
  const findings: Finding[] = [];
  const { lost, added } = differingLayers(trusted.layers, stored.manifest.layers);
  for (const old of lost) {
    const at = added.findIndex(({ kind }) => kind === old.kind);
    const [other] = at < 0 ? [] : added.splice(at, 1);
    const { kind: layer, digest: expected } = old;
    if (other === undefined) findings.push({ what: 'layer-removed', model, layer, path, expected });
    else findings.push({ what: 'layer-changed', model, layer, path, expected, found: other.digest });
  }
  for (const { kind: layer, digest: found } of added) findings.push({ what: 'layer-added', model, layer, path, found });
  if (findings.length > 0) return findings;
  return [{ what: 'manifest-changed', model, path, expected: trusted.manifest, found: stored.manifest.digest }];
}

interface Differing {
  lost: TrustedModel['layers'];
  added: Layer[];
}

/** Layers by kind and digest, each as often as it is there. */
function differingLayers(before: TrustedModel['layers'], now: readonly Layer[]): Differing {
  const added = [...now];
  const lost = before.filter(({ kind, digest }) => {
    const at = added.findIndex((layer) => layer.kind === kind && layer.digest === digest);
    if (at >= 0) added.splice(at, 1);
    return at < 0;
  });
  return { lost, added };
}

function problemFinding(problem: StoreProblem): Finding {
  const { path, shown: model } = problem;
  switch (problem.kind) {
    case 'symlink-outside':
      return { what: 'symlink-outside', model, path, detail: problem.target };
    case 'manifest-unreadable':
      return { what: 'manifest-unreadable', model, path, detail: problem.why };
    case 'not-a-model':
      return { what: 'not-a-model', model, path };
  }
}

/** Whether what could not be read is, or contains, the place of this model's manifest. */
export function covers({ path }: StoreProblem, key: string): boolean {
  const place = `manifests/${key.replace(/:([^:/]*)$/, '/$1')}`;
  const covered = path.toLowerCase();
  return place === covered || place.startsWith(`${covered}/`);
}
