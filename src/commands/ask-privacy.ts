// What people's data are asked: of the running instance when there is one, else directly of the data directory.
import { existsSync } from 'node:fs';
import { journalFor, openPrivacy } from '../app/privacy.ts';
import { loadConfig } from '../config.ts';
import { callControl } from '../platform/base/control-socket.ts';
import { RempartError } from '../platform/base/errors.ts';
import type { Json, JsonObject } from '../platform/base/json.ts';
import { createLog } from '../platform/base/log.ts';
import { openJournals } from '../platform/journal/journals.ts';
import { openStore } from '../platform/store/store.ts';
import { createBook, type Op } from '../protect/chatbot/book.ts';
import { createChatStore } from '../protect/chatbot/chat-store.ts';
import { openSpool } from '../protect/chatbot/spool.ts';
import { givenKeys } from '../protect/gateway/access-config.ts';
import { createKeys } from '../protect/gateway/keys.ts';
import { createKeyRepository } from '../protect/key-repository.ts';
import type { CommandInput } from './command.ts';
import { holdData, instanceAnswers } from './hold-data.ts';

/** Throws what the instance throws, or ERR_DATA_LOCKED, ERR_DATA_MISSING, ERR_STORE_AWAY. */
export async function askPrivacy(input: CommandInput, command: string, args: JsonObject): Promise<Json> {
  if (await instanceAnswers(input.data)) return callControl(input.data, command, args);
  if (!existsSync(input.data)) throw new RempartError('ERR_DATA_MISSING', { dir: input.data });
  const ends: (() => Promise<unknown> | undefined)[] = [];
  try {
    return await offline(input, command, args, (end) => ends.push(end));
  } finally {
    for (const end of ends.reverse()) await end();
  }
}

async function offline(
  input: CommandInput,
  command: string,
  args: JsonObject,
  atEnd: (end: () => Promise<unknown> | undefined) => void,
): Promise<Json> {
  const config = loadConfig({ file: input.configFile, asked: input.configAsked, env: input.env });
  const directory = await holdData(input.data);
  if (directory === null) return callControl(input.data, command, args);
  atEnd(async () => directory.lock.release());
  const { path, url } = config.store;
  const store = await openStore(url === undefined ? { path: path ?? directory.path('store.sqlite') } : { url });
  atEnd(() => store.close());
  const keys = createKeys({
    now: Date.now,
    repository: createKeyRepository(store, directory.path('keys.json')),
    given: givenKeys(config.access),
  });
  if (!(await keys.refresh()) || store.health().state === 'away')
    throw new RempartError('ERR_STORE_AWAY', { seconds: 1 });
  const journals = await openJournals({ dir: directory.path('journal'), keyFile: directory.path('journal.key.pem') });
  atEnd(() => journals.close());
  const log = createLog('silent');
  const setAside = await openSpool<Op>(directory.path('spool/set-aside.jsonl'));
  atEnd(() => setAside.close());
  const spool = await openSpool<Op>(directory.path('spool/chat.jsonl'));
  const onStoreChange = () => () => {};
  const book = createBook({ store: createChatStore(store), spool, setAside, onStoreChange, log, now: Date.now });
  atEnd(() => book.close());
  const { commands } = openPrivacy({
    config: () => config,
    data: input.data,
    store,
    book,
    keys,
    journal: journalFor(config, input.data, await journals.stream('gateway')),
    log,
    holdings: [],
    endSessions: () => 0,
  });
  const handler = commands[command];
  if (handler === undefined) throw new RempartError('ERR_INTERNAL');
  return handler(args);
}
