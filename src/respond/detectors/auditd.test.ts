import assert from 'node:assert/strict';
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { type AuditEvent, createAuditEvents, readAuditRecord } from './audit-log.ts';
import { auditdDetector, defaultAuditd, judge } from './auditd.ts';
import { createLogFollower } from './log-follower.ts';
import { testContext, until } from './test-context.ts';
import { realTimers } from './timers.ts';

const head = (type: string, id: number) => `type=${type} msg=audit(1767261600.123:${id}):`;
const syscall = (id: number, call: number, more: string) =>
  `${head('SYSCALL', id)} arch=c000003e syscall=${call} success=yes exit=0 a0=7f a1=7f items=1 ppid=1 pid=42 auid=4294967295 ${more}`;
const inside = 'uid=100000 gid=100000 comm="x" subj=docker-default key="containers"';

function eventOf(...lines: string[]): AuditEvent {
  const found: AuditEvent[] = [];
  const events = createAuditEvents((event) => found.push(event));
  for (const line of lines) events.add(line, 0);
  events.settle(1_000);
  assert.equal(found.length, 1);
  return found[0]!;
}

const bad: readonly [string, string, string[]][] = [
  ['mount', 'container-escape', [syscall(1, 165, `${inside} exe="/usr/bin/mount"`)]],
  ['setns', 'container-escape', [syscall(1, 308, `${inside} exe="/tmp/x"`)]],
  ['ptrace', 'container-escape', [syscall(1, 101, `${inside} exe="/tmp/x"`)]],
  ['module', 'container-escape', [syscall(1, 313, `${inside} exe="/tmp/x"`)]],
  ['mount', 'container-escape', [syscall(1, 40, `${inside} exe="/tmp/x"`).replace('c000003e', 'c00000b7')]],
  [
    'capset',
    'container-escape',
    [
      syscall(1, 126, `${inside} exe="/tmp/x"`),
      `${head('CAPSET', 1)} pid=42 cap_pi=0 cap_pp=3fffffffff cap_pe=0000000000200000 cap_pa=0`,
    ],
  ],
  [
    'release-agent',
    'container-escape',
    [
      syscall(1, 257, `${inside} exe="/bin/sh"`),
      `${head('PATH', 1)} item=0 name="/sys/fs/cgroup/rdma/release_agent" nametype=NORMAL`,
    ],
  ],
  [
    'engine-socket',
    'container-escape',
    [
      syscall(1, 42, `${inside} exe="/usr/bin/curl"`),
      `${head('PATH', 1)} item=0 name="/var/run/docker.sock" nametype=NORMAL`,
    ],
  ],
  ['escape-tool', 'container-escape', [syscall(1, 59, `${inside} exe="/usr/bin/nsenter"`)]],
  [
    'shell-that-talks',
    'unauthorised-access',
    [syscall(1, 59, 'uid=33 comm="sh" exe="/usr/bin/dash" key="www"'), `${head('EXECVE', 1)} argc=2 a0="sh" a1="-i"`],
  ],
  ['relay', 'unauthorised-access', [syscall(1, 59, 'uid=33 comm="nc" exe="/usr/bin/ncat"')]],
  ['refused', 'container-escape', [syscall(1, 308, `${inside} exe="/tmp/x"`).replace('success=yes', 'success=no')]],
];
for (const [rule, type, lines] of bad)
  test(`judge() sees ${rule} in ${lines[0]!.slice(60, 110)}…`, () => {
    const found = judge(eventOf(...lines), defaultAuditd);
    assert.deepEqual([found?.rule, found?.type], [rule, type]);
  });

