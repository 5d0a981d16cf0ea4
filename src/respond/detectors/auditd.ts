// The detector that reads the audit log: programs run by the users of services, and the system calls with which one leaves a container.
import { type AuditEvent, createAuditEvents } from './audit-log.ts';
import type { Detector, DetectorContext } from './detector.ts';
import { harmless } from './harmless.ts';
import type { LogFollower } from './log-follower.ts';
import { createRecent } from './recent.ts';
import type { Timers } from './timers.ts';
import { createUsual } from './usual.ts';

export interface AuditdSettings {
  /** Users that only serve: for them to start a shell is an intrusion. */
  serviceUsers: readonly number[];
  /** First of the ids that container engines give to users inside (subuid); 0: none are mapped. */
  containerUidsFrom: number;
}

export const defaultAuditd: AuditdSettings = { serviceUsers: [33, 48], containerUidsFrom: 100_000 };

interface Finding {
  rule: string;
  type: 'container-escape' | 'unauthorised-access';
  severity: 'high' | 'critical';
}

/** Names as `ausearch -i` gives them, and numbers of x86_64 and of aarch64 (asm-generic/unistd.h). */
const syscalls: Readonly<Record<string, readonly string[]>> = {
  execve: ['execve', 'execveat', '59', '322', '221', '281'],
  mount: ['mount', 'move_mount', 'fsmount', '165', '429', '432', '40'],
  ptrace: ['ptrace', 'process_vm_writev', '101', '311', '117', '271'],
  setns: ['setns', '308', '268'],
  module: ['init_module', 'finit_module', '175', '313', '105', '273'],
};
/** A number means one thing on one processor only. */
const aarch64 = 'c00000b7';
const onArm = new Set(['221', '281', '40', '117', '271', '268', '105', '273']);

const shells = /\/(?:ba|da|a|z|k|c)?sh$|\/busybox$/;
const escapeTools = /\/(?:nsenter|unshare|insmod|modprobe|docker|podman|ctr|runc|crictl)$/;
const relays = /\/(?:nc|ncat|netcat|nc\.(?:openbsd|traditional)|socat)$/;
/** CAP_SYS_MODULE, CAP_SYS_PTRACE, CAP_SYS_ADMIN (linux/capability.h). */
const hostCapabilities = [16n, 19n, 21n];
const engines =
  /\/(?:dockerd|containerd(?:-shim[\w-]*)?|docker-init|runc|crun|conmon|podman|buildkitd|kubelet|systemd[\w-]*|snapd|snap-confine|flatpak|bwrap|gdm[\w-]*|sshd(?:-session)?)$/;
const engineSockets = /(?:^|\/)(?:docker|podman|containerd|crio)\.sock$/;
const releaseAgent = /(?:^|\/)(?:release_agent|core_pattern|notify_on_release|uevent_helper)$/;
const shellWindowMs = 600_000;
const unset = '4294967295';

export function auditdDetector(follower: LogFollower, timers: Timers, settings = defaultAuditd): Detector {
  return {
    name: 'auditd',
    types: ['container-escape', 'unauthorised-access'],
    deadAfterMs: 60_000,
    start(context) {
      const shellsOf = createRecent(shellWindowMs);
      const usualShells = createUsual(shellWindowMs);
      const events = createAuditEvents((event) => {
        const finding = judge(event, settings);
        if (finding !== undefined) return tell(context, event, finding);
        if (!isServiceShell(event, settings)) return;
        // Some applications start one for each picture they make smaller.
        const name = `uid ${event.fields['uid']}`;
        const most = Math.max(10, 6 * (usualShells.add(name, event.time) ?? 5));
        if (shellsOf.add(name, event.time) < most * context.tightness()) return;
        shellsOf.forget(name);
        tell(context, event, { rule: 'service-shells', type: 'unauthorised-access', severity: 'high' });
      });
      const following = follower.follow(context, ({ text }) => events.add(text, context.now()));
      const end = timers.every(200, () => events.settle(context.now()));
      return {
        async close() {
          end();
          await following.close();
        },
      };
    },
  };
}

