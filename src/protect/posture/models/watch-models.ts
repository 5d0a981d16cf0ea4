// Looks at the store again whenever a file of it changes, and at times that are set; asks the server what it has loaded.
import { type FSWatcher, watch } from 'node:fs';
import { realpath } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type Finding, findingKey } from './finding.ts';
import { nameKey, parseModelName } from './name.ts';
import type { OllamaApi } from './ollama-api.ts';
import { type FileIdentity, identify, sameFile } from './store.ts';
import type { ListFiles } from './trusted-list.ts';
import { type Verification, type VerifiedModel, verifyStore } from './verify-store.ts';
import { readWeaknesses, versionFinding } from './weaknesses.ts';

export interface WatchModelsParts {
  folder: string;
  files: ListFiles;
  api?: OllamaApi | undefined;
  now: () => number;
  /** After each look: what is new, what is no longer so, and the whole. */
  onLook(look: Look): void;
  /** The server did not answer, or answers again. */
  onApi?(reachable: boolean): void;
  /** A model that the server has newly loaded, or that somebody asked to use. */
  onLoad?(result: 'verified' | 'refused'): void;
  onError(error: unknown): void;
}

export interface Look {
  /** All that is found now, in the store and at the server. */
  all: readonly Finding[];
  fresh: readonly Finding[];
  gone: readonly Finding[];
  verification: Verification;
}

export interface WatchModelsSettings {
  everyMs: number;
  /** Every byte is read again this often: a disk can lose a bit without telling anybody. */
  fullEveryMs: number;
  /** How long a request waits for a look; default 3 s. */
  patienceMs?: number;
}

export type ModelAdmission = 'verified' | 'refused' | 'verifying';

export interface ModelWatch {
  /** Whether a model may be used now: its files are still as they were when every byte was as trusted. */
  admit(model: string): Promise<ModelAdmission>;
  /** From what is known, without a look: for lists. */
  isVerified(model: string): boolean;
  /** Looks now, and resolves once it has. */
  look(depth?: 'changed' | 'full'): Promise<void>;
  close(): Promise<void>;
}

interface Queued {
  depth: 'changed' | 'full';
  done: Promise<void>;
}

/** Several changes that follow one another are one. */
const settleMs = 150;
/** A small store is verified within this; a request for a model of a large one is asked to come back. */
const usualPatienceMs = 3_000;

