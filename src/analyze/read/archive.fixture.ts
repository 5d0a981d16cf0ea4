// For tests: archives made on the spot, and what is read of them in one line each.
import { createWriteStream, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { after } from 'node:test';
import { ZipFile } from 'yazl';
import type { ReadItem } from '../conversation.ts';
import { readExports } from './read-exports.ts';
import type { ReadOptions } from './read-options.ts';

export const folder = mkdtempSync(join(tmpdir(), 'rempart-archive-'));
after(() => rmSync(folder, { recursive: true }));

export const fixture = (name: string) =>
  readFileSync(join(import.meta.dirname, '../../../test/fixtures/exports', name));

export async function zip(name: string, members: readonly (readonly [string, Buffer | string])[]): Promise<string> {
  const file = new ZipFile();
  for (const [member, content] of members) file.addBuffer(Buffer.from(content), member);
  file.end();
  const path = join(folder, name);
  await pipeline(file.outputStream, createWriteStream(path));
  return path;
}

export async function read(paths: string[], options: ReadOptions = {}): Promise<string[]> {
  const items: string[] = [];
  for await (const item of readExports(paths, options)) items.push(shown(item));
  return items;
}

export function shown(item: ReadItem): string {
  const source = (item.kind === 'conversation' ? item.conversation.source : item.source).replace(`${folder}/`, '');
  if (item.kind === 'conversation') return `${source}: ${item.conversation.title}`;
  return `${source}: ${item.kind === 'broken' ? item.code : item.why}`;
}

export const chat = (title: string) => JSON.stringify([{ uuid: title, name: title, chat_messages: [] }]);
