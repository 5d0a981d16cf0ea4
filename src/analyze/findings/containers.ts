// Weaknesses of compose files and Dockerfiles in a conversation: what is written is a finding, what is left out is a possibility.
import type { Confidence, Severity } from '../../platform/documents/analysis.ts';
import { type Lang, say } from '../../platform/i18n/say.ts';
import { isCompose } from '../../platform/inspection/containers/compose-project.ts';
import { type ContainerFinding, lintCompose, lintDockerfile } from '../../platform/inspection/containers/lint.ts';
import { readYaml } from '../../platform/inspection/containers/located.ts';
import { loadContainerRules } from '../../platform/inspection/containers/rules.ts';
import type { CodeBlock } from '../conversation.ts';

export interface ContainerWeakness {
  rule: string;
  cwe: readonly string[];
  owasp: string[];
  title: string;
  severity: Severity;
  confidence: Confidence;
  line: number;
  explanation: string;
  exploitation: string;
  fix: string;
  /** The good practice whose absence it is; null when something wrong is written. */
  lacks: string | null;
}

interface Meaning {
  cwe: readonly string[];
  /** A fragment that leaves a setting out may have it elsewhere. */
  lacks?: string;
}

const misconfigured = ['A05:2021'];
const meanings: Readonly<Record<string, Meaning>> = {
  'dockerfile/user-unset': { cwe: ['CWE-250'], lacks: 'non-root' },
  'dockerfile/user-root': { cwe: ['CWE-250'] },
  'dockerfile/from-latest': { cwe: ['CWE-1357', 'CWE-829'] },
  'dockerfile/from-digest': { cwe: ['CWE-1357'], lacks: 'signed-images' },
  'dockerfile/add-url': { cwe: ['CWE-494'] },
  'dockerfile/pipe-to-shell': { cwe: ['CWE-494'] },
  'dockerfile/secret': { cwe: ['CWE-538', 'CWE-798'] },
  'dockerfile/sudo': { cwe: ['CWE-250'] },
  'dockerfile/chmod-777': { cwe: ['CWE-732'] },
  'dockerfile/sshd': { cwe: ['CWE-250'] },
  'compose/image-latest': { cwe: ['CWE-1357', 'CWE-829'] },
  'compose/image-digest': { cwe: ['CWE-1357'], lacks: 'signed-images' },
  'compose/network-host': { cwe: ['CWE-653', 'CWE-668'] },
  'compose/pid-host': { cwe: ['CWE-653'] },
  'compose/ipc-host': { cwe: ['CWE-653'] },
  'compose/namespace-host': { cwe: ['CWE-653'] },
  'compose/docker-socket': { cwe: ['CWE-250'] },
  'compose/host-mount': { cwe: ['CWE-552'] },
  'compose/host-bridge': { cwe: ['CWE-668'] },
  // A page is to be reached; whether from everywhere is said by the host's firewall too.
  'compose/port-everywhere': { cwe: ['CWE-668', 'CWE-1327'], lacks: 'network-isolation' },
  'compose/port-sensitive': { cwe: ['CWE-668', 'CWE-1327'] },
  'compose/networks-flat': { cwe: ['CWE-653'], lacks: 'network-isolation' },
  'compose/network-not-internal': { cwe: ['CWE-653'] },
  'compose/internal-way-out': { cwe: ['CWE-653'] },
  'compose/wildcard-origins': { cwe: ['CWE-942'] },
  'compose/privileged': { cwe: ['CWE-250'] },
  'compose/user-root': { cwe: ['CWE-250'] },
  'compose/user-unset': { cwe: ['CWE-250'], lacks: 'non-root' },
  'compose/cap-drop': { cwe: ['CWE-250'], lacks: 'dropped-capabilities' },
  'compose/cap-add': { cwe: ['CWE-250'] },
  'compose/no-new-privileges': { cwe: ['CWE-250'], lacks: 'dropped-capabilities' },
  'compose/seccomp-unconfined': { cwe: ['CWE-250'] },
  'compose/apparmor-unconfined': { cwe: ['CWE-250'] },
  'compose/selinux-disabled': { cwe: ['CWE-250'] },
  'compose/read-only': { cwe: ['CWE-732'], lacks: 'read-only-filesystem' },
  'compose/devices': { cwe: ['CWE-250'] },
  'compose/sysctls': { cwe: ['CWE-250'] },
  'compose/memory-limit': { cwe: ['CWE-770'], lacks: 'resource-limits' },
  'compose/cpu-limit': { cwe: ['CWE-770'], lacks: 'resource-limits' },
  'compose/pids-limit': { cwe: ['CWE-770'], lacks: 'resource-limits' },
  'compose/secret-environment': { cwe: ['CWE-798', 'CWE-526'] },
  'compose/secret-url': { cwe: ['CWE-798'] },
  'compose/secret-command': { cwe: ['CWE-214', 'CWE-798'] },
};

