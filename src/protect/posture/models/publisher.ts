// A stored model against what its publisher's registry has under the same name: every digest, or an honest "not compared".
import type { Finding } from './finding.ts';
import { maxManifestBytes, readManifest } from './manifest.ts';
import type { ModelName } from './name.ts';
import { type Fetch, limitedBody } from './ollama-api.ts';
import type { StoredModel } from './store.ts';
import type { PublisherState } from './trusted-list.ts';

export interface AgainstPublisher {
  state: PublisherState;
  findings: Finding[];
}

const withinMs = 15_000;

/** Only ever asks the host that the model's own name gives; call it for allowed sources only. */
export async function comparePublisher(stored: StoredModel, fetch: Fetch, now: number): Promise<AgainstPublisher> {
  const notCompared = (why: 'unreachable' | 'not-published'): AgainstPublisher => ({
    state: { state: 'not-compared', why },
    findings: [],
  });
  let bytes: Buffer;
  try {
    const answer = await fetch(manifestUrl(stored.name), {
      headers: { accept: 'application/vnd.docker.distribution.manifest.v2+json' },
      signal: AbortSignal.timeout(withinMs),
      redirect: 'error',
    });
    if (answer.status === 404 || answer.status === 401) return notCompared('not-published');
    if (!answer.ok) return notCompared('unreachable');
    bytes = await limitedBody(answer, maxManifestBytes);
  } catch {
    return notCompared('unreachable');
  }
  const read = readManifest(bytes);
  if (read.kind === 'bad') return notCompared('unreachable');
  const findings = differences(stored, read.manifest.layers);
  return { state: { state: 'same', at: now }, findings };
}

/** Digest by digest: Ollama may write a manifest's JSON anew, so the bytes of the manifest itself need not be equal. */
function differences(stored: StoredModel, published: StoredModel['manifest']['layers']): Finding[] {
  const theirs = [...published];
  const findings: Finding[] = [];
  const { shown: model } = stored;
  for (const { kind: layer, digest: found } of stored.manifest.layers) {
    const same = theirs.findIndex((other) => other.kind === layer && other.digest === found);
    if (same >= 0) {
      theirs.splice(same, 1);
      continue;
    }
    const inPlace = theirs.findIndex(
      (other) => other.kind === layer && !stored.manifest.layers.some((own) => own.digest === other.digest),
    );
    const [other] = inPlace < 0 ? [] : theirs.splice(inPlace, 1);
    findings.push({ what: 'publisher-differs', model, layer, expected: other?.digest ?? '-', found });
  }
  for (const { kind: layer, digest: expected } of theirs)
    findings.push({ what: 'publisher-differs', model, layer, expected, found: '-' });
  return findings;
}

function manifestUrl({ host, namespace, model, tag }: ModelName): string {
  const name = host.replace(/:\d+$/, '');
  // A registry on this machine has no certificate; every other one must have.
  const scheme = name === 'localhost' || /^127\.\d+\.\d+\.\d+$/.test(name) ? 'http' : 'https';
  return `${scheme}://${host}/v2/${namespace}/${model}/manifests/${tag}`;
}
