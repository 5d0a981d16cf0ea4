// Who sums up for `analyze`: nobody, unless --narrator names one; then it is said what is sent and where.
import type { AnalyseInput } from '../analyze/analyse.ts';
import { type NarratorName, narrators } from '../analyze/narrative/ask.ts';
import { createNarrator } from '../analyze/narrative/narrate.ts';
import { loadConfig } from '../config.ts';
import { type CommandInput, usageError } from './command.ts';

const usualModels: Readonly<Record<NarratorName, string>> = {
  ollama: 'llama3.2',
  mistral: 'mistral-small-latest',
  openai: 'gpt-4o-mini',
};

/** Undefined without a narrator: then nothing is configured, opened or sent. Throws ERR_USAGE and the configuration's errors. */
export function narratorOf(input: CommandInput): AnalyseInput['narrate'] {
  const given = input.options['narrator'];
  if (given === undefined || given === 'none') return undefined;
  const name = narrators.find((known) => known === given);
  if (name === undefined)
    throw usageError(input, 'analyze', 'cli.usage.choice', {
      given: String(given),
      known: ['none', ...narrators].join(', '),
    });
  const { narrator } = loadConfig({ file: input.configFile, asked: input.configAsked, env: input.env });
  const model = narrator.model ?? usualModels[name];
  input.stderr.write(
    `${input.say('analyze.cli.narrator.asks', { name: `${name}, ${model}`, url: new URL(narrator.url).host })}\n`,
  );
  const tell = createNarrator(
    {
      name,
      url: narrator.url,
      key: narrator.key ?? (input.env['REMPART_NARRATOR_KEY'] || null),
      model,
      timeoutMs: narrator.timeoutMs,
    },
    input.lang,
    (why) => input.stderr.write(`${input.say('analyze.cli.narrator.away', { why })}\n`),
  );
  return { name: `${name}, ${model}`, tell };
}
