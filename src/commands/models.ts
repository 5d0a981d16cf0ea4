// `rempart models trust|verify|watch|quarantine|restore`: every layer of every model known, and noticed when it changes.
import { userInfo } from 'node:os';
import { loadConfig } from '../config.ts';
import { RempartError } from '../platform/base/errors.ts';
import { sentenceOf } from '../protect/posture/models/finding.ts';
import { createOllamaApi, type OllamaApi } from '../protect/posture/models/ollama-api.ts';
import { quarantineModel } from '../protect/posture/models/quarantine.ts';
import { restoreModel } from '../protect/posture/models/restore.ts';
import { defaultSources, isSource } from '../protect/posture/models/sources.ts';
import { storeFolder } from '../protect/posture/models/store.ts';
import { trustModels } from '../protect/posture/models/trust.ts';
import { listFiles, undoList } from '../protect/posture/models/trusted-list.ts';
import { type Verification, verifyStore } from '../protect/posture/models/verify-store.ts';
import { type Command, type CommandInput, usageError } from './command.ts';
import { counted, describeVerification, documentOf, reportQuarantine, trustedLines } from './models-output.ts';
import { hashingProgress } from './models-progress.ts';
import { watchCommand } from './models-watch.ts';
import { recordHere } from './record-here.ts';

const actions = ['trust', 'verify', 'watch', 'quarantine', 'restore'] as const;

export const models: Command = {
  name: 'models',
  summary: 'models.summary',
  positionals: { name: `${actions.join('|')} [MODEL…]`, many: true },
  more: 'models.more',
  options: {
    store: { type: 'string', value: 'DIR', summary: 'models.flag.store' },
    all: { type: 'boolean', summary: 'models.flag.all' },
    undo: { type: 'boolean', summary: 'models.flag.undo' },
    source: { type: 'string', value: 'HOST[/NAMESPACE]', summary: 'models.flag.source' },
    api: { type: 'string', value: 'URL', summary: 'models.flag.api' },
    'compare-publisher': { type: 'boolean', summary: 'models.flag.compare-publisher' },
    cheap: { type: 'boolean', summary: 'models.flag.cheap' },
    full: { type: 'boolean', summary: 'models.flag.full' },
    every: { type: 'string', value: 'SECONDS', summary: 'models.flag.every' },
    'on-mismatch': { type: 'string', value: 'alert|quarantine', summary: 'models.flag.on-mismatch' },
    from: { type: 'string', value: 'BACKUP', summary: 'models.flag.from' },
  },
  actions: {
    trust: {
      usage: 'trust MODEL…|--all|--undo',
      summary: 'models.trust.summary',
      options: ['store', 'all', 'undo', 'source', 'api', 'compare-publisher'],
    },
    verify: { usage: 'verify [--cheap|--full]', summary: 'models.verify.summary', options: ['store', 'cheap', 'full'] },
    watch: {
      usage: 'watch',
      summary: 'models.watch.summary',
      options: ['store', 'api', 'every', 'on-mismatch'],
    },
    quarantine: { usage: 'quarantine MODEL', summary: 'models.quarantine.summary', options: ['store'] },
    restore: {
      usage: 'restore MODEL --from BACKUP',
      summary: 'models.restore.summary',
      options: ['store', 'from'],
    },
  },
  async run(input) {
    const [name = '', ...names] = input.args;
    const action = actions.find((known) => known === name);
    if (action === undefined)
      throw usageError(input, 'models', 'cli.usage.choice', { given: name, known: actions.join(', ') });
    checkOptions(input, action);
    const extra = { trust: undefined, verify: names[0], watch: names[0], quarantine: names[1], restore: names[1] }[
      action
    ];
    if (extra !== undefined) throw usageError(input, 'models', 'cli.usage.argument.unexpected', { argument: extra });
    const place = placeOf(input);
    try {
      return await act(input, action, place, names);
    } catch (error) {
      // Nothing was signed or moved: hashing comes before either.
      if (input.signal.aborted) return 130;
      throw error;
    }
  },
};

function act(input: CommandInput, action: (typeof actions)[number], place: Place, names: string[]): Promise<number> {
  switch (action) {
    case 'trust':
      return trust(input, place, names);
    case 'verify':
      return verify(input, place);
    case 'watch':
      return watchCommand(input, place);
    case 'quarantine':
      return quarantine(input, place, names[0]);
    case 'restore':
      return restore(input, place, names[0]);
  }
}

