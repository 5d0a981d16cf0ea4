// The section `providers` of the configuration: who answers, with which keys, over which way.
import { z } from 'zod';
import { secret, text, urlIssue } from '../../platform/base/config-fields.ts';
import type { TextKey } from '../../platform/i18n/say.ts';
import { weightedKeys } from './routes-config.ts';

const provider = z.strictObject({
  name: z.string().regex(/^[a-z0-9][a-z0-9-]*$/, 'issue.provider.name'),
  dialect: z.enum(['openai', 'mistral', 'ollama']),
  /** Origin without path, e.g. https://api.mistral.ai; the dialect adds its own path. */
  url: text,
  key: secret.optional(),
  /** Keys that share the work by their weights, with `key` where there is one, whose weight is 1. */
  keys: weightedKeys(secret).default([]),
  /** Used in order once the keys before them are refused. */
  spareKeys: z.array(secret).default([]),
  /**
   * The way there: `auto` heeds HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY but goes to this machine straight,
   * `environment` heeds them there too, `none` goes straight; else a proxy's address.
   */
  proxy: text.default('auto'),
  /** Whose limits its keys have: providers of one account name the same one. Default: its own name. */
  workspace: z
    .string()
    .regex(/^[a-z0-9][a-z0-9-]*$/, 'issue.provider.name')
    .optional(),
  /**
   * Models that an Ollama behind an address of OpenAI's form would send on to its maker's servers. `auto`: those whose
   * names say so are refused unless the address is one of the internet, and the others once it is known for an Ollama.
   */
  remoteModels: z.enum(['auto', 'refuse', 'allow']).default('auto'),
});

export const providersSchema = z.array(provider);
type Providers = z.output<typeof providersSchema>;

export interface ProvidersIssue {
  path: string;
  key: TextKey;
  facts?: Record<string, string>;
}

/** The first thing that is wrong with the resolved section. */
export function providersIssue(providers: Providers): ProvidersIssue | undefined {
  const names = new Set<string>();
  for (const [index, { name, dialect, url, proxy, remoteModels }] of providers.entries()) {
    const wrong = urlIssue(url) ?? (/[?#]/.test(url) ? 'issue.url.extra' : undefined);
    if (wrong !== undefined) return { path: `providers.${index}.url`, key: wrong };
    const wrongProxy = ['auto', 'environment', 'none'].includes(proxy) ? undefined : proxyIssue(proxy);
    if (wrongProxy !== undefined) return { path: `providers.${index}.proxy`, key: wrongProxy };
    if (dialect === 'ollama' && remoteModels === 'allow')
      return { path: `providers.${index}.remoteModels`, key: 'issue.provider.remote' };
    if (names.has(name)) return { path: `providers.${index}.name`, key: 'issue.provider.twice', facts: { name } };
    names.add(name);
  }
  return undefined;
}

/** A proxy's address may hold the name and password that it asks for. */
function proxyIssue(text: string): TextKey | undefined {
  return ['http:', 'https:'].includes(URL.parse(text)?.protocol ?? '') ? undefined : 'issue.proxy';
}
