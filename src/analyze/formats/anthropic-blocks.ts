// Content blocks as Claude writes them, in exports and in Claude Code's logs: text, thinking, tools, artifacts, files.
import type { Part } from '../conversation.ts';
import { type Documents, replaced, withVersion } from '../extract/document-versions.ts';
import { endingOf } from '../extract/file-names.ts';
import { firstText, isShape, list, type Shape, shape, shapes, text, textsWithin } from './shape.ts';

export interface Blocks {
  parts: Part[];
  unknown: string[];
  failed: boolean;
  /** The documents as they stand behind this message. */
  after: Documents;
}

export function readBlocks(content: unknown, before: Documents): Blocks {
  const blocks: Blocks = { parts: [], unknown: [], failed: false, after: before };
  if (typeof content === 'string') addText(blocks, content);
  for (const block of list(content)) {
    if (typeof block === 'string') addText(blocks, block);
    else if (isShape(block)) addBlock(blocks, block);
  }
  return blocks;
}

type Add = (into: Blocks, block: Shape) => void;

const adders: Record<string, Add> = {
  text: (into, block) => addText(into, text(block['text'])),
  thinking: (into, block) => addText(into, text(block['thinking'])),
  voice_note: (into, block) => addText(into, firstText(block['text'], block['transcript']) ?? ''),
  tool_use: addToolUse,
  server_tool_use: addToolUse,
  mcp_tool_use: addToolUse,
  tool_result: addToolResult,
  mcp_tool_result: addToolResult,
  web_search_tool_result: addToolResult,
  web_fetch_tool_result: addToolResult,
  code_execution_tool_result: addToolResult,
  bash_code_execution_tool_result: addToolResult,
  text_editor_code_execution_tool_result: addToolResult,
  image: addFile,
  document: addFile,
  file: addFile,
  container_upload: addFile,
  redacted_thinking: () => {},
  token_budget: () => {},
  flag: () => {},
};

function addBlock(into: Blocks, block: Shape): void {
  const type = text(block['type']);
  const add = Object.hasOwn(adders, type) ? adders[type] : undefined;
  if (add !== undefined) {
    add(into, block);
    return;
  }
  into.unknown.push(type || '(no type)');
  addOutput(into, textsWithin(block).join('\n'));
}

function addText(into: Blocks, value: string): void {
  if (value !== '') into.parts.push({ kind: 'prose', text: value });
}

function addOutput(into: Blocks, value: string): void {
  if (value !== '') into.parts.push({ kind: 'output', text: value });
}

function addCode(into: Blocks, code: string, language: string | null, file?: string): void {
  if (code !== '') into.parts.push({ kind: 'code', text: code, language, ...(file === undefined ? {} : { file }) });
}

function addFile(into: Blocks, block: Shape): void {
  const source = shape(block['source']);
  const name =
    firstText(block['title'], block['file_name'], block['filename'], block['file_uuid']) ?? text(block['type']);
  const said = text(source['type']) === 'text' ? text(source['data']) : text(block['text']);
  into.parts.push({ kind: 'attachment', name, text: said === '' ? null : said });
}

/** What a tool is asked to do: writing a document, running code, or a call whose texts are shown as they are. */
function addToolUse(into: Blocks, block: Shape): void {
  const input = shape(block['input']);
  const name = text(block['name']);
  if (name === 'artifacts') {
    addArtifact(into, input);
    return;
  }
  const path = firstText(input['path'], input['file_path'], input['notebook_path']);
  const whole = firstText(input['file_text'], ...(path === null ? [] : [input['content'], input['new_source']]));
  if (path !== null && whole !== null) {
    write(into, path, whole, endingOf(path));
    return;
  }
  if (path !== null && firstText(input['old_str'], input['old_string']) !== null) {
    addReplacement(into, path, [input]);
    return;
  }
  if (path !== null && Array.isArray(input['edits'])) {
    addReplacement(into, path, shapes(input['edits']));
    return;
  }
  const command = firstText(input['command'], input['cmd']);
  if (command !== null && /bash|shell|terminal|exec|run_command/i.test(name)) {
    addCode(into, command, 'bash');
    return;
  }
  const code = firstText(input['code'], input['widget_code']);
  if (code !== null) {
    addCode(into, code, /repl|analysis/i.test(name) ? 'javascript' : text(input['language']) || null);
    return;
  }
  addOutput(into, textsWithin(input).join('\n'));
}

function addArtifact(into: Blocks, input: Shape): void {
  const id = text(input['id']) || 'artifact';
  const command = text(input['command']);
  if (command === 'update') {
    addReplacement(into, id, [input]);
    return;
  }
  const content = text(input['content']);
  if (content !== '') {
    write(into, id, content, artifactLanguage(input));
    return;
  }
  if (command !== 'view') addOutput(into, textsWithin(input).join('\n'));
}

const artifactTypes: Record<string, string> = {
  'application/vnd.ant.react': 'tsx',
  'text/html': 'html',
  'image/svg+xml': 'html',
  'text/markdown': 'markdown',
};

function artifactLanguage(input: Shape): string | null {
  const type = text(input['type']);
  return (text(input['language']) || (Object.hasOwn(artifactTypes, type) ? artifactTypes[type] : null)) ?? null;
}

function write(into: Blocks, file: string, whole: string, language: string | null): void {
  const known = language ?? into.after.get(file)?.language ?? null;
  into.after = withVersion(into.after, file, { text: whole, language: known });
  if (known === 'markdown' || known === 'md') addText(into, whole);
  else addCode(into, whole, known, file);
}

/** Replacements in a document: the whole new version; where its start is not in the export, the new piece alone. */
function addReplacement(into: Blocks, file: string, edits: readonly Shape[]): void {
  const now = into.after.get(file);
  const language = now?.language ?? endingOf(file);
  let whole: string | null = now?.text ?? null;
  for (const edit of edits) {
    const fresh = firstText(edit['new_str'], edit['new_string']) ?? '';
    const old = firstText(edit['old_str'], edit['old_string']) ?? '';
    if (whole !== null)
      whole =
        edit['replace_all'] === true && old !== '' ? whole.replaceAll(old, () => fresh) : replaced(whole, old, fresh);
  }
  if (whole !== null) {
    write(into, file, whole, language);
    return;
  }
  for (const edit of edits) addCode(into, firstText(edit['new_str'], edit['new_string']) ?? '', language, file);
}

function addToolResult(into: Blocks, block: Shape): void {
  if (block['is_error'] === true || shape(block['content'])['return_code'] === 1) into.failed = true;
  const content = block['content'];
  if (typeof content === 'string') {
    addOutput(into, content);
    return;
  }
  if (isShape(content)) {
    addOutput(into, textsWithin(content).join('\n'));
    return;
  }
  for (const piece of list(content)) {
    if (typeof piece === 'string') addOutput(into, piece);
    else if (isShape(piece)) addResultPiece(into, piece);
  }
}

const resultTypes = new Set([
  'text',
  'knowledge',
  'local_resource',
  'tool_reference',
  'web_search_result',
  'search_result',
  'resource',
  'rich_link',
  'resource_link',
]);

function addResultPiece(into: Blocks, piece: Shape): void {
  const type = text(piece['type']);
  if (type === 'image' || type === 'document') {
    addFile(into, piece);
    return;
  }
  if (!resultTypes.has(type)) into.unknown.push(`tool_result ${type || '(no type)'}`);
  addOutput(into, firstText(piece['text']) ?? textsWithin(piece).join('\n'));
}