/** Refuses an option of another action, rather than to pass over it. */
function checkOptions(input: CommandInput, action: (typeof actions)[number]): void {
  const taken = models.actions?.[action]?.options ?? [];
  const stray = Object.keys(models.options).find((name) => input.options[name] !== undefined && !taken.includes(name));
  if (stray !== undefined)
    throw usageError(input, `models ${action}`, 'cli.usage.flag.unknown.far', { flag: `--${stray}` });
}

export interface Place {
  folder: string;
  files: ReturnType<typeof listFiles>;
  sources: readonly string[];
  api: OllamaApi | undefined;
  by: string;
  config: ReturnType<typeof loadConfig>['models'];
}

function placeOf(input: CommandInput): Place {
  const { models: config } = loadConfig({ file: input.configFile, asked: input.configAsked, env: input.env });
  const given = input.options['store'];
  const url = input.options['api'] ?? config?.api;
  const parsed = typeof url === 'string' ? URL.parse(url) : undefined;
  if (parsed === null || (parsed !== undefined && (!/^https?:$/.test(parsed.protocol) || parsed.username !== '')))
    throw usageError(input, 'models', 'models.url');
  return {
    folder: storeFolder(typeof given === 'string' ? given : config?.store, input.env),
    files: listFiles(input.data),
    sources: sourcesOf(input, config?.sources),
    api: parsed === undefined ? undefined : createOllamaApi(parsed.href, fetch),
    by: accountName(),
    config,
  };
}

function accountName(): string {
  try {
    return userInfo().username;
  } catch {
    // A user without an entry in the system's list, as containers have.
    return `uid ${process.getuid?.() ?? '?'}`;
  }
}

function sourcesOf(input: CommandInput, configured: readonly string[] | undefined): readonly string[] {
  const given = input.options['source'];
  if (typeof given !== 'string') return configured ?? defaultSources();
  const sources = given.split(',').map((one) => one.trim());
  const wrong = sources.find((one) => !isSource(one));
  if (wrong !== undefined) throw usageError(input, 'models trust', 'models.source.invalid', { given: wrong });
  return sources;
}

async function trust(input: CommandInput, place: Place, names: string[]): Promise<number> {
  const { say, options } = input;
  const { folder, files, sources, api, by } = place;
  const all = options['all'] === true;
  const undo = options['undo'] === true;
  if (undo && (all || names.length > 0))
    throw usageError(input, 'models trust', 'models.both', { one: '--undo', other: all ? '--all' : 'MODEL' });
  if (all && names.length > 0) throw usageError(input, 'models trust', 'models.both', { one: 'MODEL', other: '--all' });
  if (undo) {
    const list = undoList(files, Date.now());
    await recordHere(input, {
      operation: 'models trust',
      by,
      ok: true,
      facts: { undo: true, revision: list.revision },
    });
    const verification = await verifyStore(folder, files, { depth: 'manifests' });
    if (input.json) writeDocument(input, 'trust', verification, 'manifests');
    else
      input.stdout.write(
        `${say('models.undone', { revision: list.revision, models: counted(input, 'count', list.models.length) })}\n`,
      );
    return 0;
  }
  if (!all && names.length === 0) throw usageError(input, 'models trust', 'models.needs.model');
  const progress = hashingProgress(input);
  const trusted = await trustModels(folder, files, {
    names: all ? undefined : names,
    sources,
    api,
    registry: options['compare-publisher'] === true ? fetch : undefined,
    now: Date.now,
    signal: input.signal,
    ...progress.options,
  }).finally(progress.end);
  const { list, findings, chosen } = trusted;
  if (chosen.length === 0 && findings.length === 0)
    throw new RempartError('ERR_MODELS_EMPTY', { dir: trusted.store.root });
  await recordHere(input, {
    operation: 'models trust',
    by,
    ok: list !== undefined,
    facts: { models: chosen.map(({ shown }) => shown), findings: findings.length, revision: list?.revision ?? 0 },
  });
  if (input.json) {
    const verification = await verifyStore(folder, files, { depth: 'manifests' });
    const whole = list === undefined ? { ...verification, findings } : verification;
    writeDocument(input, 'trust', { ...whole, hashing: trusted.hashing }, 'full');
  } else if (list === undefined) {
    const count = counted(input, 'findings', findings.length);
    const lines = findings.map((one) => `  ${sentenceOf(one, say)}`);
    input.stdout.write(`${[say('models.not-trusted', { count }), ...lines].join('\n')}\n`);
  } else input.stdout.write(`${trustedLines(input, list, chosen).join('\n')}\n`);
  return list === undefined ? 1 : 0;
}

