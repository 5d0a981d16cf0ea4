// Secrets masked where no finding looks: in titles, ids, names of files and models, and the types that nobody knows.
import type { AnalysedConversation } from '../platform/documents/analysis.ts';
import { mask } from '../platform/inspection/mask.ts';
import { findSecrets } from '../platform/inspection/secrets.ts';
import { maskedLabel } from './findings/secrets.ts';

/** Only what certainly is one: the name of a file is often a hash, and a reader has to find it again. */
export function maskedName(text: string): string {
  const known = lately.get(text);
  if (known !== undefined) return known;
  const masked = maskedAnew(text);
  if (lately.size >= mostKept) lately.clear();
  lately.set(text, masked);
  return masked;
}

/** One source, one model and a few titles for thousands of conversations. */
const lately = new Map<string, string>();
const mostKept = 256;

function maskedAnew(text: string): string {
  const hits = findSecrets(text, { decode: false }).filter(
    ({ confidence, placeholder }) => confidence === 'certain' && !placeholder,
  );
  return hits.length === 0 ? text : mask(text, hits, ({ start, end }) => maskedLabel(text.slice(start, end)));
}

export function withMaskedNames(conversation: AnalysedConversation): AnalysedConversation {
  const { id, title, source, models, unread, error } = conversation;
  const types = Object.entries(unread.unknownTypes).map(([type, count]): [string, number] => [maskedName(type), count]);
  return {
    ...conversation,
    id: maskedName(id),
    title: maskedName(title),
    source: maskedName(source),
    models: models.map(maskedName),
    unread: { ...unread, unknownTypes: Object.fromEntries(types) },
    ...(error === undefined ? {} : { error: { ...error, message: maskedName(error.message) } }),
  };
}
