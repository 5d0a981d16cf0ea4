// What the main thread and its workers hand and ask each other: plain data, since nothing else crosses.
import type { MessagePort } from 'node:worker_threads';
import type { MetricObjectWithValues, MetricValue } from 'prom-client';
import type { Config } from '../../config.ts';
import type { Lang } from '../../platform/i18n/say.ts';
import type { Span } from '../../platform/shared/counters.ts';
import type { CounterTable } from '../../platform/shared/memory.ts';
import type { Signal } from '../../platform/signals.ts';
import type { KeyRecord } from '../../protect/gateway/keys.ts';
import type { GatewaySettings } from '../../protect/gateway/settings.ts';
import type { Revocation } from '../../protect/gateway/tokens/revocations.ts';
import type { CrewMemory, Past } from './crew.ts';
import type { TunnelEnds } from './tunnel.ts';

/** The configuration and the providers that hold. */
export interface Running {
  config: Config;
  providers: GatewaySettings['providers'];
}

/** With which a worker begins. */
export interface WorkerStart {
  slot: number;
  row: number;
  crew: CrewMemory;
  /** What all threads count in. */
  memory: SharedArrayBuffer;
  data: string;
  lang: Lang;
  /** The configuration that the instance was started with: some settings hold until its end. */
  started: Config;
  port: number;
  promptKey: Uint8Array;
  logTo: number;
  /** To the journal's writer. */
  door: MessagePort;
  /** The providers that serve from a store of models that is watched. */
  watched?: readonly string[];
  /** Connections are watched over. */
  watchesPeers: boolean;
  /** Calls may wait for their answer: how many of them and where is the main thread's affair. */
  defers: boolean;
  workers: number;
}

/** What may have changed since the instance began, as it is when the worker asks. */
export interface WorkerState extends Running {
  /** Of the running configuration: how often it was read anew. */
  generation: number;
  keys: readonly KeyRecord[];
  revocations: readonly Revocation[];
  share: number;
  past: Past;
}

/** Events that are few, or whose sum is watched over: counted in the main thread. */
export type Counted = readonly [
  metric: 'failedAuth' | 'suspicious' | 'attempt' | 'answered',
  first: string,
  second: string,
  count: number,
];

export interface WorkerReport {
  touched: readonly (readonly [key: string, span: Span, table: CounterTable])[];
  counted: readonly Counted[];
  outcomes: { success: number; failure: number };
  journalWritable: boolean;
  waiting: number;
}

/** The object `main`, for workers. */
export interface ForWorkers {
  state(): WorkerState;
  signal(signal: Signal): void;
  report(report: WorkerReport): void;
  tunnel(port: MessagePort, ends: TunnelEnds): void;
  peer(ends: TunnelEnds): void;
}

export type Metrics = MetricObjectWithValues<MetricValue<string>>[];

/** The object `worker`, for the main thread. */
export interface ForMain {
  metrics(): Promise<Metrics>;
  /** Makes a configuration ready, or throws; it holds once `commitTopic` says so. */
  prepare(next: Running): void;
  abandon(): Promise<void>;
  /** What it has learned of behaviour. */
  learned(): { learned: number; saved: string };
  /** No new request; what is in hand is ended. */
  leave(): Promise<void>;
}

/** On the bus: with the generation of the configuration that was prepared. */
export const commitTopic = 'reload.commit';
/** On the bus: nothing that was remembered of this subject is. */
export const forgetTopic = 'privacy.forget';
