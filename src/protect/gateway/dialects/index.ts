// The dialects by name.
import type { Dialect as DialectName } from '../../../platform/wire/dialect.ts';
import type { Dialect } from './dialect.ts';
import { mistral } from './mistral.ts';
import { ollama } from './ollama.ts';
import { openai } from './openai.ts';

export const dialectByName: Readonly<Record<DialectName, Dialect>> = { openai, mistral, ollama };
