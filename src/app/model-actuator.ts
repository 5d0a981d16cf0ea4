// What respond may do with models, done by the model store's own parts: verified, moved away, put back, restored, fetched anew.
import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { RempartError } from '../platform/base/errors.ts';
import { moveAll, quarantineFolder, quarantineModel } from '../protect/posture/models/quarantine.ts';
import { restoreModel } from '../protect/posture/models/restore.ts';
import { realStore } from '../protect/posture/models/store.ts';
import { listFiles, readList } from '../protect/posture/models/trusted-list.ts';
import { type Verification, verifyStore } from '../protect/posture/models/verify-store.ts';
import type { ModelActuator } from '../respond/actuators.ts';

export interface ModelActuatorSettings {
  /** The data directory: the signed list lies there. */
  data: string;
  /** Folder of the store. */
  store: string;
  /** A clean copy: a folder, or an archive that tar reads. */
  backup?: string | undefined;
  /** Ollama's address. */
  api?: string | undefined;
  fetch: (url: string, init?: RequestInit) => Promise<Response>;
}

const movedSchema = z.object({ moved: z.array(z.object({ from: z.string(), to: z.string() })) });
/** A model of many gigabytes takes its time. */
const pullMs = 3_600_000;

export function createModelActuator({ data, store, backup, api, fetch }: ModelActuatorSettings): ModelActuator {
  const files = listFiles(data);
  const look = async (signal: AbortSignal): Promise<Verification> => {
    const verification = await verifyStore(store, files, { depth: 'changed', signal });
    if (verification.list.kind === 'missing') throw new RempartError('ERR_MODELS_NO_LIST');
    return verification;
  };
  const pull = async (model: string, signal: AbortSignal) => {
    try {
      const answer = await fetch(`${api?.replace(/\/+$/, '')}/api/pull`, {
        method: 'POST',
        body: JSON.stringify({ model, stream: false }),
        signal: AbortSignal.any([signal, AbortSignal.timeout(pullMs)]),
        redirect: 'error',
      });
      await answer.body?.cancel();
      if (!answer.ok) throw new Error(`status ${answer.status}`);
    } catch (error) {
      throw new RempartError('ERR_MODELS_API', { url: api ?? '' }, error);
    }
  };
  return {
    async verify(signal) {
      const { findings, models } = await look(signal);
      return {
        ok: findings.length === 0,
        findings: findings.map(({ what, model }) => ({ what, model: model ?? null })),
        models: models.map(({ shown }) => shown),
      };
    },
    async quarantine(model, { by, at }) {
      const done = await quarantineModel(await look(new AbortController().signal), model, { now: at, by });
      return { folder: done.folder, moved: done.moved.length };
    },
    async release(_model, at) {
      const root = await realStore(store);
      const place = join(root, quarantineFolder);
      const stamp = new Date(at).toISOString().replaceAll(/[:.]/g, '-');
      const names = existsSync(place) ? readdirSync(place).filter((name) => name.startsWith(`${stamp}-`)) : [];
      let released = false;
      for (const name of names) released = (await putBack(root, join(place, name))) || released;
      return released;
    },
    backup: () => (backup !== undefined && existsSync(backup) ? backup : null),
    async restore(model, { at, signal }) {
      if (backup === undefined || !existsSync(backup)) throw new RempartError('ERR_MODEL_NO_BACKUP');
      return inFolder(backup, join(data, 'scratch'), async (from) => {
        const done = await restoreModel(store, files, model, { from, now: at, signal });
        return { files: done.files.length, replaced: done.replaced };
      });
    },
    ...(api === undefined ? {} : { pull }),
    trusted() {
      const list = readList(files);
      return list.kind === 'list' ? list.list.models.map(({ shown }) => shown) : [];
    },
  };
}

/** What the evidence says was moved goes back, unless something lies in its place by now. */
async function putBack(root: string, folder: string): Promise<boolean> {
  const file = join(folder, 'evidence.json');
  if (!existsSync(file)) return false;
  const { moved } = movedSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
  const back = moved
    .map(({ from, to }) => ({ from: to, to: from }))
    .filter(({ from, to }) => existsSync(join(root, from)) && !existsSync(join(root, to)));
  if (back.length === 0) return false;
  // The manifest was the first to go, and is the last to return: no half a model is ever seen.
  await moveAll(root, back.toReversed());
  return true;
}

/** An archive is taken apart in a scratch place first: the bytes are compared with the signed list all the same. */
async function inFolder<T>(backup: string, scratch: string, work: (folder: string) => Promise<T>): Promise<T> {
  if (statSync(backup).isDirectory()) return work(backup);
  await mkdir(scratch, { recursive: true, mode: 0o700 });
  const folder = await mkdtemp(join(scratch, 'models-'));
  try {
    await unpack(backup, folder);
    // Archives of the folder itself hold it as their only entry.
    const [only, ...more] = readdirSync(folder);
    const below = only !== undefined && more.length === 0 && only !== 'manifests' ? join(folder, only) : folder;
    return await work(below);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function unpack(archive: string, to: string): Promise<void> {
  return new Promise((done, failed) => {
    const args = ['-xf', archive, '-C', to, '--no-same-owner', '--no-same-permissions'];
    execFile('tar', args, { timeout: pullMs }, (error) => {
      if (error === null) done();
      else failed(new RempartError('ERR_MODEL_NO_BACKUP', {}, error));
    });
  });
}
