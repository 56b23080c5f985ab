/**
 * What is asked of single jobs: to be stored, to stop, to run again. Also as part of a caller's transaction, which may stay open.
 */

import { KEPT_COLUMNS } from "./outcomes.ts";
import { STEADY } from "./template.ts";

/** Functions. */
export const MANAGEMENT: string = `
-- Stores a job: for programs in any language.
CREATE FUNCTION {schema}.defer(
  task_name text, payload jsonb DEFAULT '{}', queue text DEFAULT 'default', priority integer DEFAULT 0,
  lock text DEFAULT NULL, queueing_lock text DEFAULT NULL, scheduled_at timestamptz DEFAULT NULL)
RETURNS bigint LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $body$
  INSERT INTO {schema}.jobs (task_name, payload, queue_name, priority, lock, queueing_lock, scheduled_at, state)
  VALUES ($1, coalesce($2, '{}'), $3, $4, $5, $6, $7,
          CASE WHEN $5 IS NOT NULL THEN 'b' WHEN $7 > clock_timestamp() THEN 's' ELSE 'r' END)
  RETURNING id
$body$;

-- Stores a job of a schedule unless its moment has been taken. Moments are remembered for two days more than they can be caught up with.
CREATE FUNCTION {schema}.defer_periodic_v1(
  _periodic_id text, _timestamp bigint, _task_name text, _payload jsonb, _queue text, _priority integer,
  _lock text, _queueing_lock text, _scheduled_at timestamptz, _catch_up bigint)
RETURNS bigint LANGUAGE plpgsql ${STEADY} AS $body$
DECLARE
  _id bigint;
BEGIN
  INSERT INTO {schema}.periodic (task_name, periodic_id, "timestamp")
  VALUES (_task_name, _periodic_id, _timestamp) ON CONFLICT DO NOTHING;
  IF NOT FOUND THEN
    RETURN NULL;
  END IF;
  INSERT INTO {schema}.jobs (task_name, payload, queue_name, priority, lock, queueing_lock, scheduled_at, state)
  VALUES (_task_name, _payload, _queue, _priority, _lock, _queueing_lock, _scheduled_at,
          CASE WHEN _lock IS NOT NULL THEN 'b' WHEN _scheduled_at > clock_timestamp() THEN 's' ELSE 'r' END)
  ON CONFLICT DO NOTHING RETURNING id INTO _id;
  UPDATE {schema}.periodic p SET job_id = _id
   WHERE p.task_name = _task_name AND p.periodic_id = _periodic_id AND p."timestamp" = _timestamp AND _id IS NOT NULL;
  DELETE FROM {schema}.periodic p
   WHERE p.task_name = _task_name AND p.periodic_id = _periodic_id AND p."timestamp" < _timestamp - 172800 - _catch_up;
  RETURN _id;
END
$body$;

CREATE FUNCTION {schema}.cancel_job_v1(_id bigint, _abort boolean, _remove boolean) RETURNS boolean
LANGUAGE plpgsql ${STEADY} AS $body$
DECLARE
  _job {schema}.jobs%ROWTYPE;
BEGIN
  -- A job may go back to waiting between the two looks at it.
  FOR _attempt IN 1..10 LOOP
    DELETE FROM {schema}.jobs j WHERE j.id = _id AND j.state::text <> 'd' RETURNING j.* INTO _job;
    IF FOUND THEN
      IF NOT _remove THEN
        _job.worker_id := NULL;
        INSERT INTO {schema}.finished (${KEPT_COLUMNS}, status, error)
        SELECT ${KEPT_COLUMNS.replaceAll(/\w+/g, "_job.$&")}, 'cancelled', _job.error;
      END IF;
      PERFORM {schema}.free_v1(ARRAY[_job.lock]) WHERE _job.lock IS NOT NULL;
      RETURN true;
    END IF;
    PERFORM FROM {schema}.jobs j WHERE j.id = _id AND j.state::text = 'd';
    IF FOUND AND NOT _abort THEN
      RETURN false;
    ELSIF FOUND THEN
      INSERT INTO {schema}.aborts (job_id) VALUES (_id);
      PERFORM {schema}.tell_v1(jsonb_build_object('type', 'abort', 'jobs', jsonb_build_array(_id)));
      RETURN true;
    END IF;
    PERFORM FROM {schema}.jobs j WHERE j.id = _id;
    EXIT WHEN NOT FOUND;
  END LOOP;
  RETURN false;
END
$body$;

-- _change is as put_back_v1 takes it.
CREATE FUNCTION {schema}.retry_job_v1(_id bigint, _change jsonb) RETURNS boolean
LANGUAGE plpgsql ${STEADY} AS $body$
DECLARE
  _job {schema}.finished%ROWTYPE;
  _delay double precision := (_change->>'delay')::double precision;
  _at timestamptz := CASE WHEN _delay > 0 THEN clock_timestamp() + _delay * interval '1 millisecond' END;
  _held jsonb;
  _ids bigint[];
BEGIN
  DELETE FROM {schema}.finished f WHERE f.id = _id RETURNING f.* INTO _job;
  IF FOUND THEN
    IF (_change->>'relock')::boolean THEN
      _job.lock := _change->>'lock';
    END IF;
    INSERT INTO {schema}.jobs (
      id, lease, scheduled_at, created_at, priority, attempts, rescues, queue_name, task_name, lock, queueing_lock,
      payload, error, state)
    OVERRIDING SYSTEM VALUE VALUES (
      _id, _job.lease, _at, _job.created_at, coalesce((_change->>'priority')::integer, _job.priority), _job.attempts, 0,
      coalesce(_change->>'queue', _job.queue_name), _job.task_name, _job.lock, _job.queueing_lock, _job.payload, _job.error,
      CASE WHEN _job.lock IS NOT NULL THEN 'b' WHEN _at IS NOT NULL THEN 's' ELSE 'r' END);
    RETURN true;
  END IF;
  -- One whose worker is gone, which nobody has noticed yet.
  SELECT jsonb_agg(_change || jsonb_build_object('lease', j.lease, 'attempts', 1)) INTO _held
    FROM {schema}.jobs j
   WHERE j.id = _id AND j.state::text = 'd' AND NOT EXISTS (
     SELECT FROM {schema}.workers w
      WHERE w.id = j.worker_id AND w.last_heartbeat >= clock_timestamp() - w.stalled_after * interval '1 millisecond');
  _ids := {schema}.give_back_v1(_held, clock_timestamp());
  PERFORM {schema}.tell_due_v1(ARRAY[j.queue_name], j.scheduled_at) FROM {schema}.jobs j WHERE j.id = ANY (_ids) AND j.state::text = 's';
  RETURN cardinality(_ids) > 0;
END
$body$;
`;
