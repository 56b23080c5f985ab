/**
 * Workers: that they live, and what becomes of the jobs of those that don't any more.
 */
import { STEADY } from "./template.ts";

/** Functions. */
export const WORKERS: string = `
-- Has jobs that are doing wait again, and says so: _jobs has an element for each, as put_back_v1 takes them. Gives their ids.
CREATE FUNCTION {schema}.give_back_v1(_jobs jsonb, _moment timestamptz) RETURNS bigint[]
LANGUAGE plpgsql ${STEADY} AS $body$
DECLARE
  _back record;
BEGIN
  IF _jobs IS NULL THEN
    RETURN '{}';
  END IF;
  SELECT * INTO _back FROM {schema}.put_back_v1(_jobs, _moment) b;
  PERFORM {schema}.free_v1(_back.locks);
  PERFORM {schema}.tell_ready_v1(
    (SELECT array_agg(DISTINCT j.queue_name) FROM {schema}.jobs j WHERE j.id = ANY (_back.ids) AND j.state::text <> 's'));
  RETURN _back.ids;
END
$body$;

-- Says that locks may have new heads, wherever they are.
CREATE FUNCTION {schema}.free_v1(_locks text[]) RETURNS void
LANGUAGE plpgsql ${STEADY} AS $body$
BEGIN
  IF _locks IS NOT NULL THEN
    INSERT INTO {schema}.turns (lock) SELECT DISTINCT u.lock FROM unnest(_locks) AS u(lock);
    PERFORM {schema}.tell_ready_v1('{}');
  END IF;
END
$body$;

-- Forgets a worker and releases what it holds. Its exchanges that are under way are waited for; those to come find that it isn't there.
CREATE FUNCTION {schema}.unregister_worker_v1(_worker bigint) RETURNS void
LANGUAGE plpgsql ${STEADY} AS $body$
BEGIN
  PERFORM pg_advisory_xact_lock(hashtext({channel}), (_worker % 2147483647)::integer);
  DELETE FROM {schema}.workers w WHERE w.id = _worker;
  PERFORM {schema}.give_back_v1((
    SELECT jsonb_agg(jsonb_build_object('id', j.id, 'lease', j.lease, 'attempts', 0))
      FROM {schema}.jobs j WHERE j.state = 'd' AND j.worker_id = _worker
  ), clock_timestamp());
END
$body$;

-- Has _successor take the place of _worker, with what it holds. Gives what isn't its own any more; null when there is no such successor.
CREATE FUNCTION {schema}.reconcile_v1(_worker bigint, _successor bigint, _held bigint[], _leases bigint[]) RETURNS bigint[]
LANGUAGE plpgsql ${STEADY} AS $body$
BEGIN
  UPDATE {schema}.workers w SET last_heartbeat = clock_timestamp() WHERE w.id = _successor;
  IF NOT FOUND THEN
    RETURN NULL;
  END IF;
  PERFORM pg_advisory_xact_lock(hashtext({channel}), (_worker % 2147483647)::integer);
  UPDATE {schema}.jobs j SET worker_id = _successor
    FROM unnest(_held, _leases) AS h(id, lease)
   WHERE j.id = h.id AND j.lease = h.lease AND j.state::text = 'd' AND j.worker_id = _worker;
  PERFORM {schema}.unregister_worker_v1(_worker);
  RETURN (
    SELECT coalesce(array_agg(h.id), '{}') FROM unnest(_held, _leases) AS h(id, lease)
     WHERE NOT EXISTS (
       SELECT FROM {schema}.jobs j
        WHERE j.id = h.id AND j.state::text = 'd' AND j.worker_id = _successor));
END
$body$;

CREATE FUNCTION {schema}.heartbeat_v1(_worker bigint, _max_rescues integer) RETURNS jsonb
LANGUAGE plpgsql ${STEADY} AS $body$
DECLARE
  _moment timestamptz := clock_timestamp();
  _registered boolean;
  _rescued jsonb;
  _backs jsonb;
  _ends jsonb;
  _ended record;
BEGIN
  UPDATE {schema}.workers w SET last_heartbeat = _moment WHERE w.id = _worker;
  _registered := FOUND;
  DELETE FROM {schema}.workers w WHERE w.id IN (
    SELECT s.id FROM {schema}.workers s
     WHERE s.last_heartbeat < _moment - s.stalled_after * interval '1 millisecond' FOR UPDATE SKIP LOCKED);
  -- The lease is compared again when the row is locked: the job may be another worker's by then.
  SELECT jsonb_agg(jsonb_build_object(
           'id', r.id, 'lease', r.lease, 'worker', r.worker_id, 'attempts', 1, 'rescues', 1, 'remove', false,
           'status', CASE WHEN r.stopped THEN 'aborted' WHEN r.rescues >= _max_rescues THEN 'failed' ELSE 'todo' END,
           'error', CASE WHEN NOT r.stopped AND r.rescues >= _max_rescues THEN
             format('the worker that ran the job was lost %s times in a row', r.rescues + 1) END))
    INTO _rescued
    FROM (
      SELECT j.id, j.lease, j.worker_id, j.rescues, EXISTS (SELECT FROM {schema}.aborts a WHERE a.job_id = j.id) AS stopped
        FROM (
          SELECT j.id, j.lease FROM {schema}.jobs j
           WHERE j.state = 'd' AND (SELECT true FROM {schema}.workers w WHERE w.id = j.worker_id) IS NULL
          OFFSET 0
        ) o
        CROSS JOIN LATERAL (
          SELECT j.id, j.lease, j.worker_id, j.rescues FROM {schema}.jobs j
           WHERE j.id = o.id AND j.lease = o.lease AND j.state::text = 'd'
          OFFSET 0 FOR UPDATE SKIP LOCKED
        ) j
    ) r;
  IF _rescued IS NOT NULL THEN
    SELECT jsonb_agg(r) FILTER (WHERE r->>'status' = 'todo'), jsonb_agg(r) FILTER (WHERE r->>'status' <> 'todo')
      INTO _backs, _ends FROM jsonb_array_elements(_rescued) r;
    PERFORM {schema}.give_back_v1(_backs, _moment);
    IF _ends IS NOT NULL THEN
      SELECT * INTO _ended FROM {schema}.end_jobs_v1(_ends, _moment) e;
      PERFORM {schema}.free_v1(_ended.locks);
    END IF;
  END IF;
  -- Requests that came too late for their jobs.
  DELETE FROM {schema}.aborts a WHERE (SELECT true FROM {schema}.jobs j WHERE j.id = a.job_id) IS NULL;
  RETURN jsonb_build_object(
    'registered', _registered,
    'aborts', (SELECT coalesce(jsonb_agg(DISTINCT a.job_id), '[]') FROM {schema}.aborts a
                 JOIN {schema}.jobs j ON j.id = a.job_id AND j.state = 'd' AND j.worker_id = _worker),
    'rescued', (SELECT coalesce(jsonb_agg(jsonb_build_object(
                  'jobId', r->'id', 'workerId', r->'worker', 'status', r->'status')), '[]')
                  FROM jsonb_array_elements(_rescued) r),
    'nextStallIn', (SELECT min(greatest(0, date_part('epoch',
                      w.last_heartbeat + w.stalled_after * interval '1 millisecond' - clock_timestamp()) * 1000))
                      FROM {schema}.workers w
                     WHERE w.id <> _worker
                       AND EXISTS (SELECT FROM {schema}.jobs j WHERE j.state = 'd' AND j.worker_id = w.id)));
END
$body$;
`;
