// The tables of the store, as queries see them. All times are integer milliseconds since the epoch.

export interface Tables {
  api_keys: ApiKeyRow;
  sessions: SessionRow;
  conversations: ConversationRow;
  messages: MessageRow;
  settings: SettingRow;
  analysis_jobs: AnalysisJobRow;
  revoked_tokens: RevokedTokenRow;
}

export interface ApiKeyRow {
  id: string;
  /** The part that may be shown, to tell keys apart. */
  prefix: string;
  hash: string;
  subject: string;
  role: string;
  created_at: number;
  expires_at: number | null;
  revoked_at: number | null;
  /** One pattern a line; null: all. */
  models: string | null;
  routes: string | null;
  /** The id of the key that this one takes over from. */
  replaces: string | null;
}

export interface RevokedTokenRow {
  /** jti or subject. */
  kind: string;
  value: string;
  revoked_at: number;
}

export interface SessionRow {
  /** Hash of the session's id: the id itself is only in the cookie. */
  id: string;
  subject: string;
  role: string;
  expires_at: number;
}

export interface ConversationRow {
  id: string;
  subject: string;
  title: string;
  created_at: number;
  updated_at: number;
}

export interface MessageRow {
  /** Chosen before the first attempt to save, so that a repeated save is seen to be one. */
  id: string;
  conversation: string;
  position: number;
  role: string;
  text: string;
  /** 0 for an answer that stopped before its end. */
  complete: number;
  created_at: number;
}

export interface SettingRow {
  subject: string;
  name: string;
  value: string;
}

export interface AnalysisJobRow {
  /** Hash of what is analysed and how, so that the same work added again is the same row. */
  id: string;
  path: string;
  content_hash: string;
  /** Separated by commas. */
  formats: string;
  lang: string;
  engine: string;
  state: string;
  attempts: number;
  /** From when on a node may take it: the end of a pause while it waits, the end of the lease while it runs. */
  free_at: number;
  node: string | null;
  heartbeat_at: number | null;
  /** Why it failed, of the catalogue of errors; kept from the last attempt. */
  code: string | null;
  report: string | null;
  /** JSON. */
  statistics: string | null;
  created_at: number;
  ended_at: number | null;
}
