// What keys and tokens are asked: of the running instance when there is one, else directly of the data directory.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { journalFor } from '../app/privacy.ts';
import { type Config, loadConfig } from '../config.ts';
import { callControl } from '../platform/base/control-socket.ts';
import { RempartError } from '../platform/base/errors.ts';
import type { Json, JsonObject } from '../platform/base/json.ts';
import type { Journal } from '../platform/journal/journal.ts';
import { openJournals } from '../platform/journal/journals.ts';
import { openStore } from '../platform/store/store.ts';
import { givenKeys } from '../protect/gateway/access-config.ts';
import { createKeys } from '../protect/gateway/keys.ts';
import { createRevocations } from '../protect/gateway/tokens/revocations.ts';
import { keyCommands } from '../protect/key-commands.ts';
import { createKeyRepository } from '../protect/key-repository.ts';
import { createRecordActivity } from '../protect/record-activity.ts';
import { tokenCommands } from '../protect/token-commands.ts';
import { createTokenRepository } from '../protect/token-repository.ts';
import type { CommandInput } from './command.ts';
import { holdData, instanceAnswers } from './hold-data.ts';

/** Something new is a reason to make a data directory; a look at what is there is none. */
const making = ['keys.create', 'tokens.issued', 'tokens.revoke'];

/** Throws what the instance throws, or ERR_DATA_LOCKED, ERR_DATA_MISSING, ERR_STORE_AWAY. */
export async function askAccess(input: CommandInput, command: string, args: JsonObject): Promise<Json> {
  if (await instanceAnswers(input.data)) return callControl(input.data, command, args);
  if (!making.includes(command) && !existsSync(input.data))
    throw new RempartError('ERR_DATA_MISSING', { dir: input.data });
  const config = loadConfig({ file: input.configFile, asked: input.configAsked, env: input.env });
  const directory = await holdData(input.data);
  if (directory === null) return callControl(input.data, command, args);
  try {
    const { path, url } = config.store;
    const store = await openStore(url === undefined ? { path: path ?? directory.path('store.sqlite') } : { url });
    try {
      const keys = createKeys({
        now: Date.now,
        repository: createKeyRepository(store, directory.path('keys.json')),
        given: givenKeys(config.access),
      });
      const revocations = createRevocations({
        now: Date.now,
        repository: createTokenRepository(store, directory.path('tokens.json')),
      });
      if (!(await keys.refresh())) throw new RempartError('ERR_STORE_AWAY', { seconds: 1 });
      await revocations.refresh();
      const record = createRecordActivity({ journal: journalOf(config, input.data), now: Date.now });
      const handlers = {
        ...keyCommands({ keys, record, now: Date.now }),
        ...tokenCommands({ revocations, record, now: Date.now }),
      };
      const handler = handlers[command];
      if (handler === undefined) throw new RempartError('ERR_INTERNAL');
      return await handler(args);
    } finally {
      await store.close();
    }
  } finally {
    directory.lock.release();
  }
}

/** The stream of the instance that is not running, opened for each record: the lock of the data directory is held. */
function journalOf(config: Config, data: string): Pick<Journal, 'append'> {
  return {
    async append(event) {
      const journals = await openJournals({ dir: join(data, 'journal'), keyFile: join(data, 'journal.key.pem') });
      try {
        return await journalFor(config, data, await journals.stream('gateway')).append(event);
      } finally {
        await journals.close();
      }
    },
  };
}
