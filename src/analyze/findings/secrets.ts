// Secrets in a conversation: a real one that somebody sent apart from one that the assistant made up.
import type { Author, Confidence, Finding, Severity } from '../../platform/documents/analysis.ts';
import { mask } from '../../platform/inspection/mask.ts';
import type { SecretHit, SecretScanner } from '../../platform/inspection/secrets.ts';
import type { Conversation, Message } from '../conversation.ts';
import { messageText } from '../extract/message-text.ts';

export interface FoundSecret {
  rule: string;
  provider: string;
  /** `leaked` came from outside the model; `made-up` was first written by the assistant. */
  kind: 'leaked' | 'made-up';
  messageIndex: number;
  author: Author;
  branch: string;
  /** From 1, in the message. */
  line: number;
  /** Masked. */
  excerpt: string;
  severity: Severity;
  confidence: Confidence;
}

const confidences: Readonly<Record<SecretHit['confidence'], Confidence>> = {
  certain: 'certain',
  probable: 'probable',
  doubtful: 'to-verify',
};
const severities: Readonly<Record<SecretHit['confidence'], Severity>> = {
  certain: 'critical',
  probable: 'high',
  doubtful: 'medium',
};
/** The longest line that is shown around a secret. */
const excerptChars = 240;

/** Placeholders are none; the same secret said again is told once, where it came first. */
export function secretsIn(conversation: Conversation, scanner: SecretScanner): FoundSecret[] {
  const seen = new Set<string>();
  return conversation.messages.flatMap((message) => secretsOfMessage(message, scanner, seen));
}

function secretsOfMessage(message: Message, scanner: SecretScanner, seen: Set<string>): FoundSecret[] {
  const text = messageText(message);
  const hits = scanner.find(text).filter(({ placeholder }) => !placeholder);
  const found: FoundSecret[] = [];
  for (const hit of hits) {
    const value = text.slice(hit.start, hit.end);
    if (seen.has(value)) continue;
    seen.add(value);
    const madeUp = message.author === 'assistant';
    found.push({
      rule: hit.rule,
      provider: hit.provider,
      kind: madeUp ? 'made-up' : 'leaked',
      messageIndex: message.index,
      author: message.author,
      branch: message.branch,
      line: text.slice(0, hit.start).split('\n').length,
      excerpt: lineAround(text, hit, hits),
      // What an assistant invents opens nothing, but teaches to write keys into code.
      severity: madeUp ? 'low' : severities[hit.confidence],
      confidence: confidences[hit.confidence],
    });
  }
  return found;
}

function lineAround(text: string, hit: SecretHit, hits: readonly SecretHit[]): string {
  const from = text.lastIndexOf('\n', hit.start - 1) + 1;
  const end = text.indexOf('\n', hit.start);
  const to = end < 0 ? text.length : end;
  const inLine = hits
    .filter(({ start, end: last }) => start < to && last > from)
    .map((one) => ({ ...one, start: Math.max(0, one.start - from), end: Math.min(to, one.end) - from }));
  return shortened(
    mask(text.slice(from, to), inLine, (one) => maskedLabel(text.slice(from + one.start, from + one.end))),
  );
}

function shortened(line: string): string {
  const plain = line.trim();
  return plain.length > excerptChars ? `${plain.slice(0, excerptChars - 1)}…` : plain;
}

/** The first four characters and the length: enough to recognise one's own key, too little to use it. */
export function maskedLabel(secret: string): string {
  return secret.length < 12 ? `•••(${secret.length})` : `${secret.slice(0, 4)}•••(${secret.length})`;
}

/** A text in which every secret is masked. */
export function withoutSecrets(text: string, scanner: SecretScanner): string {
  return mask(
    text,
    scanner.find(text).filter(({ placeholder }) => !placeholder),
    (hit) => maskedLabel(text.slice(hit.start, hit.end)),
  );
}

/** Where the same secrets stand in findings of code rules, so that one place is not told twice. */
export function sameLine(secret: FoundSecret, finding: Pick<Finding, 'messageIndex' | 'excerpt'>): boolean {
  return secret.messageIndex === finding.messageIndex && secret.excerpt === finding.excerpt;
}