/**
 * What is left out once per rule: a file of ten services that all lack a limit lacks limits once. What is written wrong once
 * per place: a second privileged service stays when the first is mended.
 */
export function findInContainers(block: CodeBlock, lang: Lang): ContainerWeakness[] {
  const told = new Map<string, ContainerWeakness>();
  for (const found of linted(block, lang)) {
    const meaning = meanings[found.rule];
    if (meaning === undefined) continue;
    const place = meaning.lacks === undefined ? `${found.rule} ${found.line}` : found.rule;
    if (!told.has(place)) told.set(place, weakness(found, meaning, lang));
  }
  return [...told.values()];
}

const known = new WeakMap<CodeBlock, boolean>();

/** Whether a block is one that these rules read; asked several times of each. */
export function isContainerFile(block: CodeBlock): boolean {
  let is = known.get(block);
  if (is === undefined) {
    is = holdsServices(block);
    known.set(block, is);
  }
  return is;
}

function holdsServices(block: CodeBlock): boolean {
  if (block.language === 'dockerfile') return true;
  if (block.language !== 'yaml' || !/^\s*services\s*:/m.test(block.text)) return false;
  try {
    return isCompose(readYaml('compose.yaml', block.text));
  } catch {
    // Half of a file, or YAML in pseudo-code: the other rules for YAML still read it as text.
    return false;
  }
}

function linted(block: CodeBlock, lang: Lang): ContainerFinding[] {
  const rules = loadContainerRules();
  if (!isContainerFile(block)) return [];
  const file = {
    name: block.file ?? (block.language === 'dockerfile' ? 'Dockerfile' : 'compose.yaml'),
    text: block.text,
  };
  return block.language === 'dockerfile' ? lintDockerfile(file, { rules, lang }) : lintCompose([file], { rules, lang });
}

const harms: Readonly<Record<string, Harm>> = {
  'CWE-250': 'privilege',
  'CWE-798': 'secret',
  'CWE-538': 'secret',
  'CWE-214': 'secret',
  'CWE-1357': 'supply',
  'CWE-494': 'supply',
  'CWE-732': 'writable',
  'CWE-668': 'exposed',
  'CWE-653': 'isolation',
  'CWE-770': 'limits',
  'CWE-552': 'mount',
};
type Harm = 'privilege' | 'secret' | 'supply' | 'writable' | 'exposed' | 'isolation' | 'limits' | 'mount';

function exploitation(cwe: readonly string[], lang: Lang): string {
  const harm = harms[cwe[0] ?? ''];
  return say(lang, harm === undefined ? 'finding.container.exploitation' : `finding.container.exploitation.${harm}`);
}

function weakness(found: ContainerFinding, { cwe, lacks }: Meaning, lang: Lang): ContainerWeakness {
  return {
    rule: `containers.${found.rule.replace('/', '.')}`,
    cwe,
    owasp: misconfigured,
    title: found.message,
    severity: found.severity,
    confidence: lacks === undefined ? 'certain' : 'to-verify',
    line: found.line ?? 1,
    explanation: found.why,
    exploitation: exploitation(cwe, lang),
    fix: found.fix,
    lacks: lacks ?? null,
  };
}
