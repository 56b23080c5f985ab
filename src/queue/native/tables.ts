/**
 * The tables of the native schema.
 *
 * `jobs` is what claims work on, so it holds nothing but jobs that have not ended: a job that has ended leaves a row in `finished`, or nothing.
 * A job's state is `r`eady, `s`cheduled, `b`locked or `d`oing. A job with a lock is stored as blocked; turns.ts says how it gets on.
 * Of the jobs of a lock, one at most isn't blocked: the index `jobs_active` stands for it, whatever else may go wrong.
 */

/** Tables and indexes. */
export const TABLES: string = `
CREATE TABLE {schema}.jobs (
  id bigint GENERATED ALWAYS AS IDENTITY (MAXVALUE 9007199254740991) PRIMARY KEY,
  lease bigint NOT NULL DEFAULT 0,
  worker_id bigint,
  -- A moment without end can't be reckoned with: one such job would stop every exchange.
  scheduled_at timestamptz CHECK (isfinite(scheduled_at)),
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  started_at timestamptz,
  priority integer NOT NULL DEFAULT 0,
  attempts integer NOT NULL DEFAULT 0,
  rescues integer NOT NULL DEFAULT 0,
  state "char" NOT NULL DEFAULT 'r' CHECK (state IN ('r', 's', 'b', 'd')),
  queue_name text NOT NULL DEFAULT 'default',
  task_name text NOT NULL,
  lock text,
  queueing_lock text,
  payload jsonb NOT NULL DEFAULT '{}',
  error text
) WITH (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000);

CREATE INDEX jobs_ready ON {schema}.jobs (priority DESC, id) WHERE state = 'r';
CREATE INDEX jobs_ready_queue ON {schema}.jobs (queue_name, priority DESC, id) WHERE state = 'r';
CREATE INDEX jobs_scheduled ON {schema}.jobs (scheduled_at) WHERE state = 's';
CREATE INDEX jobs_scheduled_queue ON {schema}.jobs (queue_name, scheduled_at) WHERE state = 's';
CREATE INDEX jobs_doing ON {schema}.jobs (worker_id) WHERE state = 'd';
CREATE INDEX jobs_chain ON {schema}.jobs (lock, priority DESC, id) WHERE lock IS NOT NULL AND state <> 'd';
CREATE UNIQUE INDEX jobs_active ON {schema}.jobs (lock) WHERE lock IS NOT NULL AND state <> 'b';
CREATE UNIQUE INDEX jobs_queueing_lock ON {schema}.jobs (queueing_lock)
  WHERE queueing_lock IS NOT NULL AND state <> 'd';

CREATE TABLE {schema}.finished (
  id bigint PRIMARY KEY,
  lease bigint NOT NULL,
  worker_id bigint,
  scheduled_at timestamptz,
  created_at timestamptz NOT NULL,
  started_at timestamptz,
  finished_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  priority integer NOT NULL,
  attempts integer NOT NULL,
  rescues integer NOT NULL,
  status text NOT NULL CHECK (status IN ('succeeded', 'failed', 'cancelled', 'aborted')),
  queue_name text NOT NULL,
  task_name text NOT NULL,
  lock text,
  queueing_lock text,
  payload jsonb NOT NULL,
  error text
);
CREATE INDEX finished_at ON {schema}.finished (finished_at);

-- "The lock may have a new head." Without a unique key, so that nobody ever waits for another one's transaction.
CREATE TABLE {schema}.turns (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  lock text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp()
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 500);
CREATE INDEX turns_lock ON {schema}.turns (lock);

-- "The job is to be stopped." Beside the jobs, so that a request in an open transaction never holds up the worker.
CREATE TABLE {schema}.aborts (
  job_id bigint NOT NULL,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX aborts_job ON {schema}.aborts (job_id);

CREATE TABLE {schema}.workers (
  id bigint GENERATED ALWAYS AS IDENTITY (MAXVALUE 9007199254740991) PRIMARY KEY,
  name text NOT NULL,
  started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  last_heartbeat timestamptz NOT NULL DEFAULT clock_timestamp(),
  stalled_after double precision NOT NULL
) WITH (fillfactor = 50);

CREATE TABLE {schema}.periodic (
  task_name text NOT NULL,
  periodic_id text NOT NULL,
  "timestamp" bigint NOT NULL,
  job_id bigint,
  PRIMARY KEY (task_name, periodic_id, "timestamp")
);
`;
