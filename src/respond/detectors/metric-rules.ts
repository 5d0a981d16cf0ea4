// What is made of a service's metrics: series by their names, as rates or as values, against limits and against what is usual.
import { z } from 'zod';

export const metricRuleSchema = z.strictObject({
  id: z.string().regex(/^[a-z0-9-]+$/),
  /** Of the taxonomy. */
  type: z.string(),
  severity: z.enum(['low', 'medium', 'high', 'critical']).default('medium'),
  /** Each of these words stands in the metric's name, e.g. [error, total]; a word with `|` is one of several. */
  names: z.array(z.string().min(1).max(80)).min(1),
  /** Of a counter what it grew by in a minute, of a gauge what it is; or their share of another metric's growth. */
  of: z.enum(['rate', 'value', 'share']),
  /** For `share`: words of the name of the metric that counts all. */
  shareOf: z.array(z.string().min(1).max(80)).optional(),
  /** From here on it is one. */
  limit: z.number(),
  /** And so many times what is usual. */
  above: z.number().min(1).optional(),
  /** So many scrapes in a row. */
  scrapes: z.int().min(1).max(100).default(2),
});
export type MetricRule = z.output<typeof metricRuleSchema>;

export const defaultMetricRules: readonly MetricRule[] = [
  {
    id: 'errors',
    type: 'performance-anomaly',
    severity: 'medium',
    names: ['error|fail|exception', 'total|count'],
    of: 'rate',
    limit: 30,
    above: 6,
    scrapes: 2,
  },
  {
    id: 'security',
    type: 'suspicious-patterns',
    severity: 'medium',
    names: ['security|violation|suspicious|attack|injection|blocked', 'total|count'],
    of: 'rate',
    limit: 10,
    above: 6,
    scrapes: 2,
  },
  {
    id: 'anomaly',
    type: 'performance-anomaly',
    severity: 'medium',
    names: ['anomal'],
    of: 'rate',
    limit: 10,
    above: 6,
    scrapes: 2,
  },
];

/** A name is looked at without its buckets, which say the same once more. */
export function isNamed(name: string, words: readonly string[]): boolean {
  const small = name.toLowerCase();
  if (small.endsWith('_bucket') || small.endsWith('_created') || small.endsWith('_sum')) return false;
  return words.every((word) => word.split('|').some((one) => small.includes(one.toLowerCase())));
}
