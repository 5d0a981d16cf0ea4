// Telling people over their channels while the store is away, for an instance.
import type { Detection } from '../respond/detectors/detector.ts';
import { openChannels } from '../respond/escalation/channels/open-channels.ts';
import { loadMatrix } from '../respond/escalation/matrix.ts';
import { tellWhileAway } from '../respond/tell-while-away.ts';
import type { AtEnd } from './options.ts';
import type { RespondGround, RespondRecords } from './respond-ground.ts';

type Needed = Pick<RespondGround, 'config' | 'log' | 'now'> &
  Pick<RespondRecords, 'deployment' | 'taxonomy' | 'journal'>;

export function tellingWhileAway(ground: Needed, atEnd: AtEnd): (detection: Detection) => void {
  const { config, deployment, log, now } = ground;
  const { notify } = config.respond;
  const stop = new AbortController();
  const channels = openChannels(notify, now);
  atEnd(async () => {
    stop.abort();
    for (const channel of Object.values(channels)) channel.close();
  });
  const tell = tellWhileAway({
    ...ground,
    contacts: deployment?.contacts ?? [],
    channels,
    matrix: loadMatrix(notify.matrix),
    lang: deployment?.language ?? config.lang,
    signal: stop.signal,
  });
  return (detection) => void tell(detection).catch((err: unknown) => log.error({ err }, 'people could not be told'));
}
