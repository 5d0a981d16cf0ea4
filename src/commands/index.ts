// The commands by name, each loaded only when it is asked for.
import type { Command } from './command.ts';
import { createHelp } from './help.ts';

export const commands: Readonly<Record<string, () => Promise<Command>>> = {
  up: async () => (await import('./up.ts')).up,
  journal: async () => (await import('./journal.ts')).journal,
  keys: async () => (await import('./keys.ts')).keys,
  privacy: async () => (await import('./privacy.ts')).privacy,
  token: async () => (await import('./token.ts')).token,
  screen: async () => (await import('./screen.ts')).screen,
  analyze: async () => (await import('./analyze.ts')).analyze,
  jobs: async () => (await import('./jobs.ts')).jobs,
  simulate: async () => (await import('./simulate.ts')).simulate,
  rescore: async () => (await import('./rescore.ts')).rescore,
  compare: async () => (await import('./compare.ts')).compare,
  target: async () => (await import('./target.ts')).target,
  gameday: async () => (await import('./gameday.ts')).gameday,
  standin: async () => (await import('./standin.ts')).standin,
  proxy: async () => (await import('./proxy.ts')).proxy,
  incident: async () => (await import('./incident.ts')).incident,
  playbook: async () => (await import('./playbook.ts')).playbook,
  drill: async () => (await import('./drill.ts')).drill,
  kpi: async () => (await import('./kpi.ts')).kpi,
  rollback: async () => (await import('./rollback.ts')).rollback,
  mode: async () => (await import('./mode.ts')).mode,
  models: async () => (await import('./models.ts')).models,
  posture: async () => (await import('./posture.ts')).posture,
  help: async () => createHelp(() => commands),
};
