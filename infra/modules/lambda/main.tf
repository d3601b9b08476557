data "aws_region" "current" {}

data "aws_partition" "current" {}

locals {
  region    = data.aws_region.current.name
  partition = data.aws_partition.current.partition
  arn       = "arn:${local.partition}:lambda:${local.region}:${var.account_id}:function:${var.name}"

  connections_wanted  = var.reserved_concurrency * var.pool_size + var.connections_elsewhere
  connections_allowed = floor(var.database.max_connections * 0.8)

  database_environment = merge(
    {
      DB_HOST      = var.database.host
      DB_PORT      = tostring(var.database.port)
      DB_NAME      = var.database.name
      DB_SSLMODE   = var.database.sslmode
      DB_POOL_SIZE = tostring(var.pool_size)
    },
    var.database.read_host == null ? {} : { DB_READ_HOST = var.database.read_host },
    var.database.login == "iam"
    ? { DB_IAM_AUTH = "true", DB_USER = var.database.user }
    : { DB_SECRET_ARN = var.database.secret_arn },
  )
}

resource "aws_cloudwatch_log_group" "this" {
  name              = "/aws/lambda/${var.name}"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.kms_key_arn
}

# Terraform owns what the function is; `mage deploy` owns its code, which it uploads without Terraform too, and which
# version is served.
# Traces would need a policy on every resource (X-Ray knows no other); request ids in the logs serve instead.
#tfsec:ignore:aws-lambda-enable-tracing
resource "aws_lambda_function" "this" {
  function_name = var.name
  description   = var.description
  role          = aws_iam_role.this.arn

  runtime          = "provided.al2023"
  architectures    = ["arm64"]
  handler          = "bootstrap"
  filename         = var.zip_path
  source_code_hash = var.compare_code && fileexists(var.zip_path) ? filebase64sha256(var.zip_path) : null
  publish          = true

  memory_size                    = var.memory_mb
  timeout                        = var.timeout_seconds
  reserved_concurrent_executions = var.reserved_concurrency

  environment {
    variables = merge(
      var.environment,
      { for variable, secret in aws_secretsmanager_secret.this : variable => secret.arn },
      local.database_environment,
      # Go frees memory in time when it knows the limit; a tenth is left to the runtime and the page cache.
      { GOMEMLIMIT = "${floor(var.memory_mb * 0.9)}MiB" },
    )
  }

  vpc_config {
    subnet_ids         = var.subnet_ids
    security_group_ids = [var.security_group_id]
  }

  # The program writes JSON lines itself, whole; text means "pass them on unchanged".
  logging_config {
    log_format = "Text"
    log_group  = aws_cloudwatch_log_group.this.name
  }

  lifecycle {
    precondition {
      condition     = local.connections_wanted <= local.connections_allowed
      error_message = <<-EOT
        ${var.name} could open ${local.connections_wanted} connections (reserved_concurrency ${var.reserved_concurrency} × pool_size ${var.pool_size} + ${var.connections_elsewhere} elsewhere), but 80 % of the database's ${var.database.max_connections} are ${local.connections_allowed}.
        Lower reserved_concurrency, or raise the database's capacity.max or max_connections first: deploy, and restart its servers, which take a new max_connections no sooner (aws rds reboot-db-instance --db-instance-identifier NAME, such as rifaapp-dev-1).
      EOT
    }
  }

  depends_on = [aws_iam_role_policy.this]
}

# The gateway, the schedule and people call this alias only. `mage deploy` and `mage rollback` move it, so Terraform
# sets it once and never again.
resource "aws_lambda_alias" "live" {
  name             = "live"
  description      = "What is served; moved by mage deploy and mage rollback"
  function_name    = aws_lambda_function.this.function_name
  function_version = aws_lambda_function.this.version

  lifecycle {
    ignore_changes = [function_version, routing_config, description] # the description notes the version before
  }
}

# A call that nobody waits for is not repeated: the next minute brings the next one.
resource "aws_lambda_function_event_invoke_config" "live" {
  function_name                = aws_lambda_function.this.function_name
  qualifier                    = aws_lambda_alias.live.name
  maximum_retry_attempts       = 0
  maximum_event_age_in_seconds = 60
}

resource "aws_secretsmanager_secret" "this" {
  for_each = var.secrets

  name                    = "${var.secret_prefix}/${each.value}"
  description             = "${each.key} of ${var.name}"
  kms_key_id              = var.kms_key_arn
  recovery_window_in_days = var.secret_recovery_days
}
