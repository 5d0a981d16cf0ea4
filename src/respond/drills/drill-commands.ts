// What commands ask of drills: to keep what they showed, and what was shown last.
import type { ControlHandlers } from '../../platform/base/control-socket.ts';
import type { Json } from '../../platform/base/json.ts';
import type { Journal } from '../../platform/journal/journal.ts';
import type { Store } from '../../platform/store/store.ts';
import { createDrillResults } from './drill-results.ts';
import { readDue } from './schedule.ts';

export function drillCommands(parts: { store: Pick<Store, 'db'>; journal: Pick<Journal, 'append'> }): ControlHandlers {
  const results = createDrillResults(parts);
  return {
    'drill.record': async ({ document }) => ({ kept: await results.record(document) }),
    'drill.last': async () => {
      const [last, next] = await Promise.all([results.last(), readDue(parts.store)]);
      return { last: last as unknown as Json, next };
    },
  };
}
