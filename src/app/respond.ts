// Respond in an instance: incidents, the engine with its actions, the detectors, and what commands ask of them.
import { join } from 'node:path';
import type { ControlHandlers } from '../platform/base/control-socket.ts';
import type { Signals } from '../platform/signals.ts';
import { drillCommands } from '../respond/drills/drill-commands.ts';
import { type Action, createActions } from '../respond/engine/action.ts';
import { incidentActions } from '../respond/incidents/incident-actions.ts';
import { incidentCommands } from '../respond/incidents/incident-commands.ts';
import { playbookCommands } from '../respond/playbooks/playbook-commands.ts';
import { createResponder } from '../respond/responder.ts';
import { openAfter } from './after.ts';
import { openDetectors } from './detectors.ts';
import { watchDrills } from './drill-process.ts';
import type { AtEnd } from './options.ts';
import { actionsOnMachines, oneEngine } from './respond-actions.ts';
import { openEngine } from './respond-engine.ts';
import { openRecords, type RespondGround } from './respond-ground.ts';
import { openRestore } from './restore.ts';
import { tellingWhileAway } from './while-away.ts';

export type Respond = Awaited<ReturnType<typeof openRespond>>;

/** Nothing is watched and no run is taken before `watch()` and `engine.work()`. */
export async function openRespond(given: RespondGround, atEnd: AtEnd) {
  const ground = { ...given, ...(await openRecords(given)) };
  const { config, data, store, log, now, runs, incidents } = ground;
  const { respond } = config;
  const after = openAfter(ground, atEnd);
  const restore = openRestore({ ...ground, engine: oneEngine(config, atEnd).engine, heighten: after.heighten });
  const list: Action[] = [
    ...incidentActions({ incidents, runs, actions: () => actions }),
    ...actionsOnMachines({ ...ground, configFile: ground.configFile }, atEnd),
    ...restore.actions,
    ...after.actions,
    // One line for each part that acts.
  ];
  const actions = createActions((ground.respondWith?.(list) ?? list).map(restore.backUpFirst));
  const engine = openEngine(ground, actions, atEnd);
  const responder = createResponder({
    ...ground,
    engine,
    waitingFile: join(data, 'spool', 'detections.json'),
    parentOf: after.parentOf,
    whileAway: tellingWhileAway(ground, atEnd),
  });
  atEnd(() => responder.close());
  const parts = { ...ground, actions, engine, responder };

  const commands: ControlHandlers = {
    ...incidentCommands(parts),
    ...drillCommands(parts),
    ...playbookCommands({ ...parts, enabled: respond.actions.enabled }),
    ...restore.commands,
    ...after.commands,
    // One line for each part that is asked by commands.
  };
  return {
    ...parts,
    commands,
    /** For an instance: takes runs, opens what waited, watches. */
    async watch(signals: Signals): Promise<void> {
      engine.work();
      void responder.catchUp();
      restore.watch(atEnd);
      await after.watch();
      watchDrills({ data, store, log, now }, respond.drills.schedule, atEnd);
      if (!respond.enabled) return;
      openDetectors({ ...parts, signals, detected: responder.detected, tightness: after.tightness }, atEnd);
    },
  };
}
