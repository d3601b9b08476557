-- The three roles of the database, for an environment whose migrations do not make them. One statement, so that the
-- Data API takes it; it may run any number of times:
--   owner     owns what migrations make, cannot sign in
--   migrator  is the owner from the moment it has signed in, with an IAM token
--   app       reads and writes rows, nothing else, signs in with an IAM token
DO $roles$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'rifaapp_owner') THEN
        CREATE ROLE rifaapp_owner NOLOGIN;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'rifaapp_migrator') THEN
        CREATE ROLE rifaapp_migrator LOGIN;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'rifaapp_app') THEN
        CREATE ROLE rifaapp_app LOGIN;
    END IF;

    GRANT rifaapp_owner TO rifaapp_migrator;
    -- RDS gives nobody superuser: who sets another role's defaults must be a member of it.
    EXECUTE format('GRANT rifaapp_owner, rifaapp_migrator TO %I', current_user);

    -- What one request may cost the others, whatever the program forgets. Each limit is shorter than the one around it:
    -- the handler gives up after 8 s.
    ALTER ROLE rifaapp_app SET statement_timeout = '5s';
    ALTER ROLE rifaapp_app SET lock_timeout = '2s';
    ALTER ROLE rifaapp_app SET idle_in_transaction_session_timeout = '10s';
    -- Compiling a statement takes longer than running any of ours; without statistics it was tried.
    ALTER ROLE rifaapp_app SET jit = off;

    -- rds_iam exists on AWS only; with it a role signs in by token and by nothing else.
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'rds_iam') THEN
        GRANT rds_iam TO rifaapp_migrator, rifaapp_app;
    END IF;

    EXECUTE format('GRANT CONNECT, CREATE, TEMPORARY ON DATABASE %I TO rifaapp_owner', current_database());
    EXECUTE format('GRANT CONNECT ON DATABASE %I TO rifaapp_migrator, rifaapp_app', current_database());
    GRANT USAGE, CREATE ON SCHEMA public TO rifaapp_owner;
    GRANT USAGE ON SCHEMA public TO rifaapp_app;

    -- Whoever deploys, this binary or Sqitch, makes what it makes as the owner, without a line in any script. What the
    -- migrator once made under its own name changes hands.
    ALTER ROLE rifaapp_migrator SET role = 'rifaapp_owner';
    REASSIGN OWNED BY rifaapp_migrator TO rifaapp_owner;

    -- The app may use what comes out.
    ALTER DEFAULT PRIVILEGES FOR ROLE rifaapp_owner IN SCHEMA public
        GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO rifaapp_app;
    ALTER DEFAULT PRIVILEGES FOR ROLE rifaapp_owner IN SCHEMA public
        GRANT USAGE, SELECT ON SEQUENCES TO rifaapp_app;
    ALTER DEFAULT PRIVILEGES FOR ROLE rifaapp_owner IN SCHEMA public
        GRANT EXECUTE ON FUNCTIONS TO rifaapp_app;

    -- Through the migrator the master user would be a member of rds_iam, and RDS would refuse its password from now on.
    -- From PostgreSQL 16 on it would remain one, as the maker of these roles, and could not give that back: the module
    -- takes 15 only.
    EXECUTE format('REVOKE rifaapp_migrator FROM %I', current_user);
END
$roles$;
