/**
 * The exchange: what a worker has done against what it is to do next, in one transaction.
 *
 * The order is what makes it right. Outcomes come first, so that a lock that they free can be passed on at once. Then what is due becomes ready, and turns are
 * taken; each statement sees what was committed before it. The claim comes last. What was made ready and nobody claimed is told to the others.
 *
 * Nothing here waits for another transaction: what somebody else has locked is passed over, and the worker told to come back for it.
 */
import { KEPT_COLUMNS } from "./outcomes.ts";
import { STEADY } from "./template.ts";

/** The function. Its last row, the one without an id, has in `payload` what is not about a job. */
export const EXCHANGE: string = `
-- _done and _leases name jobs that have succeeded, to be removed or not, in the order of their ids; _outcomes are the other outcomes.
CREATE FUNCTION {schema}.exchange_v1(
  _worker bigint, _done bigint[], _leases bigint[], _remove boolean, _outcomes jsonb, _claim integer, _queues text[])
RETURNS TABLE (
  id double precision, lease double precision, task_name text, queue_name text, payload text, priority integer,
  lock text, queueing_lock text, scheduled_at double precision, created_at double precision,
  attempts integer, rescues integer)
LANGUAGE plpgsql ROWS 100 ${STEADY} AS $body$
#variable_conflict use_column
DECLARE
  -- How many turns are taken, and jobs made ready, at most: an exchange has to stay short.
  _most integer := greatest(200, 2 * _claim);
  _moment timestamptz := clock_timestamp();
  _registered boolean;
  _silent boolean;
  _claimed integer := 0;
  _ended bigint[];
  _waiting bigint[];
  _lost bigint[] := '{}';
  _locks text[];
  -- Jobs that this call made ready or scheduled.
  _made bigint[] := '{}';
  _picked bigint[];
  _newest timestamptz;
  _turned record;
  _more boolean := false;
  _next double precision;
  _news record;
BEGIN
  IF current_setting('transaction_isolation') <> 'read committed' THEN
    RAISE EXCEPTION 'an exchange of jobs works in READ COMMITTED transactions only, not in %',
      upper(current_setting('transaction_isolation')) USING ERRCODE = 'invalid_transaction_state';
  END IF;

  -- Whoever takes the worker's place waits for this, so that nothing is claimed for it afterwards.
  IF pg_try_advisory_xact_lock_shared(hashtext({channel}), (_worker % 2147483647)::integer) THEN
    SELECT w.last_heartbeat < _moment - w.stalled_after / 3 * interval '1 millisecond' INTO _silent
      FROM {schema}.workers w WHERE w.id = _worker;
    _registered := FOUND;
  ELSE
    _registered := false;
  END IF;
  IF _silent THEN
    UPDATE {schema}.workers w SET last_heartbeat = _moment WHERE w.id = _worker;
    _registered := FOUND;
  END IF;

  IF cardinality(_done) > 0 THEN
    WITH ended AS (
      DELETE FROM {schema}.jobs j
       WHERE j.id = ANY (_done) AND j.lease = _leases[width_bucket(j.id, _done)] AND j.state::text = 'd'
      RETURNING j.*
    ), kept AS (
      INSERT INTO {schema}.finished (${KEPT_COLUMNS}, status, finished_at, error)
      SELECT e.id, e.lease, e.worker_id, e.scheduled_at, e.created_at, e.started_at, e.priority, e.attempts + 1,
             e.rescues, e.queue_name, e.task_name, e.lock, e.queueing_lock, e.payload, 'succeeded', _moment, e.error
        FROM ended e WHERE NOT _remove
    )
    SELECT array_agg(e.id), array_agg(DISTINCT e.lock) FILTER (WHERE e.lock IS NOT NULL)
      INTO _ended, _locks FROM ended e;
    IF cardinality(_ended) IS DISTINCT FROM cardinality(_done) THEN
      SELECT array_agg(d.id) INTO _lost FROM unnest(_done) AS d(id) WHERE (d.id = ANY (_ended)) IS NOT TRUE;
    END IF;
    IF EXISTS (SELECT FROM {schema}.aborts) THEN
      DELETE FROM {schema}.aborts a WHERE a.job_id = ANY (_ended);
    END IF;
  END IF;
  IF _outcomes IS NOT NULL THEN
    SELECT s.ids, s.waiting, _locks || s.locks INTO _ended, _waiting, _locks FROM {schema}.settle_v1(_outcomes, _moment) s;
    _made := _made || _waiting;
    SELECT _lost || array_agg(o.id) INTO _lost
      FROM jsonb_to_recordset(_outcomes) AS o(id bigint) WHERE (o.id = ANY (_ended)) IS NOT TRUE;
  END IF;

  IF NOT _registered THEN
    _claim := 0;
  END IF;
  IF _claim > 0 THEN
    IF _queues IS NULL THEN
      SELECT array_agg(d.id) INTO _picked FROM (
        SELECT j.id FROM {schema}.jobs j WHERE j.state = 's' AND j.scheduled_at <= _moment
         ORDER BY j.scheduled_at LIMIT _most FOR UPDATE SKIP LOCKED
      ) d;
    ELSE
      SELECT array_agg(d.id) INTO _picked FROM unnest(_queues) AS q(name) CROSS JOIN LATERAL (
        SELECT j.id FROM {schema}.jobs j
         WHERE j.state = 's' AND j.queue_name = q.name AND j.scheduled_at <= _moment
         ORDER BY j.scheduled_at LIMIT _most FOR UPDATE SKIP LOCKED
      ) d;
    END IF;
    IF _picked IS NOT NULL THEN
      UPDATE {schema}.jobs j SET state = 'r' WHERE j.id = ANY (_picked);
    END IF;
    _more := coalesce(cardinality(_picked) >= _most, false);
    _made := _made || _picked;
  END IF;

  IF _locks IS NOT NULL OR _claim > 0 AND EXISTS (SELECT FROM {schema}.turns) THEN
    SELECT * INTO _turned
      FROM {schema}.take_turns_v1(_locks, CASE WHEN _claim > 0 THEN _most ELSE 0 END, _moment) t;
    _made := _made || _turned.made;
    _more := _more OR _turned.taken >= _most AND _turned.useful;
    IF _turned.own_left THEN
      -- Somebody is at work on this lock, and can't see what was done here. Others have to look.
      PERFORM {schema}.tell_ready_v1('{}');
    END IF;
  END IF;

  IF _claim > 0 THEN
    SELECT t.created_at INTO _newest FROM {schema}.turns t ORDER BY t.id DESC LIMIT 1;
    IF _queues IS NULL THEN
      SELECT array_agg(p.id) INTO _picked FROM (
        SELECT j.id FROM {schema}.jobs j
         WHERE j.state = 'r' AND (j.lock IS NULL OR (SELECT false FROM {schema}.turns t WHERE t.lock = j.lock LIMIT 1) IS NULL)
         ORDER BY j.priority DESC, j.id LIMIT _claim FOR UPDATE SKIP LOCKED
      ) p;
    ELSIF cardinality(_queues) = 1 THEN
      SELECT array_agg(p.id) INTO _picked FROM (
        SELECT j.id FROM {schema}.jobs j
         WHERE j.state = 'r' AND j.queue_name = _queues[1]
           AND (j.lock IS NULL OR (SELECT false FROM {schema}.turns t WHERE t.lock = j.lock LIMIT 1) IS NULL)
         ORDER BY j.priority DESC, j.id LIMIT _claim FOR UPDATE SKIP LOCKED
      ) p;
    ELSE
      -- The best of each queue, without locking them: more than are wanted, because others may be claiming the same.
      SELECT array_agg(f.id) INTO _picked FROM unnest(_queues) AS q(name) CROSS JOIN LATERAL (
        SELECT j.id FROM {schema}.jobs j
         WHERE j.state = 'r' AND j.queue_name = q.name
           AND (j.lock IS NULL OR (SELECT false FROM {schema}.turns t WHERE t.lock = j.lock LIMIT 1) IS NULL)
         ORDER BY j.priority DESC, j.id LIMIT _claim * 4 + 20
      ) f;
      SELECT array_agg(p.id) INTO _picked FROM (
        SELECT j.id FROM {schema}.jobs j WHERE j.id = ANY (_picked) AND j.state::text = 'r'
         ORDER BY j.priority DESC, j.id LIMIT _claim FOR UPDATE SKIP LOCKED
      ) p;
    END IF;
    IF _picked IS NOT NULL THEN
      RETURN QUERY
        WITH claimed AS (
          UPDATE {schema}.jobs j SET state = 'd', worker_id = _worker, lease = j.lease + 1, started_at = _moment
           WHERE j.id = ANY (_picked)
          RETURNING j.*
        )
        SELECT c.id::double precision, c.lease::double precision, c.task_name, c.queue_name, c.payload::text, c.priority,
               c.lock, c.queueing_lock, date_part('epoch', c.scheduled_at) * 1000,
               date_part('epoch', c.created_at) * 1000, c.attempts, c.rescues
          FROM claimed c ORDER BY c.priority DESC, c.id;
      _claimed := cardinality(_picked);
    END IF;
  END IF;

  IF cardinality(_made) > 0 THEN
    SELECT array_agg(DISTINCT j.queue_name) FILTER (WHERE j.state = 'r') AS ready,
           array_agg(DISTINCT j.queue_name) FILTER (WHERE j.state = 's') AS due,
           min(j.scheduled_at) FILTER (WHERE j.state = 's') AS due_at
      INTO _news FROM {schema}.jobs j WHERE j.id = ANY (_made);
    PERFORM {schema}.tell_ready_v1(_news.ready);
    PERFORM {schema}.tell_due_v1(_news.due, _news.due_at);
  END IF;

  IF _queues IS NULL THEN
    SELECT min(j.scheduled_at) AS at INTO _news FROM {schema}.jobs j WHERE j.state = 's' AND j.scheduled_at > _moment;
  ELSE
    SELECT min(d.at) AS at INTO _news FROM unnest(_queues) AS q(name) CROSS JOIN LATERAL (
      SELECT min(j.scheduled_at) AS at FROM {schema}.jobs j
       WHERE j.state = 's' AND j.queue_name = q.name AND j.scheduled_at > _moment
    ) d;
  END IF;
  IF _news.at IS NOT NULL THEN
    _next := greatest(0, date_part('epoch', _news.at - clock_timestamp()) * 1000);
  END IF;
  IF _claimed < _claim THEN
    -- What others have in their hands: a turn is soon done with, unless a transaction stays open; the older, the more likely is that.
    IF _more THEN
      _next := 0;
    ELSIF _newest IS NOT NULL THEN
      _next := least(_next, greatest(5, least(1000, date_part('epoch', _moment - _newest) * 1000)));
    ELSIF {schema}.is_waiting_v1(_queues, _moment) THEN
      _next := least(_next, 1000);
    END IF;
  END IF;
  RETURN QUERY SELECT NULL::double precision, NULL::double precision, NULL::text, NULL::text,
    json_build_object('lost', _lost, 'nextDueIn', _next, 'registered', _registered)::text,
    NULL::integer, NULL::text, NULL::text, NULL::double precision, NULL::double precision, NULL::integer, NULL::integer;
END
$body$;

-- Whether there are jobs that could have been claimed, but were passed over because somebody else has locked them.
CREATE FUNCTION {schema}.is_waiting_v1(_queues text[], _moment timestamptz) RETURNS boolean
LANGUAGE plpgsql ${STEADY} AS $body$
BEGIN
  IF _queues IS NULL THEN
    RETURN EXISTS (SELECT FROM {schema}.jobs j WHERE j.state = 'r')
        OR EXISTS (SELECT FROM {schema}.jobs j WHERE j.state = 's' AND j.scheduled_at <= _moment);
  END IF;
  RETURN EXISTS (
    SELECT FROM unnest(_queues) AS q(name) CROSS JOIN LATERAL (
      (SELECT 1 FROM {schema}.jobs j WHERE j.state = 'r' AND j.queue_name = q.name LIMIT 1)
      UNION ALL
      (SELECT 1 FROM {schema}.jobs j WHERE j.state = 's' AND j.queue_name = q.name AND j.scheduled_at <= _moment LIMIT 1)
    ) w);
END
$body$;
`;
