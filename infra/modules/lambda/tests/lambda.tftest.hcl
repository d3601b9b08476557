mock_provider "aws" {
  source = "../testing"
}

variables {
  name                 = "rifaapp-test-api"
  description          = "Serves the API of a test"
  account_id           = "123456789012"
  zip_path             = "not-built.zip"
  reserved_concurrency = 80
  subnet_ids           = ["subnet-1", "subnet-2"]
  security_group_id    = "sg-functions"
  secret_prefix        = "rifaapp-test"
  kms_key_arn          = "arn:aws:kms:us-east-1:123456789012:key/test"

  database = {
    host            = "db.example"
    port            = 5432
    name            = "rifaapp"
    user            = "rifaapp_app"
    user_arn        = "arn:aws:rds-db:us-east-1:123456789012:dbuser:cluster-TEST/rifaapp_app"
    max_connections = 100
  }
}

run "new_code_is_a_change" {
  command = plan

  variables {
    zip_path = "tests/code.zip"
  }

  assert {
    condition     = aws_lambda_function.this.source_code_hash == filebase64sha256("tests/code.zip")
    error_message = "A deployment must bring the code that was built."
  }
}

run "a_zip_left_behind_is_no_drift" {
  variables {
    zip_path     = "tests/code.zip"
    compare_code = false
  }

  assert {
    condition     = aws_lambda_function.this.source_code_hash != filebase64sha256("tests/code.zip")
    error_message = "Who only looks must not be told of a zip that nobody deploys."
  }
}

run "a_function_behind_an_alias" {
  variables {
    schedule = "rate(1 minute)"
    secrets  = { JWT_KEYS = "jwt-keys" }
  }

  assert {
    condition     = aws_lambda_function.this.runtime == "provided.al2023" && aws_lambda_function.this.architectures == tolist(["arm64"]) && aws_lambda_function.this.publish
    error_message = "Each apply must publish a version of the arm64 bootstrap."
  }

  assert {
    condition     = aws_lambda_function.this.reserved_concurrent_executions == 80 && output.reserved_connections == 80
    error_message = "Reserved concurrency bounds the connections."
  }

  assert {
    condition     = aws_lambda_alias.live.name == "live" && aws_lambda_alias.live.function_version == "1" && output.invoke_arn == aws_lambda_alias.live.invoke_arn
    error_message = "Callers must get the alias, never a bare version."
  }

  assert {
    condition = aws_lambda_function.this.environment[0].variables == tomap({
      DB_HOST      = "db.example"
      DB_PORT      = "5432"
      DB_NAME      = "rifaapp"
      DB_SSLMODE   = "verify-full"
      DB_IAM_AUTH  = "true"
      DB_USER      = "rifaapp_app"
      DB_POOL_SIZE = "1"
      GOMEMLIMIT   = "460MiB"
      JWT_KEYS     = "arn:aws:secretsmanager:us-east-1:123456789012:secret:mocked"
    })
    error_message = "The environment must hold where the database is and where secrets are, and no secret."
  }

  assert {
    condition     = aws_cloudwatch_log_group.this.name == "/aws/lambda/rifaapp-test-api" && aws_cloudwatch_log_group.this.retention_in_days == 30 && aws_cloudwatch_log_group.this.kms_key_id == var.kms_key_arn
    error_message = "The log must be kept for a known time, encrypted."
  }

  assert {
    condition     = aws_cloudwatch_event_target.schedule[0].arn == aws_lambda_alias.live.arn && aws_lambda_permission.schedule[0].qualifier == "live"
    error_message = "The schedule must call the alias."
  }

  assert {
    condition     = aws_lambda_function_event_invoke_config.live.maximum_retry_attempts == 0
    error_message = "A scheduled call is not repeated: the next minute brings the next."
  }

  assert {
    condition     = aws_secretsmanager_secret.this["JWT_KEYS"].name == "rifaapp-test/jwt-keys" && aws_secretsmanager_secret.this["JWT_KEYS"].kms_key_id == var.kms_key_arn
    error_message = "The secret must have the name the network's endpoint lets through."
  }
}

run "no_schedule_and_no_secrets_by_default" {
  command = plan

  assert {
    condition     = length(aws_cloudwatch_event_rule.schedule) + length(aws_cloudwatch_event_target.schedule) + length(aws_lambda_permission.schedule) + length(aws_secretsmanager_secret.this) == 0
    error_message = "Nothing calls the function that nobody asked for."
  }
}

