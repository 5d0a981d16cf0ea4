// Names that make Ollama send a text on to its maker's servers instead of answering it on this machine.
import { canonicalModel } from './scopes.ts';

/** A tag that is `cloud` or ends in `-cloud`; with a name that has no tag the name itself must not end so. */
export function isCloudModel(name: string): boolean {
  // Most names hold no such word, whatever their spelling.
  return /cloud/i.test(name) && /(?:^|[:-])cloud$/.test(canonicalModel(name));
}
