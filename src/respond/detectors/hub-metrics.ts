// What the hub counts; labels are names of detectors, types and causes only.
import { Counter, Gauge, type Registry } from 'prom-client';

export interface HubMetrics {
  detection(detector: string, type: string): void;
  suppressed(type: string, why: string, count: number): void;
  alive(detector: string, isAlive: boolean): void;
  restarted(detector: string): void;
}

export function createHubMetrics(registry: Registry | undefined): HubMetrics {
  const registers = registry === undefined ? [] : [registry];
  const detections = new Counter({
    name: 'rempart_detections_total',
    help: 'What detectors reported, repeats among it',
    labelNames: ['detector', 'type'],
    registers,
  });
  const suppressed = new Counter({
    name: 'rempart_detections_suppressed_total',
    help: 'Detections that were counted and not handed on one by one',
    labelNames: ['type', 'why'],
    registers,
  });
  const alive = new Gauge({
    name: 'rempart_detector_alive',
    help: '1 while a detector gives signs of life, 0 while it is silent or fails',
    labelNames: ['detector'],
    registers,
  });
  const restarts = new Counter({
    name: 'rempart_detector_restarts_total',
    help: 'Detectors that were begun anew',
    labelNames: ['detector'],
    registers,
  });
  return {
    detection: (detector, type) => detections.inc({ detector, type }),
    suppressed: (type, why, count) => suppressed.inc({ type, why }, count),
    alive: (detector, isAlive) => alive.set({ detector }, isAlive ? 1 : 0),
    restarted: (detector) => restarts.inc({ detector }),
  };
}
