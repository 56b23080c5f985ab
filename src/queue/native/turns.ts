/**
 * How locks work: of the jobs that have the same lock one runs at a time, by priority and then by id.
 *
 * A job with a lock is always stored as blocked, and with it a row in `turns`: "this lock may have a new head". Nothing else is looked at then, so nobody
 * waits for another one's transaction, and the turn becomes visible with the commit that makes the job visible. Every other change that may give a lock
 * a new head leaves a turn in the same way, in its own transaction. So for any state that is committed holds:
 *
 *   (1) a lock whose jobs wait has a turn, or one of its jobs isn't blocked: it is doing (its end makes a turn), or it was made ready or scheduled.
 *
 * Turns are taken by exchanges, and by nothing else; an exchange is a transaction of its own and short. It takes a lock's turns only while it holds the
 * advisory lock of that lock, to the end of its transaction, and reads the chain with a snapshot that is newer than both. So two of them never work on
 * one chain, each sees what the one before did, and a turn is removed only by someone who saw the job that it was made for. Then it
 * makes the head ready, or scheduled when its time has not come, and blocks what was made ready before and isn't the head any more. Hence:
 *
 *   (2) only a holder of the advisory lock makes a job of a lock ready or scheduled, and never two: `jobs_active` would refuse that.
 *
 * Rows that it changes are locked first, and never waited for: a head that somebody is about to cancel, in a transaction that may stay open, or one
 * that is being claimed. Then the turn stays, and so does one whose advisory lock is taken. Whoever sees a turn that he could not take is told to come
 * back soon. A claim passes over jobs whose lock has a turn: what is waiting may have to run before them.
 */
import { STEADY } from "./template.ts";

/** The function that takes turns. */
export const TURNS: string = `
-- Takes up to _limit turns, and those of the locks in _own, which the caller's own changes made. Gives the jobs that can run now, or at their
-- time; how many turns were taken; whether any was of use; and whether one of its own had to be left.
CREATE FUNCTION {schema}.take_turns_v1(
  _own text[], _limit integer, _moment timestamptz,
  OUT made bigint[], OUT taken integer, OUT useful boolean, OUT own_left boolean)
LANGUAGE plpgsql ${STEADY} AS $body$
DECLARE
  _turns bigint[];
  _locks text[];
  _mine text[];
  _left text[];
  _heads bigint[];
  _actives bigint[];
  _chains text[];
  _held bigint[];
BEGIN
  made := '{}';
  taken := 0;
  useful := false;
  own_left := false;
  IF _limit > 0 THEN
    SELECT array_agg(t.id), array_agg(t.lock), count(*) INTO _turns, _locks, taken
      FROM (SELECT t.id, t.lock FROM {schema}.turns t ORDER BY t.id LIMIT _limit FOR UPDATE SKIP LOCKED) t;
  END IF;
  _locks := _locks || _own;
  IF _locks IS NULL THEN
    RETURN;
  END IF;
  SELECT array_agg(l.lock) FILTER (WHERE l.free), array_agg(l.lock) FILTER (WHERE NOT l.free) INTO _mine, _left
    FROM (
      SELECT d.lock, pg_try_advisory_xact_lock(hashtextextended(d.lock, {turns}::regclass::oid::bigint)) AS free
        FROM (SELECT DISTINCT u.lock FROM unnest(_locks) AS u(lock)) d
    ) l;
  -- The chains as they are by now, where something has to change.
  SELECT array_agg(c.lock), array_agg(c.active), array_agg(c.head) INTO _chains, _actives, _heads
    FROM (
      SELECT l.lock, a.id AS active, h.id AS head
        FROM unnest(_mine) AS l(lock)
        CROSS JOIN LATERAL (
          SELECT j.id FROM {schema}.jobs j WHERE j.lock = l.lock AND j.state <> 'd'
           ORDER BY j.lock, j.priority DESC, j.id LIMIT 1
        ) h
        LEFT JOIN LATERAL (
          SELECT j.id, j.state FROM {schema}.jobs j WHERE j.lock = l.lock AND j.state <> 'b' LIMIT 1
        ) a ON true
       WHERE a.state IS DISTINCT FROM 'd' AND a.id IS DISTINCT FROM h.id
    ) c;
  IF _chains IS NOT NULL THEN
    SELECT array_agg(h.id) INTO _held
      FROM (
        SELECT j.id FROM {schema}.jobs j
         WHERE j.id = ANY (_heads || _actives) AND j.state::text <> 'd' FOR UPDATE SKIP LOCKED
      ) h;
    SELECT _left || array_agg(c.lock) FILTER (WHERE NOT c.held),
           array_agg(c.active) FILTER (WHERE c.held), array_agg(c.head) FILTER (WHERE c.held)
      INTO _left, _actives, _heads
      FROM (
        SELECT u.*, coalesce(u.head = ANY (_held) AND (u.active IS NULL OR u.active = ANY (_held)), false) AS held
          FROM unnest(_chains, _actives, _heads) AS u(lock, active, head)
      ) c;
    UPDATE {schema}.jobs j SET state = 'b' WHERE j.id = ANY (_actives);
    WITH changed AS (
      UPDATE {schema}.jobs j SET state = CASE WHEN j.scheduled_at > _moment THEN 's' ELSE 'r' END::"char"
       WHERE j.id = ANY (_heads)
      RETURNING j.id
    )
    SELECT coalesce(array_agg(c.id), '{}') INTO made FROM changed c;
  END IF;
  own_left := coalesce(_own && _left, false);
  useful := taken > 0 AND (_left IS NULL OR NOT _locks <@ _left);
  -- What is left goes to the end of the line, so that it is never in the way of others.
  IF taken > 0 OR own_left THEN
    WITH gone AS (
      DELETE FROM {schema}.turns t WHERE t.id = ANY (_turns) RETURNING t.lock, t.created_at
    ), lefts AS (
      SELECT g.lock, g.created_at FROM gone g UNION ALL SELECT o.lock, _moment FROM unnest(_own) AS o(lock)
    )
    INSERT INTO {schema}.turns (lock, created_at)
    SELECT l.lock, min(l.created_at) FROM lefts l WHERE l.lock = ANY (_left) GROUP BY l.lock;
  END IF;
END
$body$;
`;
