// The linter of compose files and Dockerfiles: text in, findings out. It reads nothing by itself and prints nothing.
import { hitOn, itemsOf, lacking, serviceChecks } from './compose-checks.ts';
import { type Project, readProject, type Service, type SourceFile, type Surroundings } from './compose-project.ts';
import { type Dockerfile, readDockerfile } from './dockerfile.ts';
import { dockerfileChecks, hitAt } from './dockerfile-checks.ts';
import { applyEdits, editsFor, type TextEdit } from './fixes.ts';
import type { Hit } from './hit.ts';
import { interpolate } from './interpolate.ts';
import { entryAt, type Place, textOf } from './located.ts';
import { asList } from './merge.ts';
import { projectChecks } from './network-checks.ts';
import type { ContainerRule, ContainerSeverity } from './rules.ts';
import { secretChecks } from './secret-checks.ts';
import { unifiedDiff } from './unified-diff.ts';

export interface ContainerFinding {
  rule: string;
  severity: ContainerSeverity;
  file: string;
  /** From 1; null where there is no text, as in a running container. */
  line: number | null;
  service: string | null;
  setting: string;
  value: string | null;
  message: string;
  fix: string;
  why: string;
  references: readonly string[];
  patch: ContainerPatch | null;
}

export interface ContainerPatch {
  /** For `patch -p1` or `git apply --unidiff-zero`. */
  diff: string;
  edits: readonly TextEdit[];
}

/** Each patch is read against the whole file: a file made of weaknesses gets its findings, and patches for the first of them. */
const maxPatches = 2_000;

export interface LintOptions {
  rules: readonly ContainerRule[];
  lang: 'en' | 'fr';
}

/** Compose files of one project, later over earlier. Throws YamlProblem. */
export function lintCompose(
  files: readonly SourceFile[],
  options: LintOptions,
  surroundings: Surroundings = {},
): ContainerFinding[] {
  return lintProject(readProject(files, surroundings), options, files);
}

/** A project that was put together elsewhere, such as from running containers. */
export function lintProject(
  project: Project,
  { rules, lang }: LintOptions,
  files: readonly SourceFile[] = [],
): ContainerFinding[] {
  const found = rules
    .filter(({ scope }) => scope === 'compose')
    .flatMap((rule) => hitsOf(rule, project).map((hit) => ({ rule, hit })));
  const hidden = hiddenLines(found.map(({ hit, rule }) => ({ at: hit.at, rule: rule.id })));
  return ordered(found.map(({ rule, hit }, at) => inWords(rule, hit, lang, at < maxPatches ? files : [], hidden)));
}

export function lintDockerfile(file: SourceFile, { rules, lang }: LintOptions): ContainerFinding[] {
  const dockerfile = readDockerfile(file.text);
  const found = rules
    .filter(({ scope }) => scope === 'dockerfile')
    .flatMap((rule) => dockerfileHits(rule, dockerfile, file.name).map((hit) => ({ rule, hit })));
  const hidden = hiddenLines(found.map(({ hit, rule }) => ({ at: hit.at, rule: rule.id })));
  return ordered(found.map(({ rule, hit }, at) => inWords(rule, hit, lang, at < maxPatches ? [file] : [], hidden)));
}

function hitsOf({ check }: ContainerRule, project: Project): Hit[] {
  if (check.kind === 'code' && Object.hasOwn(projectChecks, check.name))
    return projectChecks[check.name]?.(project) ?? [];
  return project.services.flatMap((service) => serviceHits(check, service, project));
}

function serviceHits(check: ContainerRule['check'], service: Service, project: Project): Hit[] {
  switch (check.kind) {
    case 'code':
      return (serviceChecks[check.name] ?? secretChecks[check.name])?.(service, project) ?? [];
    case 'value':
      return valueHits([check.setting], check.is, service, project);
    case 'any-value':
      return valueHits(check.settings, check.is, service, project);
    case 'unless': {
      const entry = entryAt(service.body, check.setting);
      if (entry === undefined) return [lacking(service, check.setting)];
      const text = interpolate(textOf(entry.value) ?? '', project.variables);
      return matches(check.is, text) ? [] : [hitOn(service, entry, { value: textOf(entry.value) ?? '' })];
    }
    case 'absent':
      return absentHits(check.settings, service, project);
    case 'item':
      return itemHits(check, service, project);
    case 'needs-item':
      return needsItemHits(check, service, project);
    case 'instruction':
      return [];
  }
}

function valueHits(settings: readonly string[], is: string, service: Service, project: Project): Hit[] {
  return settings.flatMap((setting) => {
    const entry = entryAt(service.body, setting);
    const text = textOf(entry?.value);
    if (entry === undefined || text === undefined || !matches(is, interpolate(text, project.variables))) return [];
    return [hitOn(service, entry, { value: text })];
  });
}

