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
  _queueing bigint[];
  _one bigint;
  _timeout text;
BEGIN
  SELECT array_agg(h.id), array_agg(DISTINCT h.lock) FILTER (WHERE h.lock IS NOT NULL),
         array_agg(h.id) FILTER (WHERE h.queueing_lock IS NOT NULL)
    INTO ids, locks, _queueing
    FROM (
      SELECT j.id, j.lock, j.queueing_lock
        FROM jsonb_to_recordset(_changes) AS c(id bigint, lease bigint)
        JOIN {schema}.jobs j ON j.id = c.id AND j.lease = c.lease AND j.state = 'd'
         FOR UPDATE OF j
    ) h;
  IF _queueing IS NOT NULL THEN
    _timeout := current_setting('lock_timeout');
    PERFORM set_config('lock_timeout', '50ms', true);
    FOREACH _one IN ARRAY _queueing LOOP
      BEGIN
        UPDATE {schema}.jobs j SET state = 'b' WHERE j.id = _one;
      EXCEPTION WHEN unique_violation OR lock_not_available THEN
        UPDATE {schema}.jobs j SET queueing_lock = NULL WHERE j.id = _one;
      END;
    END LOOP;
    PERFORM set_config('lock_timeout', _timeout, true);
  END IF;
  WITH changed AS (
    UPDATE {schema}.jobs j
       SET state = CASE WHEN CASE WHEN c.relock THEN c.lock ELSE j.lock END IS NOT NULL THEN 'b'
                        WHEN c.delay > 0 THEN 's' ELSE 'r' END::"char",
           scheduled_at = CASE WHEN c.delay > 0 THEN _moment + c.delay * interval '1 millisecond'
                               WHEN c.delay = 0 THEN NULL ELSE j.scheduled_at END,
           lock = CASE WHEN c.relock THEN c.lock ELSE j.lock END,
           priority = coalesce(c.priority, j.priority),
           queue_name = coalesce(c.queue, j.queue_name),
           attempts = j.attempts + c.attempts,
           rescues = j.rescues + coalesce(c.rescues, 0),
           error = coalesce(c.error, j.error),
           worker_id = NULL,
           started_at = NULL
      FROM jsonb_to_recordset(_changes) AS c(
             id bigint, lease bigint, attempts integer, rescues integer, delay double precision, priority integer,
             queue text, relock boolean, lock text, error text)
     WHERE j.id = c.id AND j.lease = c.lease AND j.id = ANY (ids)
    RETURNING j.lock
  )
  SELECT locks || array_agg(DISTINCT c.lock) FILTER (WHERE c.lock IS NOT NULL) INTO locks FROM changed c;
  ids := coalesce(ids, '{}');
END
$body$;

-- Has jobs that are doing end. Each element names a job by id and lease, its status and error, and whether to remove it.
CREATE FUNCTION {schema}.end_jobs_v1(_ends jsonb, _moment timestamptz, OUT ids bigint[], OUT locks text[])
LANGUAGE plpgsql ${STEADY} AS $body$
BEGIN
  WITH ended AS (
    DELETE FROM {schema}.jobs j
     USING jsonb_to_recordset(_ends) AS e(id bigint, lease bigint, status text, remove boolean, error text, rescues integer)
     WHERE j.id = e.id AND j.lease = e.lease AND j.state = 'd'
    RETURNING j.*, e.status AS new_status, e.remove, e.error AS new_error, e.rescues AS more_rescues
  ), kept AS (
    INSERT INTO {schema}.finished (${KEPT_COLUMNS}, status, error, finished_at)
    SELECT e.id, e.lease, e.worker_id, e.scheduled_at, e.created_at, e.started_at, e.priority, e.attempts + 1,
           e.rescues + coalesce(e.more_rescues, 0), e.queue_name, e.task_name, e.lock, e.queueing_lock, e.payload,
           e.new_status, coalesce(e.new_error, e.error), _moment
      FROM ended e WHERE NOT e.remove
  )
  SELECT coalesce(array_agg(e.id), '{}'), array_agg(DISTINCT e.lock) FILTER (WHERE e.lock IS NOT NULL)
    INTO ids, locks FROM ended e;
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