/** What the event tells of, by itself. */
export function judge(event: AuditEvent, settings: AuditdSettings): Finding | undefined {
  const { fields, paths } = event;
  if (fields['success'] === 'no' && fields['res'] !== 'success') return refused(event, settings);
  const exe = fields['exe'] ?? '';
  // Engines and the system's own manager mount, enter namespaces and set capabilities all day.
  if (engines.test(exe)) return undefined;
  const isInside = inContainer(event, settings);
  if (paths.some((path) => releaseAgent.test(path)) && isInside)
    return { rule: 'release-agent', type: 'container-escape', severity: 'critical' };
  if (paths.some((path) => engineSockets.test(path)) && (isInside || isService(event, settings)))
    return { rule: 'engine-socket', type: 'container-escape', severity: 'critical' };
  if (!isInside && !isService(event, settings)) return undefined;
  for (const name of ['mount', 'setns', 'module', 'ptrace'])
    if (isCall(fields, name)) return { rule: name, type: 'container-escape', severity: 'critical' };
  if (gainsTheHost(event)) return { rule: 'capset', type: 'container-escape', severity: 'critical' };
  if (!isCall(fields, 'execve')) return undefined;
  if (escapeTools.test(exe)) return { rule: 'escape-tool', type: 'container-escape', severity: 'critical' };
  const isTalking = shells.test(exe) && event.argv.slice(1).some((word) => /^-\w{0,4}i\w{0,4}$/.test(word));
  if (relays.test(exe) || (isTalking && isService(event, settings)))
    return { rule: isTalking ? 'shell-that-talks' : 'relay', type: 'unauthorised-access', severity: 'high' };
  return undefined;
}

/** A record of its own says which capabilities a process has from now on; to have fewer is no matter. */
function gainsTheHost({ types, fields }: AuditEvent): boolean {
  if (!types.has('CAPSET') || !/^[\da-f]{1,16}$/i.test(fields['cap_pe'] ?? '')) return false;
  const effective = BigInt(`0x${fields['cap_pe']}`);
  return hostCapabilities.some((bit) => (effective >> bit) % 2n === 1n);
}

/** Tried and refused is told of only where nothing harmless tries it. */
function refused(event: AuditEvent, settings: AuditdSettings): Finding | undefined {
  if (!inContainer(event, settings) || engines.test(event.fields['exe'] ?? '')) return undefined;
  if (isCall(event.fields, 'module') || isCall(event.fields, 'setns'))
    return { rule: 'refused', type: 'container-escape', severity: 'high' };
  return undefined;
}

function isServiceShell(event: AuditEvent, settings: AuditdSettings): boolean {
  const { fields } = event;
  return (
    isCall(fields, 'execve') &&
    isService(event, settings) &&
    shells.test(fields['exe'] ?? '') &&
    fields['success'] !== 'no'
  );
}

function isCall(fields: Readonly<Record<string, string>>, name: string): boolean {
  const call = fields['SYSCALL'] ?? fields['syscall'] ?? '';
  if (!syscalls[name]!.includes(call)) return false;
  return !/^\d+$/.test(call) || (fields['arch'] === aarch64) === onArm.has(call);
}

/** By mapped ids, by the engine's security label, or by a root without a login in a file system of its own. */
function inContainer({ fields }: AuditEvent, { containerUidsFrom }: AuditdSettings): boolean {
  const subject = fields['subj'] ?? '';
  if (/container_t|container_init_t|svirt_lxc|docker-default|containers-default|cri-containerd/.test(subject))
    return true;
  const uid = Number(fields['uid'] ?? Number.NaN);
  return containerUidsFrom > 0 && uid >= containerUidsFrom && uid < 4_000_000_000;
}

function isService({ fields }: AuditEvent, { serviceUsers }: AuditdSettings): boolean {
  const isLogin = (fields['auid'] ?? unset) !== unset && fields['auid'] !== '-1' && fields['auid'] !== 'unset';
  return !isLogin && serviceUsers.includes(Number(fields['uid'] ?? Number.NaN));
}

function tell(context: DetectorContext, event: AuditEvent, { rule, type, severity }: Finding): void {
  const { fields, argv } = event;
  const exe = harmless((fields['exe'] ?? '').split('/').at(-1) ?? '', 40);
  context.report({
    type,
    subject: `uid:${Number(fields['uid'] ?? -1)}`,
    occurredAt: event.time,
    severity,
    facts: {
      rule,
      event: event.id,
      program: exe,
      pid: Number(fields['pid'] ?? 0),
      uid: Number(fields['uid'] ?? -1),
      arguments: argv.length,
      ...(fields['key'] === undefined || fields['key'] === '(null)' ? {} : { key: harmless(fields['key'], 40) }),
    },
  });
}
