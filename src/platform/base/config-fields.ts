// Kinds of values that several sections of the configuration have.
import { z } from 'zod';
import type { TextKey } from '../i18n/say.ts';

export const milliseconds = z.number().int().min(1).max(3_600_000);
/** A value given as it is, or as `env:NAME`. */
export const text = z.string();
/** A secret: only ever `env:NAME` or `file:PATH`, so that no key is written in a configuration file. */
export const secret = z.string().regex(/^(env|file):.+/, 'issue.secret');
/** 0 to 1. */
export const share = z.number().min(0).max(1);

/** What is wrong with an address that must be http or https, with no name or password in it. */
export function urlIssue(text: string): TextKey | undefined {
  const url = URL.parse(text);
  if (url === null || !['http:', 'https:'].includes(url.protocol)) return 'issue.url';
  return url.username === '' && url.password === '' ? undefined : 'issue.url.credentials';
}
