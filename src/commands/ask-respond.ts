// What incidents, playbooks, drills and rollbacks are asked: of the running instance when there is one, else directly of the data directory.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { openRespond, type Respond } from '../app/respond.ts';
import { storeLocation } from '../app/sinks.ts';
import { loadConfig } from '../config.ts';
import { callControl } from '../platform/base/control-socket.ts';
import { RempartError } from '../platform/base/errors.ts';
import type { Json, JsonObject } from '../platform/base/json.ts';
import { createLog } from '../platform/base/log.ts';
import { openJournals } from '../platform/journal/journals.ts';
import { openStore } from '../platform/store/store.ts';
import type { CommandInput } from './command.ts';
import { holdData, instanceAnswers } from './hold-data.ts';

export interface AskOptions {
  /** Makes a data directory where there is none. */
  making?: boolean;
  /** Without an instance, runs of playbooks are carried out by this command while it is asked. */
  working?: boolean;
  /** Without an instance, done in place of the command, with all that respond has. */
  inside?: (respond: Respond) => Promise<Json>;
}

/** Throws what the instance throws, or ERR_DATA_LOCKED, ERR_DATA_MISSING, ERR_STORE_AWAY. */
export async function askRespond(
  input: CommandInput,
  command: string,
  args: JsonObject,
  { making = false, working = false, inside }: AskOptions = {},
): Promise<Json> {
  if (await instanceAnswers(input.data)) return callControl(input.data, command, args);
  if (!making && !existsSync(input.data)) throw new RempartError('ERR_DATA_MISSING', { dir: input.data });
  const config = loadConfig({ file: input.configFile, asked: input.configAsked, env: input.env });
  const closers: (() => Promise<void>)[] = [];
  const atEnd = (end: () => Promise<void>) => void closers.push(end);
  const directory = await holdData(input.data);
  if (directory === null) return callControl(input.data, command, args);
  atEnd(async () => directory.lock.release());
  try {
    const { data } = input;
    // What it would warn of stands in the incident's own record, in the reader's language.
    const log = createLog(config.log === 'silent' || config.log === 'debug' ? config.log : 'error');
    const journals = await openJournals({ dir: join(data, 'journal'), keyFile: join(data, 'journal.key.pem') });
    atEnd(() => journals.close());
    const store = await openStore(storeLocation(config, data));
    atEnd(() => store.close());
    if (store.health().state === 'away') throw new RempartError('ERR_STORE_AWAY', { seconds: 1 });
    const respond = await openRespond(
      { config, configFile: input.configFile, data, store, journals, log, now: Date.now },
      atEnd,
    );
    const handler = respond.commands[command];
    if (handler === undefined) throw new RempartError('ERR_CONTROL_COMMAND', { command });
    if (working) respond.engine.work();
    return await (inside === undefined ? handler(args) : inside(respond));
  } finally {
    for (let end = closers.pop(); end !== undefined; end = closers.pop()) await end();
  }
}