/** A limit of 0 or −1 is Docker's way of saying none. */
function absentHits(settings: readonly string[], service: Service, project: Project): Hit[] {
  const limited = settings.some((setting) => {
    const text = textOf(entryAt(service.body, setting)?.value);
    return text !== undefined && !/^(-\d+|0+(\.0+)?[a-z]*|)$/i.test(interpolate(text, project.variables));
  });
  const [first = ''] = settings;
  return limited ? [] : [lacking(service, first)];
}

function itemHits(check: { setting: string; is: string }, service: Service, project: Project): Hit[] {
  const entry = entryAt(service.body, check.setting);
  if (entry === undefined || entry.value.kind === 'scalar') return [];
  const list = asList(entry.value);
  return list.items
    .filter((item) => matches(check.is, interpolate(textOf(item) ?? '', project.variables)))
    .map((item) => hitOn(service, entry, { at: item.at, value: textOf(item) ?? '', list, item }));
}

function needsItemHits(
  check: { setting: string; is: string; instead?: string | undefined },
  service: Service,
  project: Project,
): Hit[] {
  const entry = entryAt(service.body, check.setting);
  const items = itemsOf(entry?.value);
  const words = items.map((item) => interpolate(textOf(item) ?? '', project.variables));
  if (words.some((word) => matches(check.is, word))) return [];
  const { instead } = check;
  const contrary = instead === undefined ? undefined : items[words.findIndex((word) => matches(instead, word))];
  if (entry === undefined) return [lacking(service, check.setting)];
  return contrary === undefined
    ? [hitOn(service, entry)]
    : [hitOn(service, entry, { at: contrary.at, value: textOf(contrary) ?? '', item: contrary })];
}

function dockerfileHits({ check }: ContainerRule, dockerfile: Dockerfile, file: string): Hit[] {
  if (check.kind === 'code') return dockerfileChecks[check.name]?.(dockerfile, file) ?? [];
  if (check.kind !== 'instruction') return [];
  return dockerfile.instructions
    .filter((instruction) => {
      const { name, text } = instruction.name === 'ONBUILD' ? laterOne(instruction.text) : instruction;
      if (!matches(`^${check.name}$`, name) || !matches(check.is, text)) return false;
      return check.unless === undefined || !matches(check.unless, text);
    })
    .map((instruction) => hitAt(instruction, file));
}

/** ONBUILD holds the instruction that an image built from this one will run. */
function laterOne(text: string): { name: string; text: string } {
  const [, name = '', rest = ''] = /^(\S+)\s*([\s\S]*)$/.exec(text) ?? [];
  return { name: name.toUpperCase(), text: rest };
}

const compiled = new Map<string, RegExp>();

function matches(pattern: string, text: string): boolean {
  let regex = compiled.get(pattern);
  if (regex === undefined) {
    regex = new RegExp(pattern, 'i');
    compiled.set(pattern, regex);
  }
  return regex.test(text);
}

/** Lines on which a secret stands: no patch may quote them. */
function hiddenLines(found: readonly { at: Place; rule: string }[]): ReadonlyMap<string, ReadonlySet<number>> {
  const byFile = new Map<string, Set<number>>();
  for (const { at, rule } of found) {
    if (!/secret/.test(rule)) continue;
    const lines = byFile.get(at.file) ?? new Set();
    lines.add(at.line);
    byFile.set(at.file, lines);
  }
  return byFile;
}

function inWords(
  rule: ContainerRule,
  hit: Hit,
  lang: 'en' | 'fr',
  files: readonly SourceFile[],
  hidden: ReadonlyMap<string, ReadonlySet<number>>,
): ContainerFinding {
  const facts = { service: hit.service ?? '', setting: hit.setting, value: hit.value ?? '', ...hit.facts };
  const fill = (text: string) =>
    text.replace(/\{(\w+)\}/g, (place, name: string) => String((facts as Record<string, unknown>)[name] ?? place));
  const source = files.find(({ name }) => name === hit.at.file);
  return {
    rule: rule.id,
    severity: rule.severity,
    file: hit.at.file,
    line: hit.at.line === 0 ? null : hit.at.line,
    service: hit.service,
    setting: hit.setting,
    value: hit.value === undefined || hit.value === '' ? null : hit.value,
    message: fill(rule[lang].message),
    fix: fill(rule[lang].fix),
    why: fill(rule[lang].why),
    references: rule.references,
    patch: source === undefined ? null : patchFor(rule, hit, source, hidden.get(source.name) ?? new Set()),
  };
}

function patchFor(
  rule: ContainerRule,
  hit: Hit,
  source: SourceFile,
  hidden: ReadonlySet<number>,
): ContainerPatch | null {
  const edits = editsFor(rule.fix, hit, source.text);
  if (edits === null) return null;
  const diff = unifiedDiff(source.name.replace(/^\/+/, ''), source.text, applyEdits(source.text, edits), hidden);
  return diff === null ? null : { diff, edits };
}

function ordered(findings: ContainerFinding[]): ContainerFinding[] {
  return findings.toSorted((a, b) => a.file.localeCompare(b.file) || (a.line ?? 0) - (b.line ?? 0));
}
