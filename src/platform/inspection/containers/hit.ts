// One place where a rule applies, before it is put into words.
import type { Entry, Located, LocatedList, LocatedMap, Place } from './located.ts';

export interface Hit {
  at: Place;
  service: string | null;
  /** As the file spells it, dotted from the service: `security_opt`, `environment.DB_PASSWORD`. */
  setting: string;
  /** The value as the file spells it; never a secret. */
  value?: string;
  /** More words for the text. */
  facts?: Readonly<Record<string, string | number>>;
  /** What a fix changes. */
  body?: LocatedMap;
  entry?: Entry;
  list?: LocatedList;
  item?: Located;
}
