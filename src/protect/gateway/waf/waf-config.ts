// What is done about requests that look like attacks outside the prompt.
import { z } from 'zod';

export const wafCategories = ['crlf', 'traversal', 'ssrf', 'sql-injection', 'xss', 'injection', 'scanner'] as const;
export type WafCategory = (typeof wafCategories)[number];

const action = z.enum(['off', 'detect', 'block']);
export type WafAction = z.output<typeof action>;

export const wafSchema = z.strictObject({
  /** `off`: nothing is looked at; `detect`: nothing is blocked; `block`: what the categories say. */
  mode: z.enum(['off', 'detect', 'block']).default('block'),
  crlf: action.default('block'),
  traversal: action.default('block'),
  ssrf: action.default('block'),
  'sql-injection': action.default('detect'),
  xss: action.default('detect'),
  injection: action.default('detect'),
  scanner: action.default('detect'),
  /** Single rules of rules/waf, e.g. {xss-script: block}. */
  rules: z.record(z.string().regex(/^[a-z0-9-]+$/), action).default({}),
  /** Hosts that URLs in a request may name although they are private, e.g. an own image server. */
  allowedHosts: z.array(z.string().min(1).max(255)).default([]),
});

export type WafSettings = z.output<typeof wafSchema>;
