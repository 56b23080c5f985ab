/**
 * What the native schema tells: one notification for each statement that stored jobs, whoever executed it.
 *
 * Notifications go through one channel, which has the schema's name. Too many queues to be named are an empty list: any.
 * When a job is due is told as a moment too: a transaction may stay open for long before what it told is heard.
 */

/** Functions and the trigger. */
export const TIDINGS: string = `
CREATE FUNCTION {schema}.tell_v1(_message jsonb) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $body$
BEGIN
  IF octet_length(_message::text) >= 7900 THEN
    _message := _message || CASE WHEN _message ? 'queues' THEN '{"queues": []}' ELSE '{"jobs": []}' END::jsonb;
  END IF;
  PERFORM pg_notify({channel}, _message::text);
END
$body$;

CREATE FUNCTION {schema}.tell_ready_v1(_queues text[]) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $body$
BEGIN
  IF _queues IS NOT NULL THEN
    PERFORM {schema}.tell_v1(jsonb_build_object('type', 'ready', 'queues', to_jsonb(_queues)));
  END IF;
END
$body$;

CREATE FUNCTION {schema}.tell_due_v1(_queues text[], _at timestamptz) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $body$
BEGIN
  IF _queues IS NOT NULL THEN
    PERFORM {schema}.tell_v1(jsonb_build_object(
      'type', 'due', 'queues', to_jsonb(_queues),
      'in', greatest(0, date_part('epoch', _at - clock_timestamp()) * 1000),
      'at', date_part('epoch', _at) * 1000));
  END IF;
END
$body$;

-- What becomes visible with jobs: the turns of their locks, and the news.
CREATE FUNCTION {schema}.stored_v1() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $body$
DECLARE
  _ready text[];
  _due text[];
  _due_at timestamptz;
  _locks boolean;
BEGIN
  SELECT array_agg(q.queue_name) FILTER (WHERE q.ready), array_agg(q.queue_name) FILTER (WHERE q.due_at IS NOT NULL),
         min(q.due_at), bool_or(q.locks)
    INTO _ready, _due, _due_at, _locks
    FROM (
      SELECT a.queue_name, bool_or(a.state <> 's') AS ready, bool_or(a.lock IS NOT NULL) AS locks,
             min(a.scheduled_at) FILTER (WHERE a.state = 's') AS due_at
        FROM added a GROUP BY a.queue_name
    ) q;
  IF _locks THEN
    INSERT INTO {schema}.turns (lock) SELECT DISTINCT a.lock FROM added a WHERE a.lock IS NOT NULL;
  END IF;
  PERFORM {schema}.tell_ready_v1(_ready);
  PERFORM {schema}.tell_due_v1(_due, _due_at);
  RETURN NULL;
END
$body$;

CREATE TRIGGER stored AFTER INSERT ON {schema}.jobs
  REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION {schema}.stored_v1();
`;
