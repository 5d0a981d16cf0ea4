// stub
import type { AnalyseInput } from '../analyze/analyse.ts';
import type { CommandInput } from './command.ts';

export function narratorOf(_: CommandInput): AnalyseInput['narrate'] {
  return undefined;
}
