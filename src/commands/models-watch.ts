// `rempart models watch`: a line for each difference as it appears and goes, until Ctrl-C.
import { once } from 'node:events';
import { type Finding, findingDocument, sentenceOf, severityOf } from '../protect/posture/models/finding.ts';
import { quarantineNew } from '../protect/posture/models/quarantine-new.ts';
import { type Look, watchModels } from '../protect/posture/models/watch-models.ts';
import { type CommandInput, usageError } from './command.ts';
import type { Place } from './models.ts';
import { recordHere } from './record-here.ts';

/** Ends with 0 when it was stopped while nothing differed, with 1 when something did. */
export async function watchCommand(input: CommandInput, { folder, files, api, by, config }: Place): Promise<number> {
  const { say, json, stdout, stderr } = input;
  const every = Number(input.options['every'] ?? config?.every ?? 30);
  if (!Number.isInteger(every) || every < 1 || every > 86_400) throw usageError(input, 'models watch', 'models.every');
  const onMismatch = input.options['on-mismatch'] ?? config?.onMismatch ?? 'alert';
  if (onMismatch !== 'alert' && onMismatch !== 'quarantine')
    throw usageError(input, 'models watch', 'cli.usage.choice', {
      given: String(onMismatch),
      known: 'alert, quarantine',
    });

  const time = () => new Date().toISOString().replace(/\.\d+Z/, 'Z');
  const line = (text: string, document: object) => {
    stdout.write(
      json ? `${JSON.stringify({ schema: 'rempart/models-watch@1', time: time(), ...document })}\n` : `${text}\n`,
    );
  };
  const found = (one: Finding) => {
    const severity = say(`models.severity.${severityOf(one)}`);
    const message = sentenceOf(one, say);
    line(say('models.watch.found', { time: time(), severity, message }), {
      event: 'found',
      finding: findingDocument(one, say),
    });
  };
  let well = true;
  let looked = false;
  const onLook = ({ all, fresh, gone, verification }: Look) => {
    for (const one of fresh) found(one);
    for (const one of gone)
      line(say('models.watch.gone', { time: time(), message: sentenceOf(one, say) }), {
        event: 'gone',
        finding: findingDocument(one, say),
      });
    const good = all.length === 0;
    if (good && (!looked || gone.length > 0)) line(say('models.watch.well', { time: time() }), { event: 'well' });
    well = good;
    looked = true;
    if (onMismatch === 'quarantine' && fresh.length > 0) void isolate(fresh, verification);
  };
  const isolate = async (fresh: readonly Finding[], verification: Look['verification']) => {
    for (const end of await quarantineNew(verification, fresh, { now: Date.now(), by })) {
      const facts = { time: time(), folder: '', cause: '', ...end };
      line(say(`models.watch.${end.kind}`, facts), { event: end.kind, model: end.model });
      const ok = end.kind === 'quarantined';
      await recordHere(input, { operation: 'models quarantine', by, ok, facts: { model: end.model } });
    }
  };
  const watch = watchModels(
    {
      folder,
      files,
      api,
      now: Date.now,
      onLook,
      onApi: (reachable) =>
        line(
          say(reachable ? 'models.watch.api-back' : 'models.watch.api-away', { time: time(), url: api?.url ?? '' }),
          {
            event: reachable ? 'api-back' : 'api-away',
          },
        ),
      onError: (error) => stderr.write(`${error instanceof Error ? error.message : String(error)}\n`),
    },
    { everyMs: every * 1_000, fullEveryMs: (config?.full ?? 24) * 3_600_000 },
  );
  if (!json) stderr.write(`${say('models.watching', { store: folder })}\n`);
  // The watch alone keeps no process alive.
  const alive = setInterval(() => undefined, 60_000);
  if (!input.signal.aborted) await once(input.signal, 'abort');
  clearInterval(alive);
  await watch.close();
  return well ? 0 : 1;
}
