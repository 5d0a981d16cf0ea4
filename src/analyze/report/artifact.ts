// The name under which a message's code is known outside: a virtual path made of plain characters only.
import type { AnalysedConversation, Finding } from '../../platform/documents/analysis.ts';
import { messageNumber } from './words.ts';

const endings: Readonly<Record<string, string>> = {
  python: 'py',
  javascript: 'js',
  typescript: 'ts',
  tsx: 'tsx',
  java: 'java',
  go: 'go',
  php: 'php',
  ruby: 'rb',
  c: 'c',
  csharp: 'cs',
  bash: 'sh',
  sql: 'sql',
  yaml: 'yaml',
  html: 'html',
  prose: 'md',
};

/** `conversations/001-python-login/msg-0012/block-02.py`; a finding of the prose is in the message itself. */
export function artifactPath(place: number, { title }: AnalysedConversation, finding: Finding): string {
  const folder = `conversations/${padded(place, 3)}${slug(title)}`;
  const message = `msg-${padded(messageNumber(finding.messageIndex), 4)}`;
  const ending = Object.hasOwn(endings, finding.language) ? endings[finding.language] : 'txt';
  if (finding.language === 'dockerfile')
    return `${folder}/${message}/block-${padded(finding.block ?? 1, 2)}.Dockerfile`;
  if (finding.block === undefined && finding.language === 'prose') return `${folder}/${message}.md`;
  return `${folder}/${message}/block-${padded(finding.block ?? 1, 2)}.${ending}`;
}

function slug(title: string): string {
  const plain = title
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, 48)
    .replace(/^-|-$/g, '');
  return plain === '' ? '' : `-${plain}`;
}

function padded(number: number, width: number): string {
  return String(number).padStart(width, '0');
}
