// A document for the tests of the report: every kind of finding, an unreadable conversation, and text that wants to be more than text.
import {
  type AnalysedConversation,
  type Analysis,
  analysisSchema,
  domains,
  type Finding,
} from '../../platform/documents/analysis.ts';

/** Tries to leave its fence, its heading, its table and its attribute, to run, and to be read backwards. */
export const hostile =
  '```\n````\n# Forged\n<script>globalThis.ran = true</script><img src=x onerror="globalThis.ran = true">[go](javascript:alert(1)) \u202etxt\u0007 </style><style>body{display:none}</style> | a | ![i](http://127.0.0.1:9/i.png)';

export function findingOf(id: string, given: Partial<Finding> = {}): Finding {
  return {
    id,
    rule: 'python-sql-format',
    cwe: ['CWE-89'],
    owasp: ['A03:2021'],
    title: 'SQL built from text',
    severity: 'critical',
    confidence: 'certain',
    language: 'python',
    messageIndex: 1,
    author: 'assistant',
    branch: 'main',
    line: 3,
    block: 1,
    excerpt: 'cursor.execute(f"SELECT * FROM users WHERE name = \'{name}\'")',
    explanation: 'The query is put together with `name`.',
    exploitation: "An attacker sends `' OR 1=1 --` as the name.",
    fix: 'Pass the values apart: `execute(sql, (name,))`.',
    state: 'introduced',
    life: [{ event: 'introduced', messageIndex: 1, author: 'assistant' }],
    fingerprint: 'a'.repeat(64),
    ...given,
  };
}

export function conversationOf(id: string, given: Partial<AnalysedConversation> = {}): AnalysedConversation {
  return {
    id,
    title: 'Python login',
    source: 'exports/chatgpt.json',
    format: 'chatgpt',
    models: ['gpt-4o'],
    tokens: { count: 1328, tokenizer: 'o200k_base', exact: true },
    status: 'ok',
    statistics: {
      messages: 8,
      byAuthor: { user: 4, assistant: 4, tool: 0, system: 0 },
      codeBlocks: 3,
      codeLines: 40,
      branches: 0,
      attachments: 0,
      toolErrors: 0,
      repairs: [],
    },
    findings: [],
    goodPractices: [],
    recommendations: [],
    maturity: { score: 8, outOf: 10, because: { strengths: ['Queries are parameterised.'], gaps: [] }, wouldBe: [] },
    domains: Object.fromEntries(
      domains.map((name) => [name, { state: 'absent', because: '', evidence: [] }]),
    ) as unknown as AnalysedConversation['domains'],
    summary: {
      strengths: 'Uses parameters.',
      practices: 'Hashes passwords with `bcrypt`.',
      gaps: 'Says nothing of logs.',
    },
    unread: { unknownTypes: {}, messages: 0 },
    partiallyParsed: [],
    ...given,
  };
}

/** Two of the same name, one without findings, one that could not be read, one hostile in every text. */
export function analysisOf(lang: 'fr' | 'en', conversations: AnalysedConversation[] = mixed()): Analysis {
  const errors = conversations.filter(({ status }) => status === 'error').length;
  return analysisSchema.parse({
    schema: 'rempart/analysis@1',
    engine: { version: '0.1.0', rules: { count: 212, hash: 'b'.repeat(64) } },
    date: '2025-10-26T21:52:37+01:00',
    lang,
    conversations,
    statistics: { conversations: conversations.length, ok: conversations.length - errors, errors },
    across: {
      recurring: [{ rule: 'python-sql-format', title: 'SQL built from text', conversations: ['c1', 'c2'], count: 3 }],
      sameSnippet: [{ fingerprint: 'a'.repeat(64), rule: 'python-sql-format', conversations: ['c1', 'c2'] }],
      byModel: [{ model: 'gpt-4o', conversations: 2, findings: 5 }],
    },
    notRead: [{ source: 'exports/photo.png', why: 'not a conversation' }],
  });
}

