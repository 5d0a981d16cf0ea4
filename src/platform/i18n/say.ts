// Every text a user reads, by key, in French and English; the catalogues are locales/LANG/*.json.
import enAccess from '../../../locales/en/access.json' with { type: 'json' };
import enAnalyze from '../../../locales/en/analyze.json' with { type: 'json' };
import enAnalyzeRead from '../../../locales/en/analyze-read.json' with { type: 'json' };
import enChange from '../../../locales/en/change.json' with { type: 'json' };
import enChatbot from '../../../locales/en/chatbot.json' with { type: 'json' };
import enCli from '../../../locales/en/cli.json' with { type: 'json' };
import enConsole from '../../../locales/en/console.json' with { type: 'json' };
import enDeferred from '../../../locales/en/deferred.json' with { type: 'json' };
import enDrill from '../../../locales/en/drill.json' with { type: 'json' };
import enErrors from '../../../locales/en/errors.json' with { type: 'json' };
import enEscalation from '../../../locales/en/escalation.json' with { type: 'json' };
import enFinding from '../../../locales/en/finding.json' with { type: 'json' };
import enIncident from '../../../locales/en/incident.json' with { type: 'json' };
import enJobs from '../../../locales/en/jobs.json' with { type: 'json' };
import enKept from '../../../locales/en/kept.json' with { type: 'json' };
import enLimits from '../../../locales/en/limits.json' with { type: 'json' };
import enMaturity from '../../../locales/en/maturity.json' with { type: 'json' };
import enMode from '../../../locales/en/mode.json' with { type: 'json' };
import enModels from '../../../locales/en/models.json' with { type: 'json' };
import enPlaybooks from '../../../locales/en/playbooks.json' with { type: 'json' };
import enPosture from '../../../locales/en/posture.json' with { type: 'json' };
import enPrediction from '../../../locales/en/prediction.json' with { type: 'json' };
import enPrivacy from '../../../locales/en/privacy.json' with { type: 'json' };
import enProxy from '../../../locales/en/proxy.json' with { type: 'json' };
import enReport from '../../../locales/en/report.json' with { type: 'json' };
import enRespond from '../../../locales/en/respond.json' with { type: 'json' };
import enRestore from '../../../locales/en/restore.json' with { type: 'json' };
import enReview from '../../../locales/en/review.json' with { type: 'json' };
import enRoutes from '../../../locales/en/routes.json' with { type: 'json' };
import enSimulate from '../../../locales/en/simulate.json' with { type: 'json' };
import enTracing from '../../../locales/en/tracing.json' with { type: 'json' };
import frAccess from '../../../locales/fr/access.json' with { type: 'json' };
import frAnalyze from '../../../locales/fr/analyze.json' with { type: 'json' };
import frAnalyzeRead from '../../../locales/fr/analyze-read.json' with { type: 'json' };
import frChange from '../../../locales/fr/change.json' with { type: 'json' };
import frChatbot from '../../../locales/fr/chatbot.json' with { type: 'json' };
import frCli from '../../../locales/fr/cli.json' with { type: 'json' };
import frConsole from '../../../locales/fr/console.json' with { type: 'json' };
import frDeferred from '../../../locales/fr/deferred.json' with { type: 'json' };
import frDrill from '../../../locales/fr/drill.json' with { type: 'json' };
import frErrors from '../../../locales/fr/errors.json' with { type: 'json' };
import frEscalation from '../../../locales/fr/escalation.json' with { type: 'json' };
import frFinding from '../../../locales/fr/finding.json' with { type: 'json' };
import frIncident from '../../../locales/fr/incident.json' with { type: 'json' };
import frJobs from '../../../locales/fr/jobs.json' with { type: 'json' };
import frKept from '../../../locales/fr/kept.json' with { type: 'json' };
import frLimits from '../../../locales/fr/limits.json' with { type: 'json' };
import frMaturity from '../../../locales/fr/maturity.json' with { type: 'json' };
import frMode from '../../../locales/fr/mode.json' with { type: 'json' };
import frModels from '../../../locales/fr/models.json' with { type: 'json' };
import frPlaybooks from '../../../locales/fr/playbooks.json' with { type: 'json' };
import frPosture from '../../../locales/fr/posture.json' with { type: 'json' };
import frPrediction from '../../../locales/fr/prediction.json' with { type: 'json' };
import frPrivacy from '../../../locales/fr/privacy.json' with { type: 'json' };
import frProxy from '../../../locales/fr/proxy.json' with { type: 'json' };
import frReport from '../../../locales/fr/report.json' with { type: 'json' };
import frRespond from '../../../locales/fr/respond.json' with { type: 'json' };
import frRestore from '../../../locales/fr/restore.json' with { type: 'json' };
import frReview from '../../../locales/fr/review.json' with { type: 'json' };
import frRoutes from '../../../locales/fr/routes.json' with { type: 'json' };
import frSimulate from '../../../locales/fr/simulate.json' with { type: 'json' };
import frTracing from '../../../locales/fr/tracing.json' with { type: 'json' };

