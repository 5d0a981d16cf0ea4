// containers.save-logs: what containers wrote of late, kept as evidence with a hash of each.
import { z } from 'zod';
import type { JsonObject } from '../../../platform/base/json.ts';
import type { Action } from '../../engine/action.ts';
import type { KeptFile } from '../evidence.ts';
import { type ContainerParts, engineOf } from './parts.ts';
import { choose, leftOut, selectSchema } from './select.ts';

const args = z.strictObject({
  select: selectSchema,
  /** Of the time before the incident's step. */
  minutes: z.number().positive().max(10_080).default(10),
});

const maxBytes = 32 * 1024 * 1024;

export function saveLogsAction(parts: ContainerParts): Action<z.output<typeof args>> {
  const name = 'containers.save-logs';
  // Reading harms nobody: also from what is protected.
  const looking = { ...parts, protected: [], hostname: '' };
  return {
    name,
    class: 'observe',
    args,
    plan: async () => ({ effects: [], reversible: true, before: {} }),
    async probe(_args, context) {
      const kept = parts.evidence.finished(context);
      return kept === undefined ? { state: 'not-done' } : { state: 'done', done: { evidence: kept } };
    },
    async act({ select, minutes }, context) {
      const engine = engineOf(parts, context);
      const choice = await choose(looking, engine, select, name);
      const sinceMs = context.now() - minutes * 60_000;
      const logs: JsonObject[] = [];
      for (const one of choice.chosen) {
        const tty = (await engine.inspect(one.id)).Config.Tty ?? false;
        const { bytes, dropped } = await engine.logs(one.id, { sinceMs, tty, maxBytes });
        const kept: KeptFile = parts.evidence.keep(context, `log-${one.container}`, 'log', bytes);
        logs.push({ name: one.name, ...kept, ...(dropped === 0 ? {} : { dropped }) });
      }
      const evidence: JsonObject = { minutes, logs, ...leftOut(choice) };
      parts.evidence.finish(context, evidence);
      return { evidence };
    },
  };
}
