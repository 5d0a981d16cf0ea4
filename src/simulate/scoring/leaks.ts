// The search for canaries and tell-tale patterns in every channel. Canaries first: their sight proves a leak.
import type { Leak } from '../../platform/documents/simulation.ts';
import type { Canary } from '../scenarios/evidence.ts';

export interface ChannelText {
  /** reply, header, health, log:…, alert, history, database */
  channel: string;
  text: string;
  /** Seen without any fault too: patterns, hosts and paths of the baseline are not a leak of the failure. */
  baseline: boolean;
  evidence: string;
  /** Where patterns are sought, when not in all of it: a model may explain a stack trace, but must not know a key. */
  ownWords?: string;
}

export interface FoundLeak extends Leak {
  kind: 'key' | 'host' | 'path' | 'prompt' | 'trace' | 'version';
  evidence: string;
}

interface Pattern {
  name: string;
  kind: FoundLeak['kind'];
  expression: RegExp;
  cwe: string;
  wstg: string;
}

/** What failures tell without being asked: WSTG-ERRH-01 (improper error handling) and -02 (stack traces). */
const patterns: readonly Pattern[] = [
  {
    name: 'stack-trace-js',
    kind: 'trace',
    expression:
      /\bat (?:async )?[\w$.<>[\] ]{1,80} ?\((?:file:\/\/|node:|\/|[A-Z]:\\)[^)\n]{1,200}:\d+:\d+\)|\bat (?:async )?(?:file:\/\/|node:|\/)[^\s)]{1,200}:\d+:\d+/,
    cwe: 'CWE-209',
    wstg: 'WSTG-ERRH-02',
  },
  {
    name: 'stack-trace-python',
    kind: 'trace',
    expression: /Traceback \(most recent call last\)|File "[^"\n]{1,200}", line \d+/,
    cwe: 'CWE-209',
    wstg: 'WSTG-ERRH-02',
  },
  {
    name: 'stack-trace-java',
    kind: 'trace',
    expression:
      /\bat (?:[\w$]{1,80}\.){2,12}[\w$<>]{1,80}\(\w{1,80}\.java:\d+\)|\b(?:java|org|com)(?:\.\w+){2,}(?:Exception|Error)\b/,
    cwe: 'CWE-209',
    wstg: 'WSTG-ERRH-02',
  },
  {
    name: 'exception-name',
    kind: 'trace',
    expression: /\b(?:[A-Z][a-zA-Z]+(?:Error|Exception)): \S/,
    cwe: 'CWE-209',
    wstg: 'WSTG-ERRH-01',
  },
  {
    name: 'system-error',
    kind: 'trace',
    expression:
      /\b(?:ECONN(?:REFUSED|RESET|ABORTED)|ENOTFOUND|ETIMEDOUT|EAI_AGAIN|ENOENT|EACCES|EPIPE|EHOSTUNREACH|UND_ERR_\w+|fetch failed|socket hang up)\b/,
    cwe: 'CWE-209',
    wstg: 'WSTG-ERRH-01',
  },
  {
    name: 'sql',
    kind: 'trace',
    expression:
      /\bSQLITE_[A-Z]+\b|\b(?:SELECT|INSERT|UPDATE|DELETE)\b[^.\n]{1,120}\b(?:FROM|INTO|SET)\b|syntax error at or near|no such table|file is not a database|database disk image is malformed|database is locked/,
    cwe: 'CWE-209',
    wstg: 'WSTG-ERRH-01',
  },
  {
    name: 'file-path',
    kind: 'path',
    expression:
      /(?:^|[\s"'(=:])(?:\/(?:home|usr|var|opt|app|srv|tmp|root|etc|mnt|data|work|Users)\/[\w.@/-]{2,200}|[A-Z]:\\[\w.\\-]{3,200})/,
    cwe: 'CWE-209',
    wstg: 'WSTG-ERRH-01',
  },
  {
    name: 'internal-address',
    kind: 'host',
    expression:
      /\b(?:localhost|127\.\d{1,3}\.\d{1,3}\.\d{1,3}|10\.\d{1,3}\.\d{1,3}\.\d{1,3}|192\.168\.\d{1,3}\.\d{1,3}|172\.(?:1[6-9]|2\d|3[01])\.\d{1,3}\.\d{1,3})(?::\d{2,5})?\b/,
    cwe: 'CWE-209',
    wstg: 'WSTG-ERRH-01',
  },
  {
    name: 'version',
    kind: 'version',
    expression:
      /\b(?:nginx|apache|express|uvicorn|gunicorn|werkzeug|node(?:\.js)?|undici|python|php|openssl|sqlite|postgresql|mysql)[/ ]v?\d+\.\d+(?:\.\d+)?\b/i,
    cwe: 'CWE-497',
    wstg: 'WSTG-ERRH-01',
  },
];

/** Everything that leaked, one entry per canary or pattern, channel and form. */
export function findLeaks(canaries: readonly Canary[], channels: readonly ChannelText[]): FoundLeak[] {
  const found = new Map<string, FoundLeak>();
  const keep = (leak: FoundLeak) => {
    const id = `${leak.canary ?? leak.pattern}|${leak.channel}|${leak.form}`;
    if (!found.has(id)) found.set(id, leak);
  };
  const ordinary = channels.filter((channel) => channel.baseline);
  for (const canary of canaries) {
    // A key is secret even in ordinary times; where the upstream lives may be in a start-up line, and then no failure told it.
    const seenBefore =
      canary.kind === 'key' || canary.kind === 'secret'
        ? () => false
        : (name: string) => ordinary.some((channel) => channel.channel === name && channel.text.includes(canary.value));
    for (const channel of channels) {
      if (channel.baseline && canary.kind !== 'key' && canary.kind !== 'secret') continue;
      if (seenBefore(channel.channel)) continue;
      for (const { form, offset } of canaryForms(canary, channel.text)) {
        keep({
          canary: canary.name,
          channel: channel.channel,
          offset,
          form,
          kind: canary.kind === 'secret' ? 'key' : canary.kind,
          ...weakness(channel.channel),
          evidence: channel.evidence,
        });
      }
    }
  }
  for (const pattern of patterns) {
    const ordinaryHits = new Set(ordinary.filter((c) => pattern.expression.test(c.text)).map((c) => c.channel));
    for (const channel of channels) {
      if (channel.baseline || !userReads(channel.channel) || ordinaryHits.has(channel.channel)) continue;
      const hit = pattern.expression.exec(channel.ownWords ?? channel.text);
      if (hit === null) continue;
      keep({
        pattern: pattern.name,
        channel: channel.channel,
        offset: hit.index,
        form: 'pattern',
        kind: pattern.kind,
        cwe: pattern.cwe,
        wstg: pattern.wstg,
        evidence: channel.evidence,
      });
    }
  }
  return [...found.values()];
}

/** Channels that a stranger can read; patterns count only there, since a technical log may be technical. */
export function userReads(channel: string): boolean {
  return channel === 'reply' || channel === 'header' || channel === 'health' || channel === 'history';
}

/** Where the canary stands in the text, in any of the forms in which software tends to pass things on. */
export function canaryForms(canary: Canary, text: string): { form: string; offset: number }[] {
  const found: { form: string; offset: number }[] = [];
  const seek = (form: string, needle: string, haystack = text) => {
    if (needle.length < 6) return;
    const offset = haystack.indexOf(needle);
    if (offset !== -1 && !found.some((hit) => hit.offset === offset)) found.push({ form, offset });
  };
  const { value } = canary;
  seek('exact', value);
  if (found.length > 0) return found;
  seek('json-escaped', JSON.stringify(value).slice(1, -1).replaceAll('/', '\\/'));
  seek('url-encoded', encodeURIComponent(value));
  for (const needle of base64Needles(value)) seek('base64', needle);
  seek('hex', Buffer.from(value).toString('hex'), text.toLowerCase());
  seek('case-folded', value.toLowerCase(), text.toLowerCase());
  seek('split', value, text.replace(/[\s"',:{}[\]]+/g, ''));
  if (canary.kind === 'key' && value.length >= 24) {
    seek('masked-prefix', value.slice(0, 10));
    seek('masked-suffix', value.slice(-8));
    const both = maskedBothEnds(value).exec(text);
    if (both !== null && found.length === 0) found.push({ form: 'masked', offset: both.index });
  }
  return found;
}

/** Its first signs, then stars or dots, then its last ones: enough to tell which key it is. The bare `sk-…` with four last signs is what a careful mask shows. */
function maskedBothEnds(value: string): RegExp {
  const literal = (part: string) => part.replace(/[^\w]/g, '\\$&');
  return new RegExp(`${literal(value.slice(0, 6))}\\w{0,4}[*.…•x-]{2,60}\\w{0,4}${literal(value.slice(-4))}`);
}

/** Base64 of a text inside a longer one depends on where it falls: three alignments, the unsure ends cut off. */
function base64Needles(value: string): string[] {
  return [0, 1, 2].map((shift) => {
    const encoded = Buffer.from('\0'.repeat(shift) + value)
      .toString('base64')
      .replace(/=+$/, '');
    return encoded.slice(shift === 0 ? 0 : shift + 1, -2);
  });
}

function weakness(channel: string): { cwe: string; wstg: string } {
  if (channel.startsWith('log')) return { cwe: 'CWE-532', wstg: 'WSTG-ERRH-01' };
  if (channel === 'database' || channel === 'alert') return { cwe: 'CWE-312', wstg: 'WSTG-CRYP-04' };
  return { cwe: 'CWE-209', wstg: 'WSTG-ERRH-01' };
}
