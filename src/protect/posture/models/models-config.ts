// The section `models` of the configuration: the store that is watched, how often, and what may be in it.
import { z } from 'zod';
import { text, urlIssue } from '../../../platform/base/config-fields.ts';
import type { TextKey } from '../../../platform/i18n/say.ts';

export const modelsSchema = z.strictObject({
  /** Folder of Ollama's store; OLLAMA_MODELS sets it too. */
  store: text.optional(),
  /** Ollama's address, to ask what it has loaded. */
  api: text.optional(),
  /** Seconds between two looks at manifests and at the server. */
  every: z.number().int().min(1).max(86_400).default(30),
  /** Hours between two readings of every byte. */
  full: z.number().min(0.01).max(8_760).default(24),
  onMismatch: z.enum(['alert', 'quarantine']).default('alert'),
  /** Where models may come from: HOST or HOST/NAMESPACE. */
  sources: z.array(z.string().min(1)).optional(),
  /** The providers that serve from this store; default: those of Ollama's dialect. */
  providers: z.array(z.string()).optional(),
});

export interface ModelsIssue {
  path: string;
  key: TextKey;
  facts?: Record<string, string>;
}

/** The first thing that is wrong with the resolved section; `providers` are the names of those that there are. */
export function modelsIssue(
  { api, providers = [], sources = [] }: z.output<typeof modelsSchema>,
  known: ReadonlySet<string>,
): ModelsIssue | undefined {
  const wrongApi = api === undefined ? undefined : urlIssue(api);
  if (wrongApi !== undefined) return { path: 'models.api', key: wrongApi };
  for (const [index, name] of providers.entries())
    if (!known.has(name)) return { path: `models.providers.${index}`, key: 'models.provider.unknown', facts: { name } };
  for (const [index, source] of sources.entries())
    if (!/^[^\s/]+(\/[^\s/]+)?$/.test(source))
      return { path: `models.sources.${index}`, key: 'models.source.invalid', facts: { given: source } };
  return undefined;
}
