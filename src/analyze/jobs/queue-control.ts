// The queue where an instance holds the data directory: the instance does each step for the command that asks over its socket.
import { z } from 'zod';
import type { ControlHandlers } from '../../platform/base/control-socket.ts';
import { RempartError } from '../../platform/base/errors.ts';
import type { Json, JsonObject } from '../../platform/base/json.ts';
import type { ReportFormat } from '../report/render.ts';
import type { Job } from './job.ts';
import type { JobQueue } from './job-queue.ts';

export const jobCommand = 'job-queue';

/** Spelt out: to load every report's module for their names would slow each start of an instance. */
const formats = ['md', 'html', 'json', 'sarif', 'junit'] as const satisfies readonly ReportFormat[];
const id = z.string().max(200);
const leaseMs = z.number().int().positive();
const order = z.strictObject({
  path: z.string(),
  contentHash: z.string(),
  formats: z.array(z.enum(formats)),
  lang: z.enum(['en', 'fr']),
  engine: z.string(),
});
const held = z.strictObject({ id, node: z.string(), attempts: z.number().int() });
const severity = z.number().int();
const statistics = z.strictObject({
  conversations: z.number(),
  ok: z.number(),
  errors: z.number(),
  known: z.number(),
  open: z.strictObject({ critical: severity, high: severity, medium: severity, low: severity, info: severity }),
});
const step = z.discriminatedUnion('step', [
  z.strictObject({ step: z.literal('add'), args: z.tuple([order]) }),
  z.strictObject({ step: z.literal('list'), args: z.tuple([]) }),
  z.strictObject({ step: z.literal('find'), args: z.tuple([id]) }),
  z.strictObject({ step: z.literal('cancel'), args: z.tuple([id]) }),
  z.strictObject({ step: z.literal('claim'), args: z.tuple([z.string(), leaseMs]) }),
  z.strictObject({ step: z.literal('renew'), args: z.tuple([held, leaseMs]) }),
  z.strictObject({ step: z.literal('finish'), args: z.tuple([held, z.string(), statistics]) }),
  z.strictObject({ step: z.literal('fail'), args: z.tuple([held, z.string(), z.number()]) }),
  z.strictObject({ step: z.literal('release'), args: z.tuple([held]) }),
]);

/** For the instance that holds the store. */
export function jobCommands(queue: JobQueue): ControlHandlers {
  return {
    [jobCommand]: async (given) => {
      const asked = step.safeParse(given);
      if (!asked.success) throw new RempartError('ERR_BODY_INVALID', { what: 'step' });
      return (await taken(queue, asked.data)) as Json;
    },
  };
}

function taken(queue: JobQueue, { step: name, args }: z.output<typeof step>): Promise<unknown> {
  switch (name) {
    case 'add':
      return queue.add(...args);
    case 'list':
      return queue.list();
    case 'find':
      return queue.find(...args);
    case 'cancel':
      return queue.cancel(...args);
    case 'claim':
      return queue.claim(...args);
    case 'renew':
      return queue.renew(...args);
    case 'finish':
      return queue.finish(...args);
    case 'fail':
      return queue.fail(...args);
    case 'release':
      return queue.release(...args);
  }
}

/** For the command: `call` reaches the instance. A job is plain JSON, so that it comes over as it is. */
export function queueOver(call: (command: string, args: JsonObject) => Promise<Json>): JobQueue {
  const ask = async <T>(name: string, ...args: unknown[]): Promise<T> =>
    (await call(jobCommand, { step: name, args: args as Json[] })) as T;
  return {
    add: (one) => ask<{ job: Job; added: boolean }>('add', one),
    list: () => ask('list'),
    find: (one) => ask('find', one),
    cancel: (one) => ask('cancel', one),
    claim: (node, ms) => ask('claim', node, ms),
    renew: (one, ms) => ask('renew', plain(one), ms),
    finish: (one, report, figures) => ask('finish', plain(one), report, figures),
    fail: (one, code, ms) => ask('fail', plain(one), code, ms),
    release: (one) => ask('release', plain(one)),
  };
}

/** What holds a job may carry more than its three facts. */
function plain({ id: job, node, attempts }: { id: string; node: string; attempts: number }) {
  return { id: job, node, attempts };
}
