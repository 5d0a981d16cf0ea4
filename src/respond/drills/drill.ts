// What a drill is: a way to cause one type of incident in a sandbox, and independent looks at what came of it.
import type { DrillPhase } from '../../platform/documents/drill.ts';
import type { Incident } from '../../platform/documents/incident.ts';
import type { TextKey } from '../../platform/i18n/say.ts';
import type { Tasks } from '../engine/durable.ts';
import type { PlannedStep } from '../engine/perform.ts';
import type { DrillContainers } from './drill-containers.ts';
import type { DrillProvider } from './drill-provider.ts';

export type CheckFacts = Readonly<Record<string, string | number | boolean>>;

/** One look at the world. */
export interface Look {
  /** What is looked at; `drill.check.NAME` says it. */
  name: string;
  ok: boolean;
  facts?: CheckFacts;
}

export interface Check extends Look {
  phase: DrillPhase;
}

/** A notice as it arrived where the sandbox's contacts are told. */
export interface ReceivedNotice {
  at: number;
  body: string;
}

export interface Foretold {
  /** Whether it could be undone, beside what the plan says. */
  steps: readonly (PlannedStep & { undoable: boolean })[];
  state: 'done' | 'failed';
  code: string | null;
}

/** A running Rempart of its own, with all that it protects, in a temporary directory. */
export interface Sandbox {
  /** Everything of it lies below. */
  dir: string;
  data: string;
  /** File of its configuration, with a signed baseline over it. */
  configFile: string;
  /** The protected states, logs and model store. */
  places: { json: string; toml: string; log: string; models: string; layer: string };
  gatewayUrl: string;
  consoleUrl: string;
  /** Secrets of two users of its gateway. */
  keys: { first: string; second: string };
  provider: DrillProvider;
  /** The instance's own keys at the provider. */
  providerKeys: { first: string; spare: string };
  containers: DrillContainers;
  notices: readonly ReceivedNotice[];
  tasks: Tasks;
  /** The newest incident of a type, read from the store over a connection that the instance has no part in. */
  incident(type: string): Promise<Incident | null>;
  /** State of a playbook run, read in the same way. */
  run(id: string): Promise<{ state: string; code: string | null } | null>;
  runs(incident: string): Promise<{ id: string; state: string; code: string | null }[]>;
  undo(run: string): Promise<unknown>;
  /** How many actions of a run are undone, its own undos among them, says the store; and how many that could be are not. */
  undone(run: string): Promise<{ undone: number; left: number }>;
  close(incident: string): Promise<void>;
  foretell(type: string, subject: string): Promise<Foretold>;
  /** Whether every record of its journal is whole, and how many there are. */
  verifyJournal(): Promise<{ ok: boolean; records: number }>;
}

/** Why it would prove nothing at this moment; `drill.why.REASON` says it. */
export interface NotNow {
  notNow: string;
}

/** A drill at work in one sandbox; what it must remember from step to step it keeps itself. */
export interface DrillAtWork {
  /** Brings about what must be there before, and looks whether it is. */
  before(): Promise<readonly Look[] | NotNow>;
  /** The real thing. */
  cause(): Promise<void>;
  /** Where it is detected although no incident can be opened yet. */
  seen?(): Promise<boolean>;
  /** Why nothing could be seen, where that proves nothing against the detector. */
  notSeen?(): NotNow | undefined;
  /** Between `seen` and the incident. */
  meanwhile?(): Promise<readonly Look[]>;
  /** What containment must have changed in the world. */
  contained(incident: Incident): Promise<readonly Look[]>;
  /** What a person does when the playbook asks for work by hand, named as the step is, and what they answer. */
  byHand?(step: string): Promise<Readonly<Record<string, string>> | undefined>;
  /** After the whole playbook. */
  restored?(incident: Incident): Promise<readonly Look[]>;
  /** After its undo. */
  undone?(incident: Incident): Promise<readonly Look[]>;
}

export interface Drill {
  /** Of the taxonomy. */
  type: string;
  /** Real containers where they can be had. */
  wantsContainers: boolean;
  /** Its containers' use of the machine is looked at often. */
  watchesUsage?: true;
  /** Held by itself: others beside it would be taken for it. */
  alone?: true;
  /** Work by hand that the playbook asks for before anything is contained; all else waits until containment was looked at. */
  answersFirst?: readonly string[];
  /** What would be caused. */
  cause: TextKey;
  /** The subject that a dry run is foretold for. */
  subject(sandbox: Sandbox): string;
  begin(sandbox: Sandbox): DrillAtWork;
}

/** Until `look` is true or the time is over. */
export async function until(look: () => Promise<boolean> | boolean, withinMs: number, everyMs = 20): Promise<boolean> {
  const end = performance.now() + withinMs;
  for (;;) {
    if (await look()) return true;
    if (performance.now() > end) return false;
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
}