function mixed(): AnalysedConversation[] {
  const covered = { state: 'covered' as const, because: 'shown in code', evidence: ['F-1-1'] };
  const partial = { state: 'partial' as const, because: 'through isolation', evidence: [] };
  return [
    conversationOf('c1', {
      findings: [
        findingOf('F-1-2', {
          severity: 'medium',
          title: 'No limit on attempts',
          language: 'prose',
          excerpt: 'we could also limit the attempts',
          state: 'mentioned',
          life: [],
          cwe: ['CWE-307'],
          mitigatedBy: { messageIndex: 5, practice: 'Rate limit' },
        }),
        findingOf('F-1-1'),
        findingOf('F-1-3', {
          severity: 'high',
          title: 'Weak hash',
          state: 'fixed',
          cwe: ['CWE-328', 'CWE-916'],
          messageIndex: 3,
          life: [
            { event: 'introduced', messageIndex: 3, author: 'user' },
            { event: 'fixed', messageIndex: 5, author: 'assistant' },
          ],
        }),
        findingOf('F-1-4', { severity: 'low', state: 'example', title: 'Shown as a bad example' }),
      ],
      goodPractices: [
        {
          id: 'parameterised-queries',
          title: 'Parameterised queries',
          domain: 'injection',
          evidence: [{ messageIndex: 3, line: 2, excerpt: 'execute(sql, (name,))' }],
          example: 'execute(sql, (name,))\ncommit()',
          benefit: 'Values never become code.',
          caveat: 'Table names still need a list.',
        },
      ],
      recommendations: [
        {
          domain: 'api',
          title: 'Test the API',
          why: 'It is open.',
          how: 'Run a scan in CI.',
          tools: ['OWASP ZAP', 'Semgrep'],
        },
      ],
      maturity: {
        score: 6.5,
        outOf: 10,
        because: { strengths: ['Parameterised queries'], gaps: ['One query is still built from text'] },
        wouldBe: [{ if: ['F-1-1'], score: 8 }],
      },
      domains: {
        ...conversationOf('').domains,
        injection: covered,
        network: partial,
        csrf: { state: 'not-applicable', because: '', evidence: [] },
      },
    }),
    conversationOf('c2', {
      title: 'Python login',
      format: 'claude',
      tokens: { count: 350, tokenizer: 'estimate', exact: false },
    }),
    conversationOf('c3', {
      title: 'Été à l’hôpital : _mots_ & C++',
      format: 'lechat',
      findings: [
        findingOf('F-3-1', {
          state: 'potential',
          language: 'prose',
          excerpt: 'an API without login',
          severity: 'medium',
        }),
      ],
      maturity: { score: null, outOf: 10, because: { strengths: [], gaps: [] }, wouldBe: [] },
    }),
    conversationOf('c4', {
      title: 'Untitled',
      status: 'error',
      error: { code: 'ERR_EXPORT_BROKEN', message: 'the JSON ends early' },
    }),
    hostileConversation(),
  ];
}

export function hostileConversation(): AnalysedConversation {
  return conversationOf('c5', {
    title: hostile,
    source: `exports/${hostile}.json`,
    models: [hostile],
    findings: [
      findingOf('F-5-1', {
        title: hostile,
        excerpt: hostile,
        explanation: hostile,
        exploitation: hostile,
        fix: hostile,
        branch: hostile,
      }),
      findingOf('F-5-2', {
        language: 'prose',
        title: hostile,
        excerpt: hostile,
        state: 'discussed',
        mitigatedBy: { messageIndex: 1, practice: hostile },
      }),
    ],
    goodPractices: [
      {
        id: 'x',
        title: hostile,
        domain: 'xss',
        evidence: [{ messageIndex: 1, line: 1, excerpt: hostile }],
        example: hostile,
        benefit: hostile,
        caveat: hostile,
      },
    ],
    recommendations: [{ domain: 'xss', title: hostile, why: hostile, how: hostile, tools: [hostile] }],
    maturity: { score: 3, outOf: 10, because: { strengths: [hostile], gaps: [hostile] }, wouldBe: [] },
    summary: { strengths: hostile, practices: hostile, gaps: hostile },
    unread: { unknownTypes: { [hostile]: 2 }, messages: 3 },
    partiallyParsed: [{ messageIndex: 2, language: hostile, why: hostile }],
    narrative: [{ text: hostile, findings: ['F-5-1'], by: 'narrator' }],
  });
}
