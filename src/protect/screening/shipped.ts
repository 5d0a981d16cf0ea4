// The prompt screen as it is shipped: weights and words from the package's own folders.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { createPromptScreen, type PromptScreen, type PromptScreenSettings } from './prompts.ts';

const root = join(import.meta.dirname, '..', '..', '..');
const manifest = z.object({ file: z.string().regex(/^[\w.-]+$/), sha256: z.string().regex(/^[0-9a-f]{64}$/) });

/** Throws ERR_SCREENING_MODEL when the weights are not those of the manifest; throws when a file is missing. */
export function loadPromptScreen(settings?: PromptScreenSettings): PromptScreen {
  const models = join(root, 'models', 'screening');
  const { file, sha256 } = manifest.parse(JSON.parse(readFileSync(join(models, 'prompts.json'), 'utf8')));
  const model = readFileSync(join(models, file));
  const lexicon = readFileSync(join(root, 'rules', 'screening', 'lexicon.yaml'), 'utf8');
  return createPromptScreen({ model, modelHash: sha256, lexicon }, settings);
}
