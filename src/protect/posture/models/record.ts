// What is done to models, for the journal; also through a running instance, which is the journal's one writer.
import { z } from 'zod';
import type { ControlHandlers } from '../../../platform/base/control-socket.ts';
import { RempartError } from '../../../platform/base/errors.ts';
import type { Journal } from '../../../platform/journal/journal.ts';
import { apiActivity } from '../../../platform/journal/ocsf.ts';

const fact = z.union([z.string().max(4_096), z.number(), z.boolean(), z.array(z.string().max(4_096)).max(1_000)]);

const recordSchema = z.strictObject({
  operation: z.enum([
    'models trust',
    'models verify',
    'models quarantine',
    'models restore',
    'posture baseline',
    'posture drift',
  ]),
  /** The account of the system under which the command ran. */
  by: z.string().max(256),
  ok: z.boolean(),
  facts: z.record(z.string(), fact),
});
export type OperationRecord = z.output<typeof recordSchema>;

/** Resolves once it is on disk. Throws ERR_JOURNAL_UNWRITABLE. */
export async function recordOperation(
  journal: Pick<Journal, 'append'>,
  record: OperationRecord,
  now: number,
): Promise<void> {
  const { operation, by, ok, facts } = record;
  await journal.append(
    apiActivity({
      time: now,
      activity: operation === 'models verify' || operation === 'posture drift' ? 'read' : 'update',
      operation,
      actor: { subject: by },
      sourceIp: '127.0.0.1',
      status: ok ? 'success' : 'failure',
      ...(ok ? {} : { severity: 'high' as const }),
      unmapped: { posture: facts },
    }),
  );
}

/** For the instance's control socket: only who owns the data directory reaches it. */
export function postureCommands(journal: Pick<Journal, 'append'>, now: () => number): ControlHandlers {
  return {
    async 'posture.record'(args) {
      const parsed = recordSchema.safeParse(args);
      if (!parsed.success) throw new RempartError('ERR_BODY_INVALID', { what: 'record' });
      await recordOperation(journal, parsed.data, now());
      return {};
    },
  };
}
