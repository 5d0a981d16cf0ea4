// The tables of the store, as queries see them. All times are integer milliseconds since the epoch.

export interface Tables {
  api_keys: ApiKeyRow;
  sessions: SessionRow;
  conversations: ConversationRow;
  messages: MessageRow;
  settings: SettingRow;
  analysis_jobs: AnalysisJobRow;
  revoked_tokens: RevokedTokenRow;
  drills: DrillRow;
  drill_schedule: DrillScheduleRow;
  incidents: IncidentRow;
  respond_runs: RespondRunRow;
  respond_memory: RespondMemoryRow;
  respond_tasks: RespondTaskRow;
  respond_undos: RespondUndoRow;
  respond_deadlines: RespondDeadlineRow;
  respond_outbox: RespondOutboxRow;
  respond_heightened: RespondHeightenedRow;
  respond_checklist: RespondChecklistRow;
  journal_index: JournalIndexRow;
  deferred_requests: DeferredRequestRow;
}

/** A request that waits for its answer, and then the answer that waits for its reader. Texts are sealed. */
export interface DeferredRequestRow {
  id: string;
  subject: string;
  /** call, or chat for a question put to the chatbot. */
  kind: string;
  model: string;
  /** Lower is sooner. */
  rank: number;
  state: string;
  /** Raised with each take, so that an older attempt has no say any more. */
  attempts: number;
  /** Attempts that ended with their node. */
  crashes: number;
  size: number;
  /** Which key the texts are sealed with. */
  key_id: string;
  idempotency: string | null;
  body_hash: string;
  created_at: number;
  deadline_at: number;
  expected_at: number;
  /** From when on a node may take it; the end of the lease while it runs. */
  free_at: number;
  node: string | null;
  code: string | null;
  ended_at: number | null;
  erase_at: number | null;
  /** What its webhook still has to be told: none, waiting, due, done, given-up. */
  delivery: string;
  delivery_attempts: number;
  delivery_at: number;
  webhook: string | null;
  request: string | null;
  answer: string | null;
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

/** A copy of a journal record, for searching. */
export interface JournalIndexRow {
  hash: string;
  prev: string;
  stream: string;
  seq: number;
  time: number;
  event_type: string;
  user_id: string | null;
  source_ip: string | null;
  model_used: string | null;
  endpoint: string | null;
  /** Canonical JSON. */
  event: string;
}

export interface IncidentRow {
  id: string;
  type: string;
  level: number;
  status: string;
  /** What it is about: one open incident for each. */
  dedup_key: string;
  detected_at: number;
  /** Counts the changes: who changes an older one reads it again first. */
  version: number;
  /** JSON, rempart/incident@1. */
  document: string;
  /** The version that the journal has. */
  journalled: number;
  /** Whether a run of its playbook is wanted, started, or none. */
  answer: string;
}

export interface RespondRunRow {
  id: string;
  playbook: string;
  playbook_name: string;
  playbook_hash: string;
  playbook_text: string;
  incident: string | null;
  /** JSON: values of external variables. */
  given: string;
  requested_by: string;
  state: string;
  code: string | null;
  node: string | null;
  /** Counts the holders. */
  epoch: number;
  /** From when on a node may take it. */
  free_at: number;
  created_at: number;
  ended_at: number | null;
}

/** What a run decided and did, in order. */
export interface RespondMemoryRow {
  run: string;
  key: string;
  position: number;
  /** JSON. */
  value: string;
  at: number;
}

export interface RespondTaskRow {
  id: string;
  run: string;
  incident: string | null;
  step: string;
  kind: string;
  /** JSON. */
  about: string;
  plan_hash: string | null;
  quorum: number;
  requested_by: string;
  asked_at: number;
  expires_at: number | null;
  on_timeout: string;
  state: string;
  /** JSON. */
  decisions: string;
}

/** Containment that ends by itself. */
export interface RespondUndoRow {
  run: string;
  key: string;
  due_at: number;
  done_at: number | null;
}

/** A point in time by which people must have done something about an incident. */
export interface RespondDeadlineRow {
  id: string;
  incident: string;
  kind: string;
  level: string;
  due_at: number;
  /** Counts how often it fell due. */
  round: number;
  state: string;
  /** A node works on it until then. */
  held_until: number;
}

/** A message that must reach somebody. */
export interface RespondOutboxRow {
  /** Chosen by what it says and to whom, so that the same message is put in once. */
  id: string;
  incident: string;
  /** What is delivered in order: one channel to one contact. */
  lane: string;
  position: number;
  channel: string;
  /** Name of the contact; the address is read from the profile when it is sent. */
  contact: string;
  what: string;
  /** JSON. */
  notice: string;
  state: string;
  attempts: number;
  /** From when on a node may send it: the end of a pause, or of the lease of the node that sends it. */
  free_at: number;
  created_at: number;
  ended_at: number | null;
  code: string | null;
}

export interface RespondHeightenedRow {
  incident: string;
  type: string;
  from_at: number;
  until_at: number;
}

export interface RespondChecklistRow {
  incident: string;
  point: string;
  state: string;
  /** JSON. */
  evidence: string;
  checked_at: number;
  ticked_by: string | null;
  ticked_at: number | null;
  note: string | null;
}

/** What one drill showed. */
export interface DrillRow {
  scenario: string;
  at: number;
  type: string;
  result: string;
  detected_ms: number | null;
  contained_ms: number | null;
  /** JSON, a scenario of rempart/drill@1. */
  document: string;
}

/** When drills that come by themselves are due. */
export interface DrillScheduleRow {
  name: string;
  due_at: number;
  began_at: number | null;
}
