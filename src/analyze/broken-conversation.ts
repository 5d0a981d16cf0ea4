// A conversation that could not be read or judged: it keeps its place, with the reason.
import { type AnalysedConversation, type Domain, domains } from '../platform/documents/analysis.ts';
import type { Lang } from '../platform/i18n/say.ts';
import type { ReadItem } from './conversation.ts';

export function brokenConversation(item: ReadItem & { kind: 'broken' }, lang: Lang): AnalysedConversation {
  return {
    id: item.id,
    title: item.title ?? (lang === 'fr' ? 'Sans titre' : 'Untitled'),
    source: item.source,
    format: item.format,
    models: [],
    tokens: { count: 0, tokenizer: 'estimate', exact: false },
    status: 'error',
    error: { code: item.code, message: item.why },
    statistics: {
      messages: 0,
      byAuthor: { user: 0, assistant: 0, tool: 0, system: 0 },
      codeBlocks: 0,
      codeLines: 0,
      branches: 0,
      attachments: 0,
      toolErrors: 0,
      repairs: [],
    },
    findings: [],
    goodPractices: [],
    recommendations: [],
    maturity: { score: null, outOf: 10, because: { strengths: [], gaps: [] }, wouldBe: [] },
    domains: noDomains(),
    summary: { strengths: '', practices: '', gaps: '' },
    unread: { unknownTypes: {}, messages: 0 },
    partiallyParsed: [],
  };
}

export function noDomains(): AnalysedConversation['domains'] {
  const none = (): AnalysedConversation['domains'][Domain] => ({ state: 'not-applicable', because: '', evidence: [] });
  return Object.fromEntries(domains.map((domain) => [domain, none()])) as AnalysedConversation['domains'];
}
