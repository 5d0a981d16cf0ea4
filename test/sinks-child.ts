// A process that serves one Elasticsearch sink until it is killed, for the test of what a kill between sending and remembering leaves.
import { startSinks } from '../src/platform/journal/sinks/start-sinks.ts';

const [data = '', url = ''] = process.argv.slice(2);
const quiet = () => undefined;
startSinks(
  { data, store: { path: '' }, log: { info: quiet, warn: quiet, error: quiet } },
  {
    search: false,
    to: [{ name: 'siem', kind: 'elasticsearch', url, prefix: 'rempart-audit', timeoutMs: 60_000 }],
  },
);
setInterval(() => undefined, 60_000);
