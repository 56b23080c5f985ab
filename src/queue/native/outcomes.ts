/**
 * How jobs that were doing come to an end, or go back to those that wait.
 *
 * The common case, that all went well, is part of exchange.ts. These are the others, and what happens to the jobs of workers that are gone.
 */
import { STEADY } from "./template.ts";

/** What a row of `finished` takes from one of `jobs`. */
export const KEPT_COLUMNS: string =
  "id, lease, worker_id, scheduled_at, created_at, started_at, priority, attempts, rescues, " +
  "queue_name, task_name, lock, queueing_lock, payload";

/** Functions. */
export const OUTCOMES: string = `
-- Has jobs that are doing wait again. Each element names a job by id and lease, and what is to change. Gives the ids of those that were still held, and
-- the locks that may have new heads by it. A queueing lock that somebody took meanwhile is given up; one that a transaction is
-- about to take counts as taken, because nobody knows how long that may be so.
CREATE FUNCTION {schema}.put_back_v1(_changes jsonb, _moment timestamptz, OUT ids bigint[], OUT locks text[])
LANGUAGE plpgsql ${STEADY} AS $body$
DECLARE
  _job record;
  _one record;
  _lock text;
  _timeout text := current_setting('lock_timeout');
BEGIN
  ids := '{}';
  FOR _one IN
    SELECT * FROM jsonb_to_recordset(_changes) AS c(
      id bigint, lease bigint, attempts integer, rescues integer, delay double precision, priority integer,
      queue text, relock boolean, lock text, error text)
  LOOP
    SELECT j.lock, j.queueing_lock INTO _job FROM {schema}.jobs j
     WHERE j.id = _one.id AND j.lease = _one.lease AND j.state::text = 'd' FOR UPDATE;
    CONTINUE WHEN NOT FOUND;
    IF _job.queueing_lock IS NOT NULL THEN
      BEGIN
        PERFORM set_config('lock_timeout', '50ms', true);
        UPDATE {schema}.jobs j SET state = 'b' WHERE j.id = _one.id;
        PERFORM set_config('lock_timeout', _timeout, true);
      EXCEPTION WHEN unique_violation OR lock_not_available THEN
        UPDATE {schema}.jobs j SET queueing_lock = NULL WHERE j.id = _one.id;
      END;
    END IF;
    _lock := CASE WHEN _one.relock THEN _one.lock ELSE _job.lock END;
    UPDATE {schema}.jobs j
       SET state = CASE WHEN _lock IS NOT NULL THEN 'b' WHEN _one.delay > 0 THEN 's' ELSE 'r' END::"char",
           scheduled_at = CASE WHEN _one.delay > 0 THEN _moment + _one.delay * interval '1 millisecond'
                               WHEN _one.delay = 0 THEN NULL ELSE j.scheduled_at END,
           lock = _lock,
           priority = coalesce(_one.priority, j.priority),
           queue_name = coalesce(_one.queue, j.queue_name),
           attempts = j.attempts + _one.attempts,
           rescues = j.rescues + coalesce(_one.rescues, 0),
           error = coalesce(_one.error, j.error),
           worker_id = NULL,
           started_at = NULL
     WHERE j.id = _one.id;
    ids := ids || _one.id;
    locks := locks || array_remove(ARRAY[_job.lock, _lock], NULL);
  END LOOP;
  locks := nullif(locks, '{}');
END
$body$;

-- Has jobs that are doing end. Each element names a job by id and lease, its status and error, and whether to remove it.
CREATE FUNCTION {schema}.end_jobs_v1(_ends jsonb, _moment timestamptz, OUT ids bigint[], OUT locks text[])
LANGUAGE plpgsql ${STEADY} AS $body$
DECLARE
  _job {schema}.jobs%ROWTYPE;
  _one record;
BEGIN
  ids := '{}';
  FOR _one IN
    SELECT * FROM jsonb_to_recordset(_ends) AS e(
      id bigint, lease bigint, status text, remove boolean, error text, rescues integer)
  LOOP
    DELETE FROM {schema}.jobs j WHERE j.id = _one.id AND j.lease = _one.lease AND j.state::text = 'd'
    RETURNING j.* INTO _job;
    CONTINUE WHEN NOT FOUND;
    IF NOT _one.remove THEN
      _job.attempts := _job.attempts + 1;
      _job.rescues := _job.rescues + coalesce(_one.rescues, 0);
      INSERT INTO {schema}.finished (${KEPT_COLUMNS}, status, error, finished_at)
      SELECT ${KEPT_COLUMNS.replaceAll(/\w+/g, "_job.$&")}, _one.status, coalesce(_one.error, _job.error), _moment;
    END IF;
    ids := ids || _one.id;
    IF _job.lock IS NOT NULL THEN
      locks := locks || _job.lock;
    END IF;
  END LOOP;
  IF EXISTS (SELECT FROM {schema}.aborts) THEN
    DELETE FROM {schema}.aborts a WHERE a.job_id = ANY (ids);
  END IF;
END
$body$;

-- Applies all kinds of outcomes. Gives the jobs it was right about, those of them that wait again, and locks that may have new heads.
CREATE FUNCTION {schema}.settle_v1(
  _outcomes jsonb, _moment timestamptz, OUT ids bigint[], OUT waiting bigint[], OUT locks text[])
LANGUAGE plpgsql ${STEADY} AS $body$
DECLARE
  _aborts bigint[] := '{}';
  _ends jsonb;
  _backs jsonb;
  _more text[];
BEGIN
  IF EXISTS (SELECT FROM {schema}.aborts) THEN
    SELECT coalesce(array_agg(a.job_id), '{}') INTO _aborts
      FROM jsonb_to_recordset(_outcomes) AS o(id bigint) JOIN {schema}.aborts a ON a.job_id = o.id;
  END IF;
  -- What somebody wanted stopped doesn't run again.
  SELECT jsonb_agg(jsonb_build_object(
           'id', o.id, 'lease', o.lease, 'error', o.error, 'remove', coalesce(o.remove, false),
           'status', CASE WHEN o.kind IN ('retry', 'release') THEN 'aborted' ELSE o.kind END))
           FILTER (WHERE o.kind NOT IN ('retry', 'release') OR o.id = ANY (_aborts)),
         jsonb_agg(jsonb_build_object(
           'id', o.id, 'lease', o.lease, 'error', o.error, 'delay', o.delay, 'priority', o.priority, 'queue', o.queue,
           'relock', o.relock, 'lock', o.lock, 'attempts', CASE o.kind WHEN 'retry' THEN 1 ELSE 0 END))
           FILTER (WHERE o.kind IN ('retry', 'release') AND o.id <> ALL (_aborts))
    INTO _ends, _backs
    FROM jsonb_to_recordset(_outcomes) AS o(
           id bigint, lease bigint, kind text, remove boolean, error text, delay double precision, priority integer,
           queue text, relock boolean, lock text);
  IF _ends IS NOT NULL THEN
    SELECT e.ids, e.locks INTO ids, locks FROM {schema}.end_jobs_v1(_ends, _moment) e;
  END IF;
  IF _backs IS NOT NULL THEN
    SELECT b.ids, b.locks INTO waiting, _more FROM {schema}.put_back_v1(_backs, _moment) b;
    ids := ids || waiting;
    locks := locks || _more;
  END IF;
END
$body$;
`;
