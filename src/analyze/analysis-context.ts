// What an analysing worker gets beside the conversation; crosses a thread border, so it is plain data.
import type { Lang } from '../platform/i18n/say.ts';

export interface AnalysisContext {
  lang: Lang;
}
