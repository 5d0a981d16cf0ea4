// What people are told of an incident: facts only, kept as they were when they were told; each channel words them its own way.
import { z } from 'zod';
import { escalationLevels, incidentStatuses } from '../../platform/documents/incident.ts';

/** Why somebody is told. */
export const noticeKinds = [
  'alert',
  'reminder',
  'escalated',
  'overdue',
  'decision',
  'update',
  'contained',
  'closed',
  'post-mortem',
] as const;
export type NoticeKind = (typeof noticeKinds)[number];

/** What was done at once; true only where it is on record. */
export const deedNames = ['services', 'states', 'logs', 'monitoring'] as const;
export type DeedName = (typeof deedNames)[number];

const text = z.string();

export const noticeSchema = z.strictObject({
  what: z.enum(noticeKinds),
  lang: z.enum(['en', 'fr']),
  at: z.number(),
  incident: z.strictObject({
    id: text,
    type: text,
    title: text,
    level: z.union([z.literal(1), z.literal(2), z.literal(3)]),
    status: z.enum(incidentStatuses),
    subject: text,
    detectedAt: text,
    dueBy: text,
  }),
  escalation: z.enum(escalationLevels),
  /** The level above those whom nobody could reach. */
  instead: z.enum(escalationLevels).nullable(),
  /** By when it must be acknowledged, or talked through; null where nothing is awaited. */
  answerBy: text.nullable(),
  who: text,
  expected: z.array(text),
  host: text,
  ip: text,
  /** What detectors said: names and numbers, each a line. */
  details: z.array(text),
  deeds: z.record(z.enum(deedNames), z.boolean()),
  /** Contacts whom somebody has to call by hand: names. */
  toCall: z.array(text),
  /** Head of the journal and the checkpoint that signs it; null when it could not be had. */
  mark: z
    .strictObject({
      stream: text,
      seq: z.number(),
      hash: text,
      checkpoint: z.number(),
      key: text,
      signature: text,
    })
    .nullable(),
});
export type Notice = z.output<typeof noticeSchema>;
export type JournalMark = NonNullable<Notice['mark']>;