export function watchModels(parts: WatchModelsParts, settings: WatchModelsSettings): ModelWatch {
  const end = new AbortController();
  const weaknesses = readWeaknesses();
  const known = new Map<string, Finding>();
  const loadedBefore = new Set<string>();
  let latest: { verification: Verification; list: FileIdentity | undefined } | undefined;
  /** The last look could not be had: then nothing is verified. */
  let unreadable = false;
  let apiFindings: Finding[] = [];
  let apiReachable: boolean | undefined;
  let running: Promise<void> = Promise.resolve();
  let next: Queued | undefined;

  function look(depth: 'changed' | 'full' = 'changed'): Promise<void> {
    if (next !== undefined) {
      if (depth === 'full') next.depth = 'full';
      return next.done;
    }
    const mine: Queued = { depth, done: Promise.resolve() };
    mine.done = running
      .then(async () => {
        next = undefined;
        if (!end.signal.aborted) await lookOnce(mine.depth);
      })
      .catch((error: unknown) => {
        if (!end.signal.aborted) parts.onError(error);
      });
    next = mine;
    running = mine.done;
    return running;
  }

  async function lookOnce(depth: 'changed' | 'full'): Promise<void> {
    const list = await identify(parts.files.list);
    try {
      const verification = await verifyStore(parts.folder, parts.files, { depth, signal: end.signal });
      latest = { verification, list };
      unreadable = false;
      tell(verification);
    } catch (error) {
      // What cannot be read any more is not verified any more.
      latest = undefined;
      unreadable = !end.signal.aborted;
      throw error;
    }
  }

  function tell(verification: Verification): void {
    const now = new Map([...verification.findings, ...apiFindings].map((one) => [findingKey(one), one]));
    const fresh = [...now].filter(([key]) => !known.has(key)).map(([, one]) => one);
    const gone = [...known].filter(([key]) => !now.has(key)).map(([, one]) => one);
    known.clear();
    for (const [key, one] of now) known.set(key, one);
    parts.onLook({ all: [...now.values()], fresh, gone, verification });
  }

  async function askApi(): Promise<void> {
    if (parts.api === undefined) return;
    try {
      const [version, loaded] = await Promise.all([parts.api.version(), parts.api.loaded()]);
      if (apiReachable === false) parts.onApi?.(true);
      apiReachable = true;
      const weak = versionFinding(version, weaknesses);
      apiFindings = weak === undefined ? [] : [weak];
      const seen = new Set(loaded.map(({ key, digest }) => `${key} ${digest}`));
      for (const one of loaded) {
        const finding = loadedFinding(one);
        if (finding !== undefined) apiFindings.push(finding);
        if (!loadedBefore.has(`${one.key} ${one.digest}`))
          parts.onLoad?.(finding === undefined ? 'verified' : 'refused');
      }
      loadedBefore.clear();
      for (const key of seen) loadedBefore.add(key);
    } catch {
      if (apiReachable !== false) parts.onApi?.(false);
      apiReachable = false;
    }
  }

  function loadedFinding({ key, shown, digest }: { key: string; shown: string; digest: string }): Finding | undefined {
    const list = latest?.verification.list;
    if (list?.kind !== 'list') return undefined;
    const trusted = list.list.models.find((model) => model.key === key);
    if (trusted === undefined) return { what: 'model-unknown', model: shown, found: digest };
    if (trusted.manifest === digest) return undefined;
    return { what: 'loaded-differs', model: shown, expected: trusted.manifest, found: digest };
  }

  async function admit(model: string): Promise<ModelAdmission> {
    const first = stateOf(model);
    if (first !== undefined && (await isFresh(first.model))) return counted(first.state);
    // A file or the list changed since: what was found is no longer known to hold.
    await Promise.race([look(), pause(settings.patienceMs ?? usualPatienceMs, end.signal)]);
    const again = stateOf(model);
    if (again === undefined) return latest === undefined && !unreadable ? 'verifying' : counted('refused');
    return counted((await isFresh(again.model)) ? again.state : 'verifying');
  }

  function counted(state: ModelAdmission): ModelAdmission {
    if (state !== 'verifying') parts.onLoad?.(state);
    return state;
  }

  /** Undefined for what no trusted model is called. */
  function stateOf(name: string): { model: VerifiedModel; state: ModelAdmission } | undefined {
    const parsed = parseModelName(name);
    const model = parsed && latest?.verification.models.find(({ key }) => key === nameKey(parsed));
    if (model === undefined) return undefined;
    return { model, state: model.state === 'unhashed' ? 'verifying' : model.state };
  }

  async function isFresh({ files }: VerifiedModel): Promise<boolean> {
    const list = await identify(parts.files.list);
    const before = latest?.list;
    if (!(before === undefined ? list === undefined : list !== undefined && sameFile(before, list))) return false;
    const root = latest?.verification.store.root ?? '';
    // A link to the store may lead elsewhere by now, and the files that were read lie where they did.
    if ((await realpath(parts.folder).catch(() => undefined)) !== root) return false;
    const now = await Promise.all(files.map(({ path }) => identify(join(root, path))));
    return files.every((file, index) => now[index] !== undefined && sameFile(file.stat, now[index]));
  }

  let settling: NodeJS.Timeout | undefined;
  const watchers: FSWatcher[] = [];
  const changed = () => {
    settling ??= setTimeout(() => {
      settling = undefined;
      void look();
    }, settleMs);
  };
  for (const [folder, recursive] of [
    [join(parts.folder, 'manifests'), true],
    [join(parts.folder, 'blobs'), false],
    [dirname(parts.files.list), false],
  ] as const) {
    try {
      const watcher = watch(folder, { recursive, persistent: false }, (_, name) => {
        // Our own notes on what was hashed are no change of a model, and a download that is under way is none yet.
        if (typeof name === 'string' && (/^hashes\.json|-draft$/.test(name) || name.includes('-partial'))) return;
        changed();
      });
      // A folder that goes away is found by the next look.
      watcher.on('error', changed);
      watchers.push(watcher);
    } catch (error) {
      parts.onError(error);
    }
  }
  const round = async () => {
    await askApi();
    await look();
  };
  const often = setInterval(() => void round(), settings.everyMs).unref();
  const seldom = setInterval(() => void look('full'), settings.fullEveryMs).unref();
  void look().then(() => (end.signal.aborted ? undefined : round()));

  return {
    admit,
    isVerified: (model) => stateOf(model)?.state === 'verified',
    look,
    async close() {
      end.abort();
      clearInterval(often);
      clearInterval(seldom);
      clearTimeout(settling);
      for (const watcher of watchers) watcher.close();
      await running;
    },
  };
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