# Lambda tries the role before it makes a function, with no network interface and no condition at hand.
run "the_role_passes_the_trial_before_creation" {
  command = plan

  assert {
    condition = [
      for s in data.aws_iam_policy_document.this.statement : { on = tolist(s.resources), conditions = length(s.condition) }
      if contains(s.actions, "ec2:DeleteNetworkInterface") && s.effect != "Deny"
    ] == [{ on = tolist(["arn:aws:ec2:us-east-1:123456789012:*/*"]), conditions = 0 }]
    error_message = "Lambda must be able to delete interfaces, to its eye of any kind."
  }

  assert {
    condition = [
      for s in data.aws_iam_policy_document.this.statement : { on = tolist(s.resources), conditions = length(s.condition) }
      if contains(s.actions, "ec2:DescribeNetworkInterfaces") && s.effect != "Deny"
    ] == [{ on = tolist(["*"]), conditions = 0 }]
    error_message = "Lambda must be able to look at interfaces without a condition."
  }

  assert {
    condition = [
      for s in data.aws_iam_policy_document.this.statement : { for c in s.condition : c.variable => tolist(c.values) } if s.effect == "Deny" && contains(s.actions, "ec2:DeleteNetworkInterface")
    ] == [{ "lambda:SourceFunctionArn" = tolist(["arn:aws:lambda:us-east-1:123456789012:function:rifaapp-test-api"]) }]
    error_message = "The code inside the function must be refused all of it."
  }
}

run "signs_in_with_a_secret" {
  command = plan

  variables {
    pool_size            = 2
    reserved_concurrency = 1
    database = {
      host            = "db.example"
      port            = 5432
      name            = "rifaapp"
      user            = "unused"
      login           = "secret"
      secret_arn      = "arn:aws:secretsmanager:us-east-1:123456789012:secret:rds!db-test"
      read_host       = "readers.example"
      max_connections = 80
    }
  }

  assert {
    condition = (aws_lambda_function.this.environment[0].variables["DB_SECRET_ARN"] == "arn:aws:secretsmanager:us-east-1:123456789012:secret:rds!db-test"
      && !contains(keys(aws_lambda_function.this.environment[0].variables), "DB_IAM_AUTH")
      && aws_lambda_function.this.environment[0].variables["DB_POOL_SIZE"] == "2"
    && aws_lambda_function.this.environment[0].variables["DB_READ_HOST"] == "readers.example")
    error_message = "login = secret must hand over the secret's ARN and no token."
  }
}

# 80 % of 100 connections are 80: 80 copies of one connection just fit, one more does not.
run "refuses_one_connection_too_many" {
  command = plan

  variables {
    reserved_concurrency = 81
  }

  expect_failures = [aws_lambda_function.this]
}

run "counts_connections_elsewhere" {
  command = plan

  variables {
    reserved_concurrency  = 79
    connections_elsewhere = 2
  }

  expect_failures = [aws_lambda_function.this]
}

run "counts_the_pool" {
  command = plan

  variables {
    reserved_concurrency = 41
    pool_size            = 2
  }

  expect_failures = [aws_lambda_function.this]
}

run "refuses_what_is_no_name_or_number" {
  command = plan

  variables {
    name                     = "API"
    description              = "short"
    account_id               = "12345"
    zip_path                 = "bootstrap"
    memory_mb                = 64
    timeout_seconds          = 1000
    reserved_concurrency     = 0
    pool_size                = 1.5
    connections_elsewhere    = -1
    environment              = { lower = "case" }
    secrets                  = { JWT_KEYS = "Not A Name" }
    secret_prefix            = "-"
    secret_recovery_days     = 3
    subnet_ids               = []
    security_group_id        = "functions"
    kms_key_arn              = "alias/rifaapp"
    log_retention_days       = 8
    schedule                 = "every minute"
    permissions_boundary_arn = "rifaapp-boundary"
  }

  expect_failures = [
    var.name, var.description, var.account_id, var.zip_path, var.memory_mb, var.timeout_seconds, var.reserved_concurrency, var.pool_size,
    var.connections_elsewhere, var.environment, var.secrets, var.secret_prefix, var.secret_recovery_days, var.subnet_ids,
    var.security_group_id, var.kms_key_arn, var.log_retention_days, var.schedule, var.permissions_boundary_arn,
  ]
}

run "refuses_any_database_user_and_plain_text" {
  command = plan

  variables {
    environment = { JWT_KEYS = "a secret in plain sight" }
    database = {
      host            = "db.example"
      port            = 5432
      name            = "rifaapp"
      user            = "rifaapp_app"
      user_arn        = "arn:aws:rds-db:us-east-1:123456789012:dbuser:*/*"
      max_connections = 100
      sslmode         = "prefer"
    }
  }

  expect_failures = [var.environment, var.database]
}

run "refuses_a_secret_the_program_does_not_read" {
  command = plan

  variables {
    secrets = { MIGRATIONS_TOKEN = "migrations-token" }
  }

  expect_failures = [var.secrets]
}

run "refuses_a_token_where_iam_guards" {
  command = plan

  variables {
    environment = { MIGRATIONS_TOKEN = "sesame" }
  }

  expect_failures = [var.environment]
}

run "refuses_to_hide_what_the_module_sets" {
  command = plan

  variables {
    environment = { DB_HOST = "elsewhere.example" }
  }

  expect_failures = [var.environment]
}
