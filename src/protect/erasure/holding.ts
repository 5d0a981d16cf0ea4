// One place where something of people is kept: what it can be asked when somebody wants a copy of theirs, or wants it gone.
import type { Json } from '../../platform/base/json.ts';

export interface Holding {
  /** For reports: `deferred`, `behaviour`, … */
  name: string;
  /** What it has of the subject; nothing where it cannot be shown apart from that of others. */
  show?(subject: string): Promise<Json | undefined>;
  /** Whether `erase` would find something; how many, as far as that can be counted. */
  count(subject: string, conversation?: string): Promise<number>;
  /** Resolves to how many it took away, once they are gone for good. Throws ERR_STORE_AWAY. */
  erase(subject: string, conversation?: string): Promise<number>;
}