const good: readonly [string, string[]][] = [
  ['an engine that mounts', [syscall(1, 165, `${inside} exe="/usr/bin/runc"`)]],
  ['an engine that enters a namespace', [syscall(1, 308, 'uid=0 exe="/usr/bin/containerd-shim-runc-v2"')]],
  [
    'an administrator that mounts',
    [syscall(1, 165, 'uid=0 exe="/usr/bin/mount"').replace('auid=4294967295', 'auid=1000')],
  ],
  ['the host that mounts', [syscall(1, 165, 'uid=0 exe="/usr/sbin/mount.nfs"')]],
  ['a container that starts a shell', [syscall(1, 59, `${inside} exe="/bin/dash"`)]],
  [
    'a container that lowers its rights',
    [syscall(1, 126, `${inside} exe="/tmp/x"`), `${head('CAPSET', 1)} cap_pe=0000000000000400`],
  ],
  ['a mount that was refused', [syscall(1, 165, `${inside} exe="/tmp/x"`).replace('success=yes', 'success=no')]],
  ['another call with the number of mount on another processor', [syscall(1, 40, `${inside} exe="/tmp/x"`)]],
  [
    'one shell of a web server',
    [syscall(1, 59, 'uid=33 exe="/usr/bin/dash"'), `${head('EXECVE', 1)} argc=3 a0="sh" a1="-c" a2="convert x"`],
  ],
];
for (const [what, lines] of good)
  test(`judge() sees nothing in ${what}`, () => {
    assert.equal(judge(eventOf(...lines), defaultAuditd), undefined);
  });

test('readAuditRecord() reads names in hexadecimal digits, and leaves numbers as they are', () => {
  const record = readAuditRecord(`${head('PATH', 7)} item=0 name=2F746D702F61206220 inode=123456`);
  assert.equal(record?.fields['name'], '/tmp/a b ');
  assert.equal(record?.fields['inode'], '123456');
  assert.equal(readAuditRecord('type=SYSCALL msg=audit(nothing)'), undefined);
  assert.equal(readAuditRecord('INFO hello'), undefined);
});

test('createAuditEvents() keeps its memory bounded when no event ever ends', () => {
  let count = 0;
  const events = createAuditEvents(() => count++);
  for (let id = 0; id < 20_000; id++) events.add(syscall(id, 59, 'uid=0'), 0);
  assert.ok(count >= 19_400);
});

test('auditdDetector() tells of a container that opens the engine, from a real file', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'rempart-audit-'));
  const log = join(folder, 'audit.log');
  writeFileSync(log, '');
  const context = testContext();
  const follower = createLogFollower({ patterns: ['audit.log'], folder, timers: realTimers, everyMs: 20 });
  const handle = auditdDetector(follower, realTimers).start(context);
  t.after(async () => {
    await handle.close();
    rmSync(folder, { recursive: true });
  });
  await until(() => context.lives > 0, 'the first look');
  appendFileSync(
    log,
    [
      syscall(9, 42, `${inside} exe="/usr/bin/curl\u001b[2J"`),
      `${head('PATH', 9)} item=0 name="/run/docker.sock"`,
      `${head('EOE', 9)}`,
      '',
    ].join('\n'),
  );
  await until(() => context.told.length > 0, 'a detection');
  const [told] = context.told;
  assert.deepEqual(
    [told!.type, told!.subject, told!.occurredAt],
    ['container-escape', 'uid:100000', 1_767_261_600_123],
  );
  assert.equal(told!.facts['program'], 'curl␛[2J');
});

test('auditdDetector() takes shells that are usual for a service for none', () => {
  let at = 0;
  let take: (line: string) => void = () => {};
  const context = testContext(() => at);
  const follower = {
    follow: (_: unknown, given: Parameters<ReturnType<typeof createLogFollower>['follow']>[1]) => {
      take = (text) => given({ text, file: 'audit.log', path: '/audit.log', cutBytes: 0 });
      return { close: async () => {} };
    },
    state: () => ({ files: 1, unreadable: 0, skippedBytes: 0 }),
  };
  auditdDetector(follower, { every: () => () => {}, after: () => () => {} }).start(context);
  let id = 0;
  const shell = () => {
    const time = `${Math.floor(at / 1_000)}.000`;
    id++;
    take(syscall(id, 59, 'uid=33 exe="/usr/bin/dash"').replace('1767261600.123', time));
    take(`${head('EOE', id)}`.replace('1767261600.123', time));
  };
  for (let count = 0; count < 120; count++) {
    at += 120_000;
    shell();
  }
  assert.equal(context.told.length, 0);
  for (let count = 0; count < 60; count++) {
    at += 1_000;
    shell();
  }
  assert.ok(context.told.length >= 1);
  assert.equal(context.told[0]!.facts['rule'], 'service-shells');
});
