// This machine, looked at once: listeners, firewall, running containers, settings, secrets. What could not be seen is said.
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import type { Config } from '../../../config.ts';
import { RempartError } from '../../../platform/base/errors.ts';
import { fileIssue } from '../../../platform/base/schema-issue.ts';
import { engineSocket } from '../../../platform/containers/engine-socket.ts';
import type { PostureFinding } from '../../../platform/documents/posture.ts';
import { socketsHere } from '../../../platform/host/sockets.ts';
import type { Say } from '../../../platform/i18n/say.ts';
import { lintProject } from '../../../platform/inspection/containers/lint.ts';
import { loadContainerRules } from '../../../platform/inspection/containers/rules.ts';
import type { Aspect } from '../score/controls.ts';
import { runningContainers } from './engine.ts';
import { decide, type Firewall, namesPort, readFirewall } from './firewall.ts';
import { type HostHit, hostFindings } from './host-findings.ts';
import { judgeListeners, strangers } from './listeners.ts';
import { judgeConfiguration, judgeHostBridge, judgeOllamaSettings, judgeSecretFiles } from './settings.ts';

export interface HostParts {
  lang: 'en' | 'fr';
  say: Say;
  env: Readonly<Record<string, string | undefined>>;
  config: Config;
  data: string;
  folder: string;
  /** A recorded firewall instead of this machine's. */
  firewallFile?: string | undefined;
  modelPort: number;
  timeoutMs: number;
}

export interface HostScan {
  findings: PostureFinding[];
  looked: Set<Aspect>;
  notAssessed: { what: string; why: string }[];
}

export async function scanHost(parts: HostParts): Promise<HostScan> {
  const { say, lang, config } = parts;
  const looked = new Set<Aspect>(['configuration', 'secrets']);
  const notAssessed: HostScan['notAssessed'] = [];
  const missed = (what: Parameters<Say>[0], why: Parameters<Say>[0]) =>
    notAssessed.push({ what: say(what), why: say(why) });
  const firewall = await firewallOf(parts);
  const hits: HostHit[] = [];
  const sockets = socketsHere();
  if (sockets === undefined) missed('posture.host.listeners', 'posture.host.listeners.none');
  else {
    looked.add('listeners');
    const own = new Set([config.gateway.port, config.console.port]);
    hits.push(...(await judgeListeners({ sockets, firewall, timeoutMs: parts.timeoutMs, own })));
  }
  // A recorded firewall is judged by itself: there is no listener beside it.
  if (parts.firewallFile !== undefined && firewall !== undefined)
    hits.push(...judgeRecorded(firewall, parts.modelPort));
  hits.push(
    ...judgeOllamaSettings(parts.env),
    ...judgeHostBridge(),
    ...judgeSecretFiles(parts.data, parts.folder, parts.env),
    ...judgeConfiguration(config),
  );
  // Nothing listens and no rule speaks of the port: that is no proof of a firewall.
  const spoke = hits.some(({ rule }) => rule.startsWith('host/firewall-') || rule === 'host/llm-held');
  if (firewall === undefined) missed('posture.host.firewall', 'posture.host.firewall.none');
  else if (spoke || strangers.every((source) => decide(firewall, parts.modelPort, source) === 'drop'))
    looked.add('firewall');
  else missed('posture.host.firewall', 'posture.host.firewall.unneeded');
  const containers = await containersOf(parts, looked, missed);
  return { findings: [...hostFindings(hits, lang), ...containers], looked, notAssessed };
}

async function containersOf(
  { env, lang, timeoutMs }: HostParts,
  looked: Set<Aspect>,
  missed: (what: Parameters<Say>[0], why: Parameters<Say>[0]) => unknown,
): Promise<PostureFinding[]> {
  const socket = engineSocket(env);
  if (socket === undefined) {
    missed('posture.host.containers', 'posture.host.containers.none');
    return [];
  }
  try {
    const project = await runningContainers(socket, timeoutMs);
    looked.add('compose');
    const found = lintProject(project, { rules: loadContainerRules(), lang });
    return found.map((one) => ({ ...one, references: [...one.references], patch: null }));
  } catch {
    missed('posture.host.containers', 'posture.host.containers.silent');
    return [];
  }
}

function judgeRecorded(firewall: Firewall, port: number): HostHit[] {
  const open = strangers.some((source) => decide(firewall, port, source) === 'accept');
  if (!open) return [];
  const rule = namesPort(firewall, port) || firewall.kind === 'netsh' ? 'host/firewall-open' : 'host/firewall-missing';
  return [{ rule, setting: String(port), facts: { what: firewall.kind, port } }];
}

const run = promisify(execFile);
const commands: readonly [string, readonly string[]][] = [
  ['nft', ['-j', 'list', 'ruleset']],
  ['iptables', ['-S']],
  ['netsh', ['advfirewall', 'firewall', 'show', 'rule', 'name=all']],
];

/** The first of the three that has rules; else the first that could be asked. */
async function firewallOf({ firewallFile }: HostParts): Promise<Firewall | undefined> {
  if (firewallFile !== undefined) return recorded(firewallFile);
  let asked: Firewall | undefined;
  for (const [command, args] of commands) {
    try {
      const { stdout } = await run(command, [...args], { timeout: 10_000, maxBuffer: 32 * 1024 * 1024 });
      const read = readFirewall(stdout);
      if (read?.chains.some(({ rules, policy }) => rules.length > 0 || policy === 'drop') === true) return read;
      asked ??= read;
    } catch {
      // Not there, or not allowed to ask: the next may be.
    }
  }
  return asked;
}

function recorded(file: string): Firewall {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new RempartError('ERR_POSTURE_FILE_UNREADABLE', { file, what: fileIssue(error) }, error);
  }
  const read = readFirewall(text);
  if (read === undefined) throw new RempartError('ERR_POSTURE_FIREWALL', { file });
  return read;
}
