// A fault on model calls as its caller describes it, checked; and what it does to a call that it hits.
import { z } from 'zod';
import { dialects } from '../../platform/wire/dialect.ts';
import { providerErrorBody } from '../../platform/wire/provider-error-bodies.ts';
import type { CallAction } from '../faults/fault.ts';
import type { AnswerEdit } from '../faults/llm/answer-edit.ts';
import { cutAnswer } from '../faults/llm/cut.ts';
import { duplicatedEvent } from '../faults/llm/duplicated-event.ts';
import { emptyAnswer } from '../faults/llm/empty-answer.ts';
import { errorEvent } from '../faults/llm/error-event.ts';
import { malformedFrame } from '../faults/llm/malformed-frame.ts';
import { missingTerminator } from '../faults/llm/missing-terminator.ts';
import { reorderedEvents } from '../faults/llm/reordered-events.ts';
import { slowFirstToken } from '../faults/llm/slow-first-token.ts';
import { stallAnswer } from '../faults/llm/stall.ts';
import { wrongContentType } from '../faults/llm/wrong-content-type.ts';
import type { CallFacts } from './call-facts.ts';
import { longestLeaseMs } from './lease.ts';

const errorKind = z.enum([
  'key-refused',
  'forbidden',
  'not-found',
  'invalid-request',
  'rate-limited',
  'quota-exhausted',
  'overloaded',
  'server-error',
]);

const count = z.number().int().min(0).max(1_000_000);
const milliseconds = z.number().int().min(0).max(3_600_000);

const common = {
  name: z.string().min(1).max(100).optional(),
  /** All that is given must hold for a call. */
  match: z
    .strictObject({
      marker: z.string().optional(),
      conversation: z.string().optional(),
      keyHash: z
        .string()
        .regex(/^[0-9a-f]{8,64}$/, 'is the SHA-256 of the key in hex, or its first 8 digits and more')
        .optional(),
      contains: z.string().min(1).optional(),
      path: z.string().startsWith('/').optional(),
      method: z.string().optional(),
    })
    .prefault({}),
  /** Which calls are counted together by the script. */
  per: z.enum(['all', 'marker', 'conversation', 'key']).default('all'),
  script: z.string().max(1000).optional(),
  /** Of the calls that the script lets fail, the share that does. */
  share: z.number().min(0).max(1).default(1),
  ttlMs: z.number().int().min(1).max(longestLeaseMs).optional(),
  dialect: z.enum(dialects as [string, ...string[]]).optional(),
};
const position = { afterTokens: count.optional(), afterEvents: count.optional() };
const error = {
  error: errorKind.default('server-error'),
  message: z.string().max(2000).optional(),
  model: z.string().max(200).optional(),
};

export const callFaultSchema = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('status'),
    ...common,
    ...error,
    status: z.number().int().min(400).max(599).optional(),
    retryAfterSeconds: z.number().min(0).max(86_400).optional(),
  }),
  z.strictObject({ type: z.literal('silent'), ...common }),
  z.strictObject({ type: z.literal('cut-request'), ...common }),
  z.strictObject({ type: z.literal('slow-first-token'), ...common, delayMs: milliseconds }),
  z.strictObject({
    type: z.literal('stall'),
    ...common,
    ...position,
    delayMs: milliseconds,
    every: z.boolean().default(false),
  }),
  z.strictObject({
    type: z.literal('cut'),
    ...common,
    ...position,
    where: z.enum(['between', 'frame', 'character', 'terminator']).default('between'),
    how: z.enum(['close', 'reset']).default('close'),
  }),
  z.strictObject({ type: z.literal('malformed-frame'), ...common, ...position }),
  z.strictObject({ type: z.literal('missing-terminator'), ...common }),
  z.strictObject({ type: z.literal('error-event'), ...common, ...position, ...error }),
  z.strictObject({ type: z.literal('duplicated-event'), ...common, ...position }),
  z.strictObject({ type: z.literal('reordered-events'), ...common, ...position }),
  z.strictObject({
    type: z.literal('empty-answer'),
    ...common,
    keeps: z.enum(['nothing', 'frame']).default('nothing'),
  }),
  z.strictObject({
    type: z.literal('wrong-content-type'),
    ...common,
    contentType: z
      .string()
      .regex(/^[\x20-\x7e]+$/)
      .default('text/html; charset=utf-8'),
  }),
]);

export type CallFault = z.output<typeof callFaultSchema>;

/** What happens to one call that the fault hits. */
export function playOf(fault: CallFault, call: CallFacts): CallAction {
  switch (fault.type) {
    case 'status': {
      const { status, retryAfterSeconds, message, model } = fault;
      const answer = providerErrorBody(call.dialect, fault.error, { status, retryAfterSeconds, message, model });
      return { act: 'answer', ...answer };
    }
    case 'silent':
      return { act: 'silence' };
    case 'cut-request':
      return { act: 'cut-request' };
    default:
      return { act: 'edit', edit: editOf(fault, call) };
  }
}

type EditFault = Exclude<CallFault, { type: 'status' | 'silent' | 'cut-request' }>;

function editOf(fault: EditFault, call: CallFacts): AnswerEdit {
  switch (fault.type) {
    case 'slow-first-token':
      return slowFirstToken(fault);
    case 'stall':
      return stallAnswer(fault);
    case 'cut':
      return cutAnswer(fault);
    case 'malformed-frame':
      return malformedFrame(fault);
    case 'missing-terminator':
      return missingTerminator();
    case 'error-event': {
      const { message, model } = fault;
      const { body } = providerErrorBody(call.dialect, fault.error, { message, model });
      return errorEvent({ ...fault, errorBody: body });
    }
    case 'duplicated-event':
      return duplicatedEvent(fault);
    case 'reordered-events':
      return reorderedEvents(fault);
    case 'empty-answer':
      return emptyAnswer(fault);
    case 'wrong-content-type':
      return wrongContentType(fault);
  }
}
