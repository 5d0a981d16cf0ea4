// What the name of an image says: its tag, its digest, whether it moves, and whether it keeps data or a model.

export interface ImageName {
  name: string;
  tag: string | undefined;
  digest: string | undefined;
}

export function readImage(text: string): ImageName {
  const [rest = '', digest] = text.split('@');
  const slash = rest.lastIndexOf('/');
  const colon = rest.indexOf(':', slash + 1);
  return colon === -1
    ? { name: rest, tag: undefined, digest }
    : { name: rest.slice(0, colon), tag: rest.slice(colon + 1), digest };
}

const moving =
  /^(latest|stable|edge|main|master|dev|develop|nightly|canary|next|rolling|current|lts|mainline|snapshot)$|[-_](latest|nightly)$/i;

/** Whether the same name may be another image tomorrow. */
export function isMoving({ tag, digest }: ImageName): boolean {
  return digest === undefined && (tag === undefined || moving.test(tag));
}

const keepers =
  /(^|[/-])(postgres(ql)?|postgis|timescaledb|mysql|mariadb|percona|mongo(db)?|redis|valkey|keydb|memcached|elasticsearch|opensearch|cassandra|scylla|clickhouse(-server)?|couchdb|neo4j|influxdb|etcd|minio|qdrant|milvus|weaviate|chroma|pgvector|rabbitmq|vault|ollama|vllm(-openai)?|text-generation-inference|llama\.cpp|localai|mssql|server)$/i;

/** Whether such an image keeps data or serves a model, so has no business outside. */
export function keepsValuables({ name }: ImageName): boolean {
  const last = name.toLowerCase();
  if (/(^|\/)server$/.test(last)) return /mssql|vault|surrealdb/.test(last);
  return keepers.test(last);
}