const en = {
  ...enAccess,
  ...enAnalyze,
  ...enAnalyzeRead,
  ...enChange,
  ...enChatbot,
  ...enCli,
  ...enConsole,
  ...enDeferred,
  ...enDrill,
  ...enErrors,
  ...enEscalation,
  ...enFinding,
  ...enIncident,
  ...enJobs,
  ...enKept,
  ...enLimits,
  ...enMaturity,
  ...enMode,
  ...enModels,
  ...enPlaybooks,
  ...enPosture,
  ...enPrediction,
  ...enPrivacy,
  ...enProxy,
  ...enReport,
  ...enRespond,
  ...enReview,
  ...enRoutes,
  ...enRestore,
  ...enSimulate,
  ...enTracing,
};
const fr: Record<TextKey, string> = {
  ...frAccess,
  ...frAnalyze,
  ...frAnalyzeRead,
  ...frChange,
  ...frChatbot,
  ...frCli,
  ...frConsole,
  ...frDeferred,
  ...frDrill,
  ...frErrors,
  ...frEscalation,
  ...frFinding,
  ...frIncident,
  ...frJobs,
  ...frKept,
  ...frLimits,
  ...frMaturity,
  ...frMode,
  ...frModels,
  ...frPlaybooks,
  ...frPosture,
  ...frPrediction,
  ...frPrivacy,
  ...frProxy,
  ...frReport,
  ...frRespond,
  ...frReview,
  ...frRoutes,
  ...frRestore,
  ...frSimulate,
  ...frTracing,
};

export type Lang = 'en' | 'fr';
/** A key that the English catalogue has; the type of `fr` makes a French text obligatory. */
export type TextKey = keyof typeof en;

export const catalogues: Readonly<Record<Lang, Readonly<Record<TextKey, string>>>> = { en, fr };

/** The text of a key with its `{name}` places filled; a place without a fact stays visible, so that a test sees it. */
export function say(lang: Lang, key: TextKey, facts: Readonly<Record<string, string | number>> = {}): string {
  const text = catalogues[lang][key];
  // Most texts have no place: a report says hundreds of them for each conversation.
  if (!text.includes('{')) return text;
  const pieces = piecesOf(text);
  let said = pieces[0]!;
  for (let i = 1; i < pieces.length; i += 2) {
    const name = pieces[i]!;
    said += (facts[name] ?? `{${name}}`) + pieces[i + 1]!;
  }
  return said;
}

/** By text: what stands before, between and behind its places, with their names; so that it is cut at them once. */
const cut = new Map<string, readonly string[]>();

function piecesOf(text: string): readonly string[] {
  let pieces = cut.get(text);
  if (pieces === undefined) {
    pieces = text.split(/\{(\w+)\}/);
    cut.set(text, pieces);
  }
  return pieces;
}

export type Say = (key: TextKey, facts?: Readonly<Record<string, string | number>>) => string;

/** `say` for one language. */
export function sayer(lang: Lang): Say {
  return (key, facts) => say(lang, key, facts);
}

/** The first language of an Accept-Language header (RFC 9110 §12.5.4) that Rempart speaks, by its weights; else the fallback. */
export function acceptedLang(header: string | undefined, fallback: Lang): Lang {
  if (header === undefined) return fallback;
  const wanted = header
    .slice(0, 200)
    .split(',')
    .map((part, order) => {
      const [tag = '', ...parameters] = part.trim().toLowerCase().split(';');
      const weight = Number(
        parameters
          .find((p) => p.trim().startsWith('q='))
          ?.trim()
          .slice(2) ?? 1,
      );
      return { lang: tag.trim().split('-')[0], weight: Number.isFinite(weight) ? weight : 0, order };
    })
    .filter((entry) => entry.weight > 0)
    .sort((a, b) => b.weight - a.weight || a.order - b.order);
  for (const { lang } of wanted) if (lang === 'fr' || lang === 'en') return lang;
  return fallback;
}
