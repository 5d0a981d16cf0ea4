// Answers of the admin API: what a route gives back, and the two ways in which refusals are written.
import { writeGoJson } from './go-json.ts';
import type { Refusal } from './refusal.ts';

export interface Reply {
  status: number;
  headers: Record<string, string>;
  body: string;
}

export const json = (body: string, status = 200): Reply => ({
  status,
  headers: { 'content-type': 'application/json' },
  body,
});

export const noContent: Reply = { status: 204, headers: {}, body: '' };

export const plainText = (status: number, text: string): Reply => ({
  status,
  headers: { 'content-type': 'text/plain; charset=utf-8', 'x-content-type-options': 'nosniff' },
  body: `${text}\n`,
});

/** JSON under the name of plain text: what the clients of Toxiproxy are used to. */
export const refused = ({ message, status }: Refusal): Reply =>
  plainText(status, writeGoJson({ error: message, status }));
