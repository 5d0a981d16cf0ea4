// The document rempart/analysis@1: what `analyze` read in exported conversations and what it concluded. Read by audit, console and CI.
import { z } from 'zod';

export const formats = [
  'chatgpt',
  'claude',
  'lechat',
  'gemini',
  'aistudio',
  'openai',
  'sharegpt',
  'claude-code',
  'codex',
  'grok',
  'perplexity',
  'capture',
  'unknown',
] as const;
export type Format = (typeof formats)[number];
export const severities = ['critical', 'high', 'medium', 'low', 'info'] as const;
export type Severity = (typeof severities)[number];
export const confidences = ['certain', 'probable', 'to-verify'] as const;
export type Confidence = (typeof confidences)[number];
export const authors = ['user', 'assistant', 'tool', 'system'] as const;
export type Author = (typeof authors)[number];
/** `introduced` means still open at the end of the thread; `potential` was suggested by what was said, `mentioned` only spoken of. */
export const findingStates = [
  'introduced',
  'fixed',
  'reintroduced',
  'discussed',
  'mentioned',
  'potential',
  'example',
] as const;
export type FindingState = (typeof findingStates)[number];
export const domains = [
  'authentication',
  'injection',
  'xss',
  'csrf',
  'cryptography',
  'secrets',
  'session',
  'api',
  'containers',
  'network',
  'resources',
  'compliance',
] as const;
export type Domain = (typeof domains)[number];
export const domainStates = ['covered', 'partial', 'absent', 'not-applicable'] as const;
export type DomainState = (typeof domainStates)[number];

const count = z.int().nonnegative();

export const findingSchema = z.strictObject({
  /** Stable within one document: `F-<conversation>-<n>`. */
  id: z.string(),
  rule: z.string(),
  /** `CWE-89`, the most exact first. */
  cwe: z.array(z.string().regex(/^CWE-\d+$/)),
  /** `A03:2021`, `API4:2023`, `LLM02:2025`. */
  owasp: z.array(z.string()),
  title: z.string(),
  severity: z.enum(severities),
  confidence: z.enum(confidences),
  /** Of the code; `prose` for a finding from what was said. */
  language: z.string(),
  /** Index in the visible thread, from 0, over all messages of the conversation. */
  messageIndex: count,
  author: z.enum(authors),
  /** `main`, or the name of a branch that the thread left. */
  branch: z.string(),
  /** From 1, within the code block or the message. */
  line: z.int().positive(),
  /** From 1: which code block of the message; missing where the finding is in its prose. */
  block: z.int().positive().optional(),
  /** Secrets masked. */
  excerpt: z.string(),
  explanation: z.string(),
  exploitation: z.string(),
  fix: z.string(),
  state: z.enum(findingStates),
  /** What happened to it, in the order of the thread. */
  life: z.array(
    z.strictObject({
      event: z.enum(['introduced', 'discussed', 'fixed', 'reintroduced']),
      messageIndex: count,
      author: z.enum(authors),
    }),
  ),
  mitigatedBy: z.strictObject({ messageIndex: count, practice: z.string() }).optional(),
  /** SHA-256 over the rule and the normalised snippet: the same across exports. */
  fingerprint: z.string(),
});
export type Finding = z.infer<typeof findingSchema>;

export const practiceSchema = z.strictObject({
  id: z.string(),
  title: z.string(),
  domain: z.enum(domains),
  evidence: z.array(z.strictObject({ messageIndex: count, line: z.int().positive(), excerpt: z.string() })),
  example: z.string(),
  benefit: z.string(),
  caveat: z.string(),
});
export type GoodPractice = z.infer<typeof practiceSchema>;

export const adviceSchema = z.strictObject({
  domain: z.enum(domains),
  title: z.string(),
  why: z.string(),
  how: z.string(),
  tools: z.array(z.string()),
});
export type Advice = z.infer<typeof adviceSchema>;

export const maturitySchema = z.strictObject({
  /** One decimal, 0 to 10; null when nothing in the conversation concerns security or code. */
  score: z.number().min(0).max(10).nullable(),
  outOf: z.literal(10),
  because: z.strictObject({ strengths: z.array(z.string()), gaps: z.array(z.string()) }),
  /** What the score would be if the named findings were fixed. */
  wouldBe: z.array(z.strictObject({ if: z.array(z.string()), score: z.number() })),
});
export type Maturity = z.infer<typeof maturitySchema>;

export const domainSchema = z.strictObject({
  state: z.enum(domainStates),
  because: z.string(),
  evidence: z.array(z.string()),
});

export const conversationSchema = z.strictObject({
  id: z.string(),
  /** As displayed: `Sans titre` or `Untitled` where there is none. */
  title: z.string(),
  /** The file it came from, as named on the command line, with its member of an archive after `!`. */
  source: z.string(),
  format: z.enum(formats),
  models: z.array(z.string()),
  tokens: z.strictObject({ count, tokenizer: z.string(), exact: z.boolean() }),
  status: z.enum(['ok', 'error']),
  /** Why it could not be read; only with status error. */
  error: z.strictObject({ code: z.string(), message: z.string() }).optional(),
  statistics: z.strictObject({
    messages: count,
    byAuthor: z.record(z.enum(authors), count),
    codeBlocks: count,
    codeLines: count,
    branches: count,
    attachments: count,
    toolErrors: count,
    repairs: z.array(z.string()),
  }),
  findings: z.array(findingSchema),
  goodPractices: z.array(practiceSchema),
  recommendations: z.array(adviceSchema),
  maturity: maturitySchema,
  domains: z.record(z.enum(domains), domainSchema),
  summary: z.strictObject({ strengths: z.string(), practices: z.string(), gaps: z.string() }),
  /** The findings told in sentences, each with the findings that it speaks of; `template` where no narrator wrote it. */
  narrative: z
    .array(z.strictObject({ text: z.string(), findings: z.array(z.string()), by: z.enum(['template', 'narrator']) }))
    .optional(),
  unread: z.strictObject({ unknownTypes: z.record(z.string(), count), messages: count }),
  partiallyParsed: z.array(z.strictObject({ messageIndex: count, language: z.string(), why: z.string() })),
});
export type AnalysedConversation = z.infer<typeof conversationSchema>;

export const analysisSchema = z.strictObject({
  schema: z.literal('rempart/analysis@1'),
  engine: z.strictObject({ version: z.string(), rules: z.strictObject({ count, hash: z.string() }) }),
  /** The instant of `--date`, else of the run. */
  date: z.iso.datetime({ offset: true }),
  lang: z.enum(['fr', 'en']),
  /** In the order of the input, never deduplicated. */
  conversations: z.array(conversationSchema),
  statistics: z.strictObject({ conversations: count, ok: count, errors: count }),
  /** What concerns several conversations. */
  across: z.strictObject({
    recurring: z.array(
      z.strictObject({ rule: z.string(), title: z.string(), conversations: z.array(z.string()), count }),
    ),
    sameSnippet: z.array(
      z.strictObject({ fingerprint: z.string(), rule: z.string(), conversations: z.array(z.string()) }),
    ),
    byModel: z.array(z.strictObject({ model: z.string(), conversations: count, findings: count })),
  }),
  /** Members of the input that hold no conversation or could not be understood, with the reason. */
  notRead: z.array(z.strictObject({ source: z.string(), why: z.string() })),
  /** Sentences kept and refused; `unanswered` are the conversations for which it gave nothing. */
  narrator: z
    .strictObject({ name: z.string(), accepted: count, refused: count, unanswered: count.optional() })
    .optional(),
});
export type Analysis = z.infer<typeof analysisSchema>;