async function verify(input: CommandInput, { folder, files, by }: Place): Promise<number> {
  const { cheap, full } = input.options;
  if (cheap === true && full === true)
    throw usageError(input, 'models verify', 'models.both', { one: '--cheap', other: '--full' });
  const depth = cheap === true ? 'manifests' : full === true ? 'full' : 'changed';
  const progress = hashingProgress(input);
  const verification = await verifyStore(folder, files, { depth, signal: input.signal, ...progress.options }).finally(
    progress.end,
  );
  const { findings, list } = verification;
  // Without a list nobody has begun yet: there is nothing to keep a record of.
  if (list.kind !== 'missing') {
    const named = findings.map(({ what, model }) => `${what} ${model ?? ''}`.trim()).slice(0, 1_000);
    await recordHere(input, {
      operation: 'models verify',
      by,
      ok: findings.length === 0,
      facts: { depth, findings: named },
    });
  }
  if (input.json) writeDocument(input, 'verify', verification, depth);
  else input.stdout.write(`${describeVerification(input, verification, depth).join('\n')}\n`);
  // Without a list nothing could be assessed.
  if (list.kind === 'missing') return 3;
  return findings.length === 0 ? 0 : 1;
}

async function quarantine(
  input: CommandInput,
  { folder, files, by }: Place,
  name: string | undefined,
): Promise<number> {
  if (name === undefined)
    throw usageError(input, 'models', 'cli.usage.argument.missing', {
      command: 'models quarantine',
      argument: 'MODEL',
    });
  const progress = hashingProgress(input);
  const verification = await verifyStore(folder, files, {
    depth: 'changed',
    signal: input.signal,
    ...progress.options,
  }).finally(progress.end);
  const done = await quarantineModel(verification, name, { now: Date.now(), by });
  const moved = done.moved.map(({ from }) => from);
  await recordHere(input, { operation: 'models quarantine', by, ok: true, facts: { model: done.model, moved } });
  if (input.json) {
    const { folder: to, moved: moves, kept, affected } = done;
    const quarantined = {
      folder: to,
      moved: moves.map((one) => ({ ...one })),
      kept: kept.map(({ path, models: users }) => ({ path, models: [...users] })),
      affected: [...affected],
    };
    writeDocument(input, 'quarantine', verification, 'changed', { quarantine: quarantined });
  } else input.stdout.write(`${reportQuarantine(input, done).join('\n')}\n`);
  return 0;
}

async function restore(input: CommandInput, { folder, files, by }: Place, name: string | undefined): Promise<number> {
  const { from } = input.options;
  if (name === undefined || typeof from !== 'string') {
    const argument = name === undefined ? 'MODEL' : '--from';
    throw usageError(input, 'models', 'cli.usage.argument.missing', { command: 'models restore', argument });
  }
  const progress = hashingProgress(input);
  const attempt = restoreModel(folder, files, name, {
    from,
    now: Date.now(),
    signal: input.signal,
    ...progress.options,
  });
  const done = await attempt.finally(progress.end).catch(async (error: unknown) => {
    await recordHere(input, { operation: 'models restore', by, ok: false, facts: { model: name } });
    throw error;
  });
  const written = [...done.files];
  await recordHere(input, { operation: 'models restore', by, ok: true, facts: { model: done.model, files: written } });
  if (input.json) {
    const restored = { model: done.model, files: written, replaced: done.replaced };
    writeDocument(input, 'restore', done.verification, 'changed', { restored });
  } else {
    const { say } = input;
    const lines = [
      say(written.length === 0 ? 'models.restored.nothing' : 'models.restored', { model: done.model }),
      ...(done.replaced === null ? [] : [say('models.restored.replaced', { folder: done.replaced })]),
    ];
    input.stdout.write(`${lines.join('\n')}\n`);
  }
  return 0;
}

function writeDocument(
  input: CommandInput,
  action: Parameters<typeof documentOf>[1],
  verification: Verification,
  depth: Parameters<typeof documentOf>[3],
  more: Parameters<typeof documentOf>[4] = {},
): void {
  input.stdout.write(`${JSON.stringify(documentOf(input, action, verification, depth, more))}\n`);
}
