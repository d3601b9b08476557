-- Deploy rifaapp:readiness to pg
-- The API's database role has no access to the schema sqitch; it may only ask this one question.

BEGIN;

CREATE FUNCTION change_is_deployed(p_change_id text) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN EXISTS (SELECT FROM sqitch.changes WHERE change_id = p_change_id);
END
$$;
COMMENT ON FUNCTION change_is_deployed(text) IS 'Whether the Sqitch change with this id is deployed here.';

COMMIT;
