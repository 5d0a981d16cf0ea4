// One evidence line in one line of text, in the words of the evidence file itself so that it can be looked up there.
import type { Evidence } from '../scenarios/evidence.ts';

/** Shown in columns of their own, or too long to help. */
const elsewhere = new Set([
  'id',
  't',
  'kind',
  'canaries',
  'scenarios',
  'rubric',
  'promises',
  'headers',
  'conversation',
  'identity',
]);
const long = new Set(['body', 'text', 'answer', 'detail', 'proof', 'error', 'why']);

export function tellEvidence(line: Evidence): string {
  const fields = Object.entries(line).filter(([name]) => !elsewhere.has(name));
  // Long texts last, so that shortening them hides nothing else.
  const ordered = [...fields.filter(([name]) => !long.has(name)), ...fields.filter(([name]) => long.has(name))];
  return ordered.map(([name, value]) => tellField(name, value, line)).join(' ');
}

function tellField(name: string, value: unknown, line: Evidence): string {
  if (name === 'endT') return `took=${Math.round(Number(value) - line.t)}ms`;
  // What a log held before the fault says nothing about it.
  if (name === 'text' && line.kind === 'log') return `text=${line.text.slice(line.baselineLength)}`;
  if (value === null) return `${name}=-`;
  return `${name}=${typeof value === 'object' ? JSON.stringify(value) : String(value)}`;
}

/** At most this much of a line is shown; the whole of it stands in the evidence file. */
export function excerpt(text: string, most = 240): string {
  return text.length <= most ? text : `${text.slice(0, most)}…`;
}
